"""Admission holds a client of the bridge against its policy once more, by the addresses that it resolves itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, cast

import msgspec
import pytest
from nats.aio.client import Client

from scanpool.admission.clients import Counting
from scanpool.admission.service import Admission, AdmissionParts
from scanpool.coordination.client_counts import ClientCounts
from scanpool.coordination.client_policy import Counts
from scanpool.coordination.ledger import Ledger
from scanpool.coordination.registry import register
from scanpool.coordination.stage import Clockwork
from scanpool.runtime.backoff import Backoff
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.outcomes import Done
from scanpool.runtime.resolving import Resolver
from scanpool_schemas import subjects
from scanpool_schemas.keys import ClientRule, PoolRules
from scanpool_schemas.request import ScanRequest
from scanpool_schemas.scan import AnyScan, Failed, Pending, Queued
from tests.support.builders import NOW, a_request
from tests.support.fake_jetstream import FakeJetStream

RULES = PoolRules(
    allow=("10.0.0.0/8", "*.example", "169.254.169.254", "127.0.0.1"),
    protected=("10.0.0.66", "nats.example"),
    clients=(ClientRule(subject="agent", networks=("10.0.0.0/16", "*.lab.example"), intensity="intrusive"),),
)
NOTHING = Counts(live=0, last_hour=0)
DNS = {
    "web.lab.example": ("10.0.0.7", "10.0.0.8"),
    "bad.lab.example": ("169.254.169.254",),
    "nats.example": ("10.0.0.99",),
    "alias.lab.example": ("10.0.0.99",),
    "self.lab.example": ("127.0.0.1",),
    "other.example": ("10.9.0.1",),
}


@dataclass
class Counted:
    """What a client has already; notes who was counted, and what was admitted."""

    counts: Counts = NOTHING
    asked: list[tuple[str, str]] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)

    def turn(self, pool: str, client: str) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    def admitted(self, scan: AnyScan) -> None:
        self.noted.append(scan.id)

    async def of(self, pool: str, client: str, now: datetime) -> Counts:
        self.asked.append((pool, client))
        return self.counts


def answered(
    counted: Counted | None = None, dns: Mapping[str, Sequence[str]] = DNS, rules: PoolRules = RULES, **fields: Any
) -> tuple[AnyScan, list[str]]:
    """The scan that admission commits, and the names that it looked up."""
    return asyncio.run(_answered(counted or Counted(), dns, rules, fields))


async def _answered(
    counted: Counted, dns: Mapping[str, Sequence[str]], rules: PoolRules, fields: Mapping[str, Any]
) -> tuple[AnyScan, list[str]]:
    broker, looked_up = FakeJetStream(["lab"]), []

    async def resolve(name: str) -> tuple[str, ...]:
        looked_up.append(name)
        return tuple(dns.get(name, ()))

    await register(broker, "lab", rules)
    admission = an_admission(broker, counted, resolve)
    return await _asked(
        admission, broker, "s1", a_request(**{"client": "agent", "owner": fields.get("client", "agent"), **fields})
    ), looked_up


def an_admission(broker: FakeJetStream, counting: Counting, resolve: Resolver) -> Admission:
    nonces = count(1)
    clockwork = Clockwork(now=lambda: NOW, jitter=lambda: 0.5, nonce=lambda: f"n{next(nonces)}", backoff=Backoff())
    ledger = Ledger(broker, source="test")
    return Admission(
        AdmissionParts(
            jetstream=broker, ledger=ledger, clockwork=clockwork, resolve=resolve, counting=counting, pools=()
        )
    )


async def _asked(admission: Admission, broker: FakeJetStream, scan_id: str, request: ScanRequest) -> AnyScan:
    outcome = await admission.requested(_delivery(scan_id, msgspec.json.encode(request)))
    assert isinstance(outcome, Done)
    assert outcome.commit is not None
    await outcome.commit()
    held = await Ledger(broker, source="test").read("lab", scan_id)
    assert held is not None
    return held.scan


def _delivery(scan_id: str, body: bytes) -> Delivery:
    return Delivery(
        client=cast(Client, None),
        reply="",
        subject=subjects.requested("lab", scan_id),
        body=body,
        headers={},
        stream=subjects.SCAN_REQUESTS,
        consumer="admission",
        sequence=1,
        attempt=1,
        stored_at=NOW,
    )


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
    counted = Counted()
    assert code_of(answered(counted, targets=("10.9.0.1",))[0]) == "client_target_denied"
    assert counted.asked == []
    assert isinstance(answered(counted)[0], Queued)
    assert (counted.asked, counted.noted) == ([("lab", "agent")], ["s1"])


@pytest.mark.parametrize(
    ("counts", "code"),
    [
        (Counts(live=4, last_hour=4), "client_too_many_scans"),
        (Counts(live=0, last_hour=20), "client_too_fast"),
    ],
)
def test_what_is_too_much_is_refused_and_may_be_asked_for_again(counts: Counts, code: str) -> None:
    scan, _ = answered(Counted(counts))
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


class _Slow(ClientCounts):
    """Counts what lies in the broker, and takes its time."""

    def __init__(self, broker: FakeJetStream) -> None:
        super().__init__(broker)
        self._broker = broker

    async def of(self, pool: str, client: str, now: datetime) -> Counts:
        queued = len(self._broker.messages(subjects.pool_stream(pool), subjects.event(pool, "queued-normal", "*")))
        for _ in range(20):
            await asyncio.sleep(0)
        return Counts(live=queued, last_hour=0)


def test_of_requests_at_once_each_is_counted_with_those_before_it() -> None:
    async def at_once() -> list[AnyScan]:
        async def pause(_what: str) -> None:
            await asyncio.sleep(0)

        async def resolve(_name: str) -> tuple[str, ...]:
            return ()

        broker = FakeJetStream(["lab"], pause=pause)
        await register(broker, "lab", RULES)
        admission = an_admission(broker, _Slow(broker), resolve)
        request = a_request(client="agent", owner="agent")
        return await asyncio.gather(*(_asked(admission, broker, f"s{n}", request) for n in range(9)))

    states = Counter(type(scan) for scan in asyncio.run(at_once()))
    assert states == {Queued: 4, Failed: 5}
