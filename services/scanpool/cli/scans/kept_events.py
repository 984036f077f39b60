"""The ends of scans that the streams for subscribers still hold."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

from scanpool.client import Kind, ScanEvent
from scanpool.runtime.jetstream import JetStream, Stored
from scanpool_schemas import subjects
from scanpool_schemas.status import describe
from scanpool_schemas.wire import decode_scan

_STREAMS: Mapping[Kind, str] = {"completed": subjects.SCAN_COMPLETED, "failed": subjects.SCAN_FAILED}


async def kept_events(
    jetstream: JetStream, kinds: Sequence[Kind], pools: Collection[str], limit: int
) -> list[ScanEvent]:
    """The newest of the kinds and pools (all, where none is named), the oldest of them first.

    Raises:
        TopologyMissing: NATS is not set up.
        UnreadableEvent: an event is of a later version.
    """
    found: list[ScanEvent] = []
    for kind in ("completed", "failed"):
        if kind in kinds:
            found += [_event(kind, stored) async for stored in _newest(jetstream, _STREAMS[kind], pools, limit)]
    return sorted(found, key=lambda event: event.at)[-limit:]


async def _newest(jetstream: JetStream, stream: str, pools: Collection[str], limit: int) -> AsyncIterator[Stored]:
    """From the last message backwards."""
    state = (await jetstream.api(f"STREAM.INFO.{stream}", None, dict[str, Any]))["state"]
    for sequence in range(state["last_seq"], max(state["first_seq"], 1) - 1, -1):
        stored = await jetstream.at(stream, sequence)
        if stored is not None and (not pools or _parts(stored).pool in pools):
            yield stored
            limit -= 1
        if limit == 0:
            return


def _event(kind: Kind, stored: Stored) -> ScanEvent:
    assert kind != "progress"
    scan = decode_scan(_parts(stored).kind, stored.body, stored.headers.get("ce-type"))
    return ScanEvent(kind=kind, scan=describe(scan), at=stored.time)


def _parts(stored: Stored) -> subjects.ScanSubject:
    parts = subjects.parse_scan_subject(stored.subject)
    assert parts is not None
    return parts
