"""How many calls a minute: a bucket that holds a minute's worth and refills evenly. Takes the time, reads no clock."""

from __future__ import annotations

from dataclasses import dataclass

MINUTE_S = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """How much a subject may still ask for at once."""

    left: float
    at_s: float
    """When that was so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """The answer to one call."""

    bucket: Bucket
    retry_after_s: float = 0.0
    """0 where the call is granted; else the time until one would be."""


def full(per_minute: int, now_s: float) -> Bucket:
    """The bucket of a subject that has not called lately."""
    return Bucket(left=per_minute, at_s=now_s)


def take(bucket: Bucket, per_minute: int, now_s: float) -> Taken:
    """Grant one call, or say when one would be granted; a call that is refused costs nothing."""
    left = _left(bucket, per_minute, now_s)
    if left >= 1:
        return Taken(bucket=Bucket(left=left - 1, at_s=now_s))
    wait_s = (1 - left) * MINUTE_S / per_minute
    return Taken(bucket=Bucket(left=left, at_s=now_s), retry_after_s=wait_s)


def is_full(bucket: Bucket, per_minute: int, now_s: float) -> bool:
    """Whether it is as if the subject had never called."""
    return _left(bucket, per_minute, now_s) >= per_minute


def _left(bucket: Bucket, per_minute: int, now_s: float) -> float:
    passed = max(now_s - bucket.at_s, 0.0)
    return min(bucket.left + passed * per_minute / MINUTE_S, per_minute)
