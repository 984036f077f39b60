"""What must hold when a pipeline has come to rest after crashes: nothing was lost, and nothing was done twice.

Looks from outside only: at the streams, the buckets, and what the scanners counted.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import msgspec

from scanpool.coordination.ledger import Ledger, held_of
from scanpool.coordination.stage import Clockwork
from scanpool.janitor.decide import disagreements
from scanpool.janitor.service import Janitor, JanitorParts
from scanpool.runtime.backoff import Backoff
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.errors import BrokerUnavailable
from scanpool.runtime.jetstream import JetStream, Stored
from scanpool.runtime.objects import Objects
from scanpool.runtime.settings import RetentionSettings
from scanpool.runtime.sweep import sweep
from scanpool.scanners.naming import our_name
from scanpool_schemas import subjects
from scanpool_schemas.keys import Load
from scanpool_schemas.scan import AnyScan, Completed, Dead, Failed, state_of
from scanpool_schemas.status import Status, status_of
from tests.support.emulators import RunningEmulator

PAST_THE_GRACE = timedelta(hours=2)
"""By then the janitor leaves no export that no event names, and still every scan that is over."""
AGAIN_S = 0.2
_BUCKETS = {"export": subjects.EXPORTS_BUCKET, "findings": subjects.FINDINGS_BUCKET}
_FOR_SUBSCRIBERS = (subjects.SCAN_COMPLETED, subjects.SCAN_FAILED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """How a scan is to have ended."""

    pool: str
    id: str
    statuses: Collection[Status] = ()
    """Any of these; empty for any end."""
    launched: int | None = None
    """How often in all; None is once where it completed, else at most once a run."""
    surplus: bool = False
    """A create whose outcome nobody knew may have left a second, empty scan, which must have been cleaned up."""
    stopped: bool = False
    """It ran, and the scanner was asked to stop it."""
    forgotten: bool = False
    """The scanner lost it: what it counted stays, and there is nothing to clean up."""
    was_dead: bool = False
    """It was given up once and retried: subscribers were told that too."""
    letters: int = 0
    """How many messages about it were kept as dead letters."""


@dataclass(kw_only=True, slots=True)
class _Found:
    """What was found of the pools and their scanners at one look."""

    events: dict[tuple[str, str], list[Stored]] = field(default_factory=dict)
    """Of each scan, by pool and id, in order."""
    loads: dict[tuple[str, str], Load] = field(default_factory=dict)
    """By pool and scanner."""
    on_scanners: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """The pool of a scanner, and a row of what the scanner counted."""
    running: Counter[str] = field(default_factory=Counter)
    """How many scans run on the scanners of each pool."""
    told: dict[tuple[str, str], list[Stored]] = field(default_factory=dict)
    """What subscribers were told of each scan."""
    letters: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    objects: dict[str, frozenset[str]] = field(default_factory=dict)
    """Of exports and of findings, by what the events call them."""

    def last(self, key: tuple[str, str]) -> AnyScan | None:
        """The scan as its last event says it."""
        return held_of(self.events[key][-1]).scan if key in self.events else None


async def assert_nothing_lost(
    jetstream: JetStream,
    emulators: Mapping[str, RunningEmulator],
    scans: Collection[Expected],
    *,
    within_s: float = 30.0,
) -> None:
    """Every scan ended once, in the right state, launched no more than once; nothing of it lies about anywhere.

    `emulators` by `<pool>.<scanner>`, all of every pool. Services must run: what ticks clean up is waited for.
    """
    pools = sorted({each.split(".")[0] for each in emulators})
    wrong = await _wrong(jetstream, emulators, pools, scans)
    with anyio.move_on_after(within_s):
        while wrong:
            await anyio.sleep(AGAIN_S)
            wrong = await _wrong(jetstream, emulators, pools, scans)
    assert not wrong, "\n".join(wrong)
    await tick_ahead(jetstream, pools, PAST_THE_GRACE)
    wrong = list(_of_objects(await _look(jetstream, emulators, pools)))
    assert not wrong, "\n".join(wrong)


async def _wrong(
    jetstream: JetStream, emulators: Mapping[str, RunningEmulator], pools: Sequence[str], scans: Collection[Expected]
) -> list[str]:
    """What is wrong now; a NATS that does not answer yet is looked at again."""
    try:
        return problems(await _look(jetstream, emulators, pools), scans)
    except BrokerUnavailable as error:
        return [f"nobody can look: {error}"]


def problems(found: _Found, scans: Collection[Expected]) -> list[str]:
    """Everything that is wrong, a sentence each; exports that no event names may still be in their grace."""
    return [
        *(said for each in scans for said in _of_scan(found, each)),
        *_of_places(found),
        *(f"{subject} was never answered" for subject in found.requests),
        *(f"{pool}: {count} scans run, and every scan is over" for pool, count in _runs_on(found).items()),
    ]


def _runs_on(found: _Found) -> dict[str, int]:
    """How many scans run on scanners of pools that have no scan which is not over."""
    live = {pool for pool, scan_id in found.events if not isinstance(found.last((pool, scan_id)), Completed | Failed)}
    return {pool: count for pool, count in found.running.items() if count and pool not in live}


def _of_scan(found: _Found, expected: Expected) -> Iterator[str]:
    key = (expected.pool, expected.id)
    name, scan = "/".join(key), found.last(key)
    if not isinstance(scan, Completed | Failed):
        yield f"{name} is {state_of(scan) if scan else 'gone'}, not over"
        return
    if expected.statuses and status_of(scan) not in expected.statuses:
        yield f"{name} ended as {status_of(scan)}, not as one of {sorted(expected.statuses)}: {_story(scan)}"
    if len(found.events[key]) > 1:
        yield f"{name} has spent events: {[each.subject for each in found.events[key][:-1]]}"
    yield from _of_told(found, expected, found.events[key][-1])
    yield from _of_scanners(found, expected, scan)


def _of_told(found: _Found, expected: Expected, terminal: Stored) -> Iterator[str]:
    name = f"{expected.pool}/{expected.id}"
    told = found.told.get((expected.pool, expected.id), [])
    ends = [each for each in told if not isinstance(held_of(each).scan, Dead)]
    if len(ends) != 1:
        yield f"{name}: subscribers were told {len(ends)} ends: {[each.subject for each in ends]}"
    elif ends[0].body != terminal.body:
        yield f"{name}: subscribers were told another end than its last event"
    if (dead := len(told) - len(ends)) != expected.was_dead:
        yield f"{name}: subscribers were told {dead} times that it is dead"
    letters = [each for each in found.letters if expected.id in each.split(".")]
    if len(letters) != expected.letters:
        yield f"{name} has {len(letters)} dead letters, not {expected.letters}: {letters}"


def _of_scanners(found: _Found, expected: Expected, scan: AnyScan) -> Iterator[str]:
    name = f"{expected.pool}/{expected.id}"
    rows = [row for pool, row in found.on_scanners if pool == expected.pool and _scan_id(row) == expected.id]
    launched = sum(row["launched"] for row in rows)
    wanted = 1 if expected.launched is None and isinstance(scan, Completed) else expected.launched
    if launched != wanted if wanted is not None else launched > scan.run:
        yield f"{name} was launched {launched} times: {rows}, {_story(scan)}"
    if expected.stopped and not any(row["stopped"] for row in rows):
        yield f"{name} was never stopped: {rows}"
    if any(row["launched"] > 1 for row in rows):
        yield f"{name}: one scan was launched more than once: {rows}"
    if len(rows) > scan.run and not expected.surplus:
        yield f"{name} was created {len(rows)} times: {rows}"
    left = [row for row in rows if not row["launched"] and not row["deleted"]]
    if left and not expected.forgotten:
        yield f"{name} has an empty scan left on a scanner: {left}"
    if isinstance(scan, Completed) and not any(row["id"] == scan.scanner_scan_id and row["launched"] for row in rows):
        yield f"{name} completed as scan {scan.scanner_scan_id} of {scan.scanner}, which never ran: {rows}"


def _of_places(found: _Found) -> Iterator[str]:
    last = [scan for key in found.events if (scan := found.last(key)) is not None]
    for pool in {pool for pool, _ in found.loads}:
        loads = {scanner: load for (of, scanner), load in found.loads.items() if of == pool}
        for each in disagreements(loads, (scan for scan in last if scan.pool == pool)):
            yield f"{pool}.{each.scanner}, {each.scan_id}: {each.what}"
    for (pool, scanner), load in found.loads.items():
        if ended := [holder for holder in load.holders if isinstance(found.last((pool, holder)), Completed | Failed)]:
            yield f"{pool}.{scanner}: scans that are over hold a place: {ended}"


def _of_objects(found: _Found) -> Iterator[str]:
    last = [scan for key in found.events if (scan := found.last(key)) is not None]
    for what, objects in found.objects.items():
        named = {each.object for scan in last if (each := getattr(scan, what, None)) is not None}
        if orphans := objects - named:
            yield f"{what} that no event names: {sorted(orphans)}"
        if missing := named - objects:
            yield f"{what} that is named and not there: {sorted(missing)}"


def _story(scan: AnyScan) -> str:
    return "; ".join(f"{entry.state} by {entry.by}: {entry.why}" for entry in scan.timeline)


def _scan_id(row: Mapping[str, Any]) -> str | None:
    name = our_name(row["name"])
    return name.scan_id if name else None


async def _look(jetstream: JetStream, emulators: Mapping[str, RunningEmulator], pools: Sequence[str]) -> _Found:
    found = _Found()
    for pool in pools:
        await _look_at_pool(jetstream, pool, found)
    for stream in _FOR_SUBSCRIBERS:
        async for stored in sweep(jetstream, stream, ">"):
            found.told.setdefault(_key(stored), []).append(stored)
    found.letters = [each.subject async for each in sweep(jetstream, subjects.SCAN_DLQ, ">")]
    found.requests = await _unanswered(jetstream)
    for what, bucket in _BUCKETS.items():
        found.objects[what] = frozenset(each.name for each in await Objects(jetstream, bucket).list())
    for instance, emulator in emulators.items():
        stats = await emulator.control.stats()
        found.running[instance.split(".")[0]] += stats["running"]
        found.on_scanners.extend((instance.split(".")[0], row) for row in stats["scans"])
    return found


async def _unanswered(jetstream: JetStream) -> list[str]:
    """Requests that admission has not acked; one by one, since a work queue takes no second reader."""
    found, sequence = [], 1
    while stored := await jetstream.next_from(subjects.SCAN_REQUESTS, sequence, ">"):
        found.append(stored.subject)
        sequence = stored.sequence + 1
    return found


async def _look_at_pool(jetstream: JetStream, pool: str, found: _Found) -> None:
    stream = subjects.pool_stream(pool)
    async for stored in sweep(jetstream, stream, subjects.events_of(pool, "*")):
        found.events.setdefault(_key(stored), []).append(stored)
    async for stored in sweep(jetstream, stream, subjects.key(pool, subjects.load_key("*"))):
        found.loads[pool, stored.subject.rsplit(".", 1)[1]] = msgspec.json.decode(stored.body, type=Load)


def _key(stored: Stored) -> tuple[str, str]:
    parts = subjects.parse_scan_subject(stored.subject)
    assert parts is not None
    return parts.pool, parts.scan_id


async def tick_ahead(jetstream: JetStream, pools: Sequence[str], by: timedelta) -> None:
    """One look of a janitor whose clock is ahead; it keeps ended scans for as long as is the default."""
    clockwork = Clockwork(
        now=lambda: datetime.now(UTC) + by,
        jitter=lambda: 0.5,
        nonce=lambda: secrets.token_hex(8),
        backoff=Backoff(),
    )
    parts = JanitorParts(
        jetstream=jetstream,
        ledger=Ledger(jetstream, source="test"),
        exports=Objects(jetstream, subjects.EXPORTS_BUCKET),
        findings=Objects(jetstream, subjects.FINDINGS_BUCKET),
        clockwork=clockwork,
        retention=RetentionSettings(),
        max_duration=timedelta(days=1),
        pools=lambda: tuple(pools),
    )
    await Janitor(parts).tick(_a_tick(jetstream))


def _a_tick(jetstream: JetStream) -> Delivery:
    return Delivery(
        client=jetstream.client,
        reply="",
        subject=subjects.tick(subjects.JANITOR_JOB),
        body=b"{}",
        headers={},
        stream=subjects.SCAN_TICKS,
        consumer=subjects.JANITOR_JOB,
        sequence=1,
        attempt=1,
        stored_at=datetime.now(UTC),
    )
