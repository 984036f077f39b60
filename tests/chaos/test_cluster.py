"""Three nats-servers lose their leaders under load, and every scan still ends once."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from scanpool.client import ScanPool
from scanpool.client.errors import UnknownScan
from scanpool_schemas import subjects
from tests.support.cli import Ended, ended, scanpool, started
from tests.support.cluster import META, running_cluster
from tests.support.eventually import becomes
from tests.support.reckoning import account, reckoned
from tests.support.storm import staged, weathered
from tests.support.storm_plan import Blow, Size, is_full, planned, seed_of

POOL = subjects.pool_stream("lab")
LOOKS = (["status", "waits"], ["list"], ["pools"], ["stats"], ["scanners"])
"""Commands that read, and end."""

SMALL = Size(
    scans=24,
    pools={"lab": (3, 4)},
    crew=[["all"], ["all"]],
    submitted_within_s=8,
    kills=0,
    kills_every_s=1,
    blows=[Blow(at_s=2, target=POOL, down_s=1.0), Blow(at_s=4, target=META, down_s=1.0)],
)
ONE_SLOW = Size(
    scans=0,
    pools={"lab": (3,)},
    crew=[["all"]],
    submitted_within_s=0,
    kills=0,
    kills_every_s=1,
    slow="lab.s1",
)
FULL = Size(
    scans=100,
    pools={"lab": (3, 4), "dmz": (4,)},
    crew=[[name] for name in ("admission", "dispatcher", "poller", "validator", "janitor") for _ in range(2)],
    submitted_within_s=50,
    kills=8,
    kills_every_s=6,
    blows=[
        Blow(at_s=3, target=POOL, down_s=2.0),
        Blow(at_s=12, target=META, down_s=2.0),
        Blow(at_s=22, target=POOL, down_s=6.0),
        Blow(at_s=32, target=subjects.SCAN_REQUESTS, down_s=2.0),
        Blow(at_s=42, target=POOL, down_s=0.0),
    ],
)


async def test_scans_live_through_the_loss_of_leaders(tmp_path: Path) -> None:
    size = FULL if is_full() else SMALL
    plan = planned(seed_of(), size)
    async with running_cluster() as cluster, staged(plan, cluster, tmp_path, replicas=3) as stage:
        outcome = await weathered(stage, within_s=size.submitted_within_s + 180)
        problems = await reckoned(stage, outcome)
        told = account(stage, outcome, problems)
        print(told)
        assert not problems, told
        assert len(cluster.killed) == len(size.blows)


async def test_commands_outlive_the_loss_of_a_leader_or_say_that_nats_does_not_answer(tmp_path: Path) -> None:
    async with running_cluster() as cluster, staged(planned(1, ONE_SLOW), cluster, tmp_path, replicas=3) as stage:
        nats = ["--nats", cluster.url, "--json"]
        waiting = await started("scan", "10.10.0.5", "--id", "waits", "--max-duration", "10m", "--wait", *nats)
        following = await started("events", "--follow", "--kind", "completed", *nats)
        try:
            assert following.stderr is not None
            async with asyncio.timeout(60):
                assert b"followed" in await following.stderr.readline()
            await until_running(stage.clients[0], "waits")
            struck = asyncio.create_task(cluster.strike(POOL, 1.0))
            meanwhile = await looks(nats)
            while not struck.done():
                meanwhile += await looks(nats)
            await struck
            afterwards = await looks(nats)
            end = await ended(waiting)
            followed = await first_line(following)
        finally:
            await killed(waiting)
            await killed(following)
        assert all(each.code == 0 or refused_in_a_sentence(each) for each in meanwhile), meanwhile
        assert [each.code for each in afterwards] == [0] * len(LOOKS), afterwards
        assert (end.code, end.document["scan"]["status"]) == (0, "completed"), end
        assert followed["scan"]["id"] == "waits"


async def looks(options: list[str]) -> list[Ended]:
    """What each command that looks answers now."""
    return await asyncio.gather(*(scanpool(*words, *options) for words in LOOKS))


def refused_in_a_sentence(command: Ended) -> bool:
    """It says that NATS does not answer, and nothing of its own insides."""
    if command.code != 1 or "Traceback" in command.err:
        return False
    return bool(command.document["error"]["code"] == "broker_unavailable")


async def first_line(process: asyncio.subprocess.Process) -> Any:
    """The first document that it prints."""
    assert process.stdout is not None
    async with asyncio.timeout(30):
        return json.loads(await process.stdout.readline())


async def killed(process: asyncio.subprocess.Process) -> None:
    """End it, whatever it does."""
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def until_running(client: ScanPool, scan_id: str) -> None:
    """Wait until the scan runs on its scanner."""

    async def runs() -> bool:
        try:
            return (await client.status(scan_id)).state == "running"
        except UnknownScan:
            return False

    await becomes(runs, within_s=30)
