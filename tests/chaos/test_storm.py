"""A storm over everything at once: processes and NATS are killed, scanners fail, and every scan still ends once."""

from __future__ import annotations

from pathlib import Path

import anyio

from tests.support.broker import Broker, running_broker
from tests.support.reckoning import account, reckoned
from tests.support.storm import staged, weathered
from tests.support.storm_plan import Blow, Size, is_full, planned, seed_of

SERVER = "server"
EACH_TWICE = [[name] for name in ("admission", "dispatcher", "poller", "validator", "janitor") for _ in range(2)]
FEWER = [[*names] for names in (["admission", "janitor"], ["dispatcher"], ["poller", "validator"]) for _ in range(2)]

SMALL = Size(
    scans=40,
    pools={"lab": (2, 3), "dmz": (4,)},
    slow="lab.s1",
    crew=FEWER,
    submitted_within_s=5,
    kills=12,
    kills_every_s=0.6,
    blows=[Blow(at_s=3.5, target=SERVER, down_s=1.0)],
    faults_until_s=12,
)
FULL = Size(
    scans=300,
    pools={"lab": (2, 3, 4), "dmz": (2, 3, 4)},
    slow="lab.s1",
    crew=EACH_TWICE,
    submitted_within_s=75,
    kills=60,
    kills_every_s=1.0,
    blows=[Blow(at_s=15, target=SERVER, down_s=3.0), Blow(at_s=40, target=SERVER, down_s=6.0)],
    faults_until_s=95,
)


class OneServer:
    """The broker, as the storm strikes it."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    @property
    def url(self) -> str:
        return self._broker.url

    async def strike(self, target: str, down_s: float) -> None:
        """Kill it (SIGKILL), and start it again on the same store and port after a while."""
        assert target == SERVER
        await self._broker.kill()
        await anyio.sleep(down_s)
        await self._broker.start_again()


async def test_a_storm_loses_no_scan_launches_none_twice_and_leaves_nothing_behind(tmp_path: Path) -> None:
    size = FULL if is_full() else SMALL
    plan = planned(seed_of(), size)
    async with running_broker() as broker, staged(plan, OneServer(broker), tmp_path) as stage:
        outcome = await weathered(stage, within_s=size.submitted_within_s + 240)
        problems = await reckoned(stage, outcome)
        told = account(stage, outcome, problems)
        print(told)
        assert not problems, told
        assert sum(each.status == "completed" for each in outcome.ended.values()) > size.scans / 3, told
