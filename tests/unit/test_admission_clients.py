"""Admission holds a client of the bridge against its policy once more, by the addresses that it resolves itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec
import pytest

from scanpool.coordination.client_counts import Counted
from scanpool.coordination.client_policy import Counts
from scanpool.coordination.registry import register
from scanpool.runtime.errors import BrokerUnavailable
from scanpool.runtime.keys import Key, read_key
from scanpool_schemas import subjects
from scanpool_schemas.keys import ClientRule, LastAdmitted, PoolRules
from scanpool_schemas.scan import AnyScan, Failed, Pending, Queued
from tests.support.builders import NOW, a_request
from tests.support.client_counting import CountsInMemory, an_admission, ask
from tests.support.fake_jetstream import FakeJetStream

RULES = PoolRules(
    allow=("10.0.0.0/8", "*.example", "169.254.169.254", "127.0.0.1"),
    protected=("10.0.0.66", "nats.example"),
    clients=(ClientRule(subject="agent", networks=("10.0.0.0/16", "*.lab.example"), intensity="intrusive"),),
)
NOTHING = Counts(live=0, last_hour=0)
MINE = a_request(client="agent", owner="agent")
DNS = {
    "web.lab.example": ("10.0.0.7", "10.0.0.8"),
    "bad.lab.example": ("169.254.169.254",),
    "nats.example": ("10.0.0.99",),
    "alias.lab.example": ("10.0.0.99",),
    "self.lab.example": ("127.0.0.1",),
    "other.example": ("10.9.0.1",),
}


@dataclass
class Tally:
    """What a client has already; notes who was counted."""

    counts: Counts = NOTHING
    revision: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)

    def turn(self, pool: str, client: str) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def counted(self, pool: str, client: str, now: datetime) -> Counted:
        self.asked.append((pool, client))
        return Counted(counts=self.counts, revision=self.revision)


def answered(
    tally: Tally | None = None, dns: Mapping[str, Sequence[str]] = DNS, rules: PoolRules = RULES, **fields: Any
) -> tuple[AnyScan, list[str]]:
    """The scan that admission commits, and the names that it looked up."""
    return asyncio.run(_answered(tally or Tally(), dns, rules, fields))


async def _answered(
    tally: Tally, dns: Mapping[str, Sequence[str]], rules: PoolRules, fields: Mapping[str, Any]
) -> tuple[AnyScan, list[str]]:
    broker, looked_up = FakeJetStream(["lab"]), []

    async def resolve(name: str) -> tuple[str, ...]:
        looked_up.append(name)
        return tuple(dns.get(name, ()))

    await register(broker, "lab", rules)
    admission = an_admission(broker, tally, now=lambda: NOW, resolve=resolve)
    request = a_request(**{"client": "agent", "owner": fields.get("client", "agent"), **fields})
    return await ask(admission, broker, "s1", request, NOW), looked_up


def code_of(scan: AnyScan) -> str:
    assert isinstance(scan, Failed), scan
    return scan.error.code


def test_a_clients_names_are_pinned_though_the_pool_speaks_of_names_alone() -> None:
    by_name = msgspec.structs.replace(RULES, allow=("*.example",))
    scan, looked_up = answered(rules=by_name, targets=("web.lab.example",))
    assert isinstance(scan, Queued)
    assert scan.request.targets == ("web.lab.example[10.0.0.7]", "web.lab.example[10.0.0.8]")
    assert looked_up == ["web.lab.example", "nats.example"]


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("bad.lab.example", "client_target_denied"),
        ("self.lab.example", "client_target_denied"),
        ("alias.lab.example", "client_target_denied"),
        ("nats.example", "client_target_denied"),
        ("other.example", "client_target_denied"),
        ("gone.lab.example", "hostname_unresolved"),
        ("10.0.0.99", "client_target_denied"),
        ("10.0.0.66", "client_target_denied"),
        ("web.lab.example[10.9.0.1]", "client_target_denied"),
    ],
)
def test_a_name_is_judged_by_what_it_resolves_to_now(target: str, code: str) -> None:
    scan, _ = answered(targets=(target,))
    assert code_of(scan) == code


def test_a_name_that_has_turned_since_the_bridge_looked_is_denied() -> None:
    assert isinstance(answered(targets=("web.lab.example",))[0], Queued)
    turned = {**DNS, "web.lab.example": ("10.0.0.7", "10.0.0.66")}
    assert code_of(answered(dns=turned, targets=("web.lab.example",))[0]) == "client_target_denied"


@pytest.mark.parametrize("fields", [{"client": "stranger"}, {"settings": {"a": "b"}}])
def test_what_is_denied_at_first_sight_looks_up_no_name(fields: dict[str, Any]) -> None:
    scan, looked_up = answered(targets=("web.lab.example",), **fields)
    assert isinstance(scan, Failed)
    assert looked_up == []


def test_what_is_denied_whatever_the_client_has_is_not_counted_for() -> None:
    tally = Tally()
    assert code_of(answered(tally, targets=("10.9.0.1",))[0]) == "client_target_denied"
    assert tally.asked == []
    assert isinstance(answered(tally)[0], Queued)
    assert tally.asked == [("lab", "agent")]


@pytest.mark.parametrize(
    ("counts", "code"),
    [
        (Counts(live=4, last_hour=4), "client_too_many_scans"),
        (Counts(live=0, last_hour=20), "client_too_fast"),
    ],
)
def test_what_is_too_much_is_refused_and_may_be_asked_for_again(counts: Counts, code: str) -> None:
    scan, _ = answered(Tally(counts))
    assert isinstance(scan, Failed)
    assert (scan.error.code, scan.error.retryable) == (code, True)
    assert "; " in scan.error.message


def test_what_needs_a_person_is_pending_until_somebody_is_named_who_confirmed_it() -> None:
    scan, _ = answered(intensity="intrusive")
    assert isinstance(scan, Pending)
    assert scan.reason == "the scan is intrusive"
    confirmed, _ = answered(intensity="intrusive", confirmed="alice")
    assert isinstance(confirmed, Queued)
    assert confirmed.timeline[-1].why == "admitted: the scan is intrusive; confirmed by alice"
    assert confirmed.request_digest == scan.request_digest


@pytest.mark.parametrize(("said", "carried_out"), [(None, "safe"), ("safe", "safe"), ("intrusive", "intrusive")])
def test_a_client_that_does_not_say_how_intrusive_gets_a_safe_scan(said: str | None, carried_out: str) -> None:
    scan, _ = answered(intensity=said, confirmed="alice")
    assert scan.request.intensity == carried_out
    assert answered(client=None)[0].request.intensity is None


def test_rules_that_cannot_be_read_deny() -> None:
    broken = msgspec.structs.replace(RULES, protected=("10.0.0.300",))
    scan, _ = answered(rules=broken)
    assert isinstance(scan, Failed)
    assert scan.error.code == "client_target_denied"
    assert "cannot be read" in scan.error.message


def test_of_requests_at_once_each_is_counted_with_those_before_it() -> None:
    async def at_once() -> list[AnyScan]:
        async def pause(_what: str) -> None:
            await asyncio.sleep(0)

        broker = FakeJetStream(["lab"], pause=pause)
        await register(broker, "lab", RULES)
        admission = an_admission(broker, CountsInMemory(broker), now=lambda: NOW)
        return await asyncio.gather(*(ask(admission, broker, f"s{n}", MINE, NOW) for n in range(9)))

    states = Counter(type(scan) for scan in asyncio.run(at_once()))
    assert states == {Queued: 4, Failed: 5}


@dataclass
class Overtaken(Tally):
    """Whose client's key has moved between the count and the commit, the first so many times."""

    times: int = 1

    async def counted(self, pool: str, client: str, now: datetime) -> Counted:
        counted = await super().counted(pool, client, now)
        return replace(counted, revision=counted.revision + (len(self.asked) <= self.times))


