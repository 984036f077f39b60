"""What one round of the janitor did, or would do: what is logged, counted and printed."""

from __future__ import annotations

from typing import Literal

import msgspec

from scanpool.janitor.decide import What
from scanpool_schemas.instants import Instant
from scanpool_schemas.scan import StateName

Kind = Literal["scan", "event", "export", "findings", "scanner_scan"]
"""Of what is deleted; the last one only by the clean-up of scanners."""


class EndedScan(msgspec.Struct, frozen=True, kw_only=True):
    """A scan that had waited or run for too long."""

    pool: str
    id: str
    was: StateName
    becomes: StateName
    """Stopping where it is on a scanner, which has to stop it first."""


class LostDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A scan whose last event was never going to be delivered again."""

    pool: str
    id: str
    state: StateName
    sequence: int
    """Of the event whose delivery was lost."""
    why: str
    """How it is known."""


class DeletedScan(msgspec.Struct, frozen=True, kw_only=True):
    """A scan whose retention was over."""

    pool: str
    id: str
    state: StateName
    over_since: Instant
    size_bytes: int


class PurgedEvents(msgspec.Struct, frozen=True, kw_only=True):
    """Spent events of a scan that is over."""

    pool: str
    id: str
    events: int
    size_bytes: int


class DeletedObject(msgspec.Struct, frozen=True, kw_only=True):
    """A report, or the findings of one, in the object store that no event names."""

    object: str
    size_bytes: int
    stored_at: Instant


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A place and an event that do not agree, or did not."""

    pool: str
    scanner: str
    scan_id: str
    what: What
    state: StateName | None
    """Of the scan's last event; null where it has none."""


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """What could not be looked at."""

    pool: str
    what: str


class Round(msgspec.Struct, kw_only=True):
    """One walk through the pools; filled while it goes on."""

    at: Instant
    dry_run: bool
    """Nothing was changed: the lists say what would be."""
    pools: tuple[str, ...]
    scans_ended: list[EndedScan] = []
    told_again: list[LostDelivery] = []
    not_told_again: list[LostDelivery] = []
    """Since they are so old that they may be what came back of deleted scans."""
    scans_deleted: list[DeletedScan] = []
    events_purged: list[PurgedEvents] = []
    exports_deleted: list[DeletedObject] = []
    findings_deleted: list[DeletedObject] = []
    disagreements: list[Place] = []
    """Seen twice."""
    repaired: list[Place] = []
    nearly_full: dict[str, str] = {}
    """By pool, why none of its scans is admitted or placed."""
    not_read: list[Unread] = []
    took_s: float = 0.0

    @property
    def freed_bytes(self) -> dict[Kind, int]:
        """By kind, as far as it is known."""
        return {
            "scan": sum(each.size_bytes for each in self.scans_deleted),
            "event": sum(each.size_bytes for each in self.events_purged),
            "export": sum(each.size_bytes for each in self.exports_deleted),
            "findings": sum(each.size_bytes for each in self.findings_deleted),
        }

    @property
    def deleted(self) -> dict[Kind, int]:
        """By kind."""
        return {
            "scan": len(self.scans_deleted),
            "event": sum(each.events for each in self.events_purged),
            "export": len(self.exports_deleted),
            "findings": len(self.findings_deleted),
        }

    @property
    def counts(self) -> dict[str, int]:
        """How much of everything, by names that logs and JSON share."""
        return {
            "scans_ended": len(self.scans_ended),
            "told_again": len(self.told_again),
            "not_told_again": len(self.not_told_again),
            **{f"{kind.removesuffix('s')}s_deleted": number for kind, number in self.deleted.items()},
            "freed_bytes": sum(self.freed_bytes.values()),
            "disagreements": len(self.disagreements),
            "repaired": len(self.repaired),
            "not_read": len(self.not_read),
        }
