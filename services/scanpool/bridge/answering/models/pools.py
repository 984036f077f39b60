"""Pools, their scanners and their queues."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel


class ScannerInfo(BaseModel):
    """A scanner and its load."""

    scanner_instance: str
    scanner_pool: str
    ready: bool
    reason: str | None = None
    """Why it is given no scans."""
    active_scans: int
    capacity: int
    breaker: str
    cordoned: bool
    edition: str | None = None
    last_seen: datetime | None = None
    scanner_url: str | None = None


class ScannerList(BaseModel):
    """Scanners."""

    scanners: list[ScannerInfo]
    total: int


class PoolInfo(BaseModel):
    """A pool and its load."""

    scanner_pool: str
    default: bool
    scanners: int
    scanners_ready: int
    active_scans: int
    capacity: int
    utilization_pct: int
    """Of the places, 0 to 100."""
    waiting: int
    paused: bool


class PoolList(BaseModel):
    """Pools."""

    pools: list[PoolInfo]
    total: int


class PoolStatusInfo(BaseModel):
    """A pool, what holds it back, and its scanners."""

    pool: PoolInfo
    held_back: list[str]
    """What keeps scans of the pool from being placed, in words."""
    what_may_be_scanned: list[str]
    """By anybody; your own policy may allow less: check_targets tells."""
    credentials: list[str]
    """Ids that you may name, where your token has scope cred:list."""
    scanners: list[ScannerInfo]


class QueuedTask(BaseModel):
    """A scan of yours that waits."""

    task_id: str
    priority: str
    queue_position: int
    waiting_s: int


class QueueInfo(BaseModel):
    """What waits and runs in a pool."""

    scanner_pool: str
    queue_depth: int
    """Scans that wait for a place, and requests that are not admitted yet."""
    waiting_by_lane: dict[str, int]
    in_flight: dict[str, int]
    """By state."""
    dlq_size: int
    oldest_waiting_s: float | None = None
    next_tasks: list[QueuedTask]
    """Yours, the next to be placed first."""


class QueueStatus(BaseModel):
    """The queues."""

    pools: list[QueueInfo]
