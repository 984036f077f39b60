"""What a configuration puts into a pool's bucket, and the gauges read from it; against a real nats-server."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from scanpool.coordination import transitions
from scanpool.coordination.gauges import refresh
from scanpool.coordination.ledger import Ledger
from scanpool.coordination.pool_state import pool_state
from scanpool.coordination.registry import read_rules, register, retire
from scanpool.runtime.errors import TopologyMissing
from scanpool.runtime.jetstream import Stored, Write
from scanpool.runtime.metrics import Metrics
from scanpool_schemas import subjects
from scanpool_schemas.keys import Load, PoolRules, ScannerRule
from scanpool_schemas.scan import Queued
from tests.support.broker import Stand, standing
from tests.support.builders import a_lease, a_mark, a_submission


def rules(**capacities: int) -> PoolRules:
    scanners = tuple(ScannerRule(name=name, kind="nessus", capacity=places) for name, places in capacities.items())
    return PoolRules(allow=("10.0.0.0/8",), scanners=scanners, digest=str(capacities))


async def load(stand: Stand, scanner: str) -> Load:
    return (await Ledger(stand.jetstream, source="test").load("lab", scanner)).load


async def take_a_place(stand: Stand, scan_id: str, scanner: str) -> None:
    ledger = Ledger(stand.jetstream, source="test")
    held = await ledger.commit(None, transitions.admitted(a_submission(id=scan_id), a_mark("admission")))
    assert held is not None
    assert isinstance(held.scan, Queued)
    change = transitions.claimed(held.scan, scanner, a_lease(), a_mark())
    assert await ledger.commit(held, change) is not None


async def written(stand: Stand, key: str) -> Stored | None:
    return await stand.jetstream.last(subjects.pool_stream("lab"), subjects.key("lab", key))


async def test_rules_and_places_are_written_once() -> None:
    async with standing(("lab",)) as stand:
        assert await read_rules(stand.jetstream, "lab") is None
        await register(stand.jetstream, "lab", rules(a=2, b=4))
        assert await read_rules(stand.jetstream, "lab") == rules(a=2, b=4)
        assert ((await load(stand, "a")).capacity, (await load(stand, "b")).capacity) == (2, 4)
        before = [await written(stand, key) for key in ("rules", "load.a")]
        await register(stand.jetstream, "lab", rules(a=2, b=4))
        assert [await written(stand, key) for key in ("rules", "load.a")] == before


@pytest.mark.parametrize("capacity", [5, 1])
async def test_a_changed_capacity_keeps_who_holds_a_place(capacity: int) -> None:
    async with standing(("lab",)) as stand:
        await register(stand.jetstream, "lab", rules(a=2))
        for scan_id in ("s1", "s2"):
            await take_a_place(stand, scan_id, "a")
        await register(stand.jetstream, "lab", rules(a=capacity))
        after = await load(stand, "a")
        assert (after.capacity, after.holders) == (capacity, ("s1", "s2"))


async def test_a_pool_that_left_the_configuration_is_retired_and_comes_back_with_it() -> None:
    async with standing(("lab",)) as stand:
        await retire(stand.jetstream, "lab")  # it has no rules yet
        assert await read_rules(stand.jetstream, "lab") is None
        await register(stand.jetstream, "lab", rules(a=2))
        await retire(stand.jetstream, "lab")
        retired = await read_rules(stand.jetstream, "lab")
        assert retired is not None
        assert retired.retired
        assert retired.scanners == rules(a=2).scanners
        await register(stand.jetstream, "lab", rules(a=2))
        assert await read_rules(stand.jetstream, "lab") == rules(a=2)


async def test_a_pool_that_does_not_exist_has_no_rules_to_read() -> None:
    async with standing(("lab",)) as stand:
        with pytest.raises(TopologyMissing, match="KV_pool-nowhere"):
            await read_rules(stand.jetstream, "nowhere")


async def test_the_gauges_tell_what_the_streams_and_keys_hold() -> None:
    async with standing(("lab", "dmz")) as stand:
        await register(stand.jetstream, "lab", rules(a=2, b=2))
        await take_a_place(stand, "s1", "a")
        ledger = Ledger(stand.jetstream, source="test")
        await ledger.commit(None, transitions.admitted(a_submission(id="waits"), a_mark("admission")))
        metrics = Metrics()
        await refresh(stand.jetstream, metrics, ("lab", "dmz"))
        assert {
            "nessus_active_scans 1.0",
            'nessus_scanner_instances{enabled="true",scanner_type="nessus"} 2.0',
            'nessus_scanner_active_scans{scanner_instance="lab.a"} 1.0',
            'nessus_scanner_capacity{scanner_instance="lab.b"} 2.0',
            'nessus_scanner_utilization_pct{scanner_instance="lab.a"} 50.0',
            'nessus_pool_total_capacity{pool="lab"} 4.0',
            'nessus_pool_total_active{pool="lab"} 1.0',
        } <= lines(metrics)


async def test_a_scan_that_was_snoozed_still_waits() -> None:
    async with standing(("lab",)) as stand:
        await register(stand.jetstream, "lab", rules(a=0))
        ledger = Ledger(stand.jetstream, source="test")
        for scan_id in ("one", "two"):
            await ledger.commit(None, transitions.admitted(a_submission(id=scan_id), a_mark("admission")))
        puller = await stand.puller(subjects.pool_stream("lab"), "queued-normal", credit=1)
        await puller.next()
        state = await pool_state(stand.jetstream, "lab", datetime.now(UTC))
        assert state is not None
        assert state.waiting == 2


async def test_a_scanner_that_left_the_rules_is_told_no_more() -> None:
    async with standing(("lab",)) as stand:
        metrics = Metrics()
        await register(stand.jetstream, "lab", rules(a=2, b=2))
        await refresh(stand.jetstream, metrics, ("lab",))
        await register(stand.jetstream, "lab", rules(a=2))
        await refresh(stand.jetstream, metrics, ("lab",))
        assert not [line for line in lines(metrics) if '"lab.b"' in line]
        assert 'nessus_pool_total_capacity{pool="lab"} 2.0' in lines(metrics)


async def test_health_that_a_person_deleted_is_a_scanner_that_is_not_ready() -> None:
    async with standing(("lab",)) as stand:
        await register(stand.jetstream, "lab", rules(a=2))
        key = subjects.key("lab", subjects.health_key("a"))
        await stand.jetstream.publish(Write(subject=key, body=b"", headers={"KV-Operation": "DEL"}))
        metrics = Metrics()
        await refresh(stand.jetstream, metrics, ("lab",))
        assert 'scanpool_scanner_ready{scanner_instance="lab.a"} 0.0' in lines(metrics)


def lines(metrics: Metrics) -> set[str]:
    return set(metrics.exposed().body.decode().splitlines())
