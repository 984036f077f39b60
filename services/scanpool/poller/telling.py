"""Tells how far a running scan is, and who has it paused: live, and in its bucket."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec
from msgspec.structs import replace

from scanpool.poller.decide import Limits, paused_until
from scanpool.runtime.errors import SequenceMoved
from scanpool.runtime.jetstream import JetStream, Stored, Write
from scanpool.scanners.scanner import Activity, Progress
from scanpool_schemas import decoding, subjects
from scanpool_schemas.events import ScanProgress
from scanpool_schemas.scan import Running

_HELD = {Activity.PAUSING, Activity.PAUSED}


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Who asked that the scan be paused."""

    by: str
    why: str
    just_now: bool
    """The scanner paused it for this person; else it was paused already, for whoever was known to have asked."""


class Teller:
    """Publishes the progress of scans."""

    def __init__(self, jetstream: JetStream, limits: Limits) -> None:
        self._jetstream = jetstream
        self._limits = limits

    async def tell(self, scan: Running, progress: Progress, now: datetime, asked: Asked | None = None) -> ScanProgress:
        """Tell what the scanner said, and who has the scan paused as far as that is known; answers what was told."""
        told = _plain(scan, progress, now)
        if progress.activity in _HELD:
            told = await self._kept_held(scan, told, progress.activity, asked)
        else:
            await self._keep(told)
        await self._jetstream.tell(subjects.progress(scan.pool, scan.id), msgspec.json.encode(told))
        return told

    async def _kept_held(
        self, scan: Running, plain: ScanProgress, activity: Activity, asked: Asked | None
    ) -> ScanProgress:
        """What was told before says who paused it; somebody who tells so in between must not be overwritten."""
        while True:
            stored = await self._last(plain)
            before = decoding.decode(stored.body, ScanProgress) if stored else None
            told = held(plain, activity, before, asked)
            if told.paused_since is not None:
                told = replace(told, paused_until=paused_until(scan, told.paused_since, self._limits))
            try:
                await self._keep(told, expected=stored.sequence if stored else 0)
            except SequenceMoved:
                continue
            return told

    async def _keep(self, told: ScanProgress, expected: int | None = None) -> None:
        subject = subjects.progress_key(told.pool, told.id)
        body = msgspec.json.encode(told)
        await self._jetstream.publish(Write(subject=subject, body=body, expected_sequence=expected))

    async def _last(self, told: ScanProgress) -> Stored | None:
        return await self._jetstream.last(f"KV_{subjects.PROGRESS_BUCKET}", subjects.progress_key(told.pool, told.id))


def held(told: ScanProgress, activity: Activity, before: ScanProgress | None, asked: Asked | None) -> ScanProgress:
    """Who has it paused, and since when: as it was told before, unless the scanner paused it for somebody just now."""
    known = before if before is not None and not (asked and asked.just_now) else None
    by, why = _person(known, asked)
    told = replace(told, paused_by=by, paused_reason=why)
    if activity is not Activity.PAUSED:
        return told
    return replace(told, paused_since=known.paused_since if known and known.paused_since else told.at)


def _plain(scan: Running, progress: Progress, now: datetime) -> ScanProgress:
    return ScanProgress(
        id=scan.id,
        pool=scan.pool,
        scanner=scan.scanner,
        percent=progress.percent,
        status=progress.status,
        hosts_seen=progress.hosts_seen,
        hosts_done=progress.hosts_done,
        at=now,
    )


def _person(known: ScanProgress | None, asked: Asked | None) -> tuple[str, str]:
    if known is not None and known.paused_by:
        return known.paused_by, known.paused_reason
    return (asked.by, asked.why) if asked else ("", "")