async def overtaken(tally: Tally) -> tuple[AnyScan, Key[LastAdmitted]]:
    """The scan, and the client's key after it."""
    broker = FakeJetStream(["lab"])
    await register(broker, "lab", RULES)
    scan = await ask(an_admission(broker, tally, now=lambda: NOW), broker, "s1", MINE, NOW)
    return scan, await read_key(broker, "lab", subjects.client_key("agent"), LastAdmitted)


async def test_whoever_was_overtaken_counts_again() -> None:
    tally = Overtaken(times=3)
    scan, key = await overtaken(tally)
    assert isinstance(scan, Queued)
    assert len(tally.asked) == 4
    assert key.value == LastAdmitted(client="agent", scan_id="s1", at=NOW)


async def test_what_is_refused_leaves_the_key_of_its_client_as_it_is() -> None:
    tally = Overtaken(Counts(live=4, last_hour=4))
    scan, key = await overtaken(tally)
    assert code_of(scan) == "client_too_many_scans"
    assert (len(tally.asked), key.revision) == (1, 0)


async def test_whoever_is_overtaken_all_the_time_leaves_the_request_for_later() -> None:
    with pytest.raises(BrokerUnavailable, match="in a row"):
        await overtaken(Overtaken(times=1000))


async def test_a_scan_that_no_client_of_the_bridge_asked_for_moves_no_key() -> None:
    broker, tally = FakeJetStream(["lab"]), Tally()
    await register(broker, "lab", RULES)
    await ask(an_admission(broker, tally, now=lambda: NOW), broker, "s1", a_request(), NOW)
    assert tally.asked == []
    assert broker.messages("KV_pool-lab", subjects.key("lab", subjects.client_key("*"))) == []
