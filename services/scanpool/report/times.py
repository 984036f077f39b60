"""When hosts were scanned: as an instant where the report has a zone, else by the scanner's clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from scanpool.report.host import number

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}


def host_time(tags: Mapping[str, str], name: str) -> tuple[datetime | None, str]:
    """The instant and the scanner's local time of a tag such as HOST_START; None or empty where unknown."""
    instant = _from_epoch(tags.get(f"{name}_TIMESTAMP"))
    time = _from_text(tags.get(name, "").strip())
    if time is None:
        return instant, ""
    if time.tzinfo is not None:
        return instant or _in_utc(time), ""
    return instant, time.isoformat()


def earlier(left: datetime | None, right: datetime | None) -> datetime | None:
    """The earlier of two instants, either of which may be unknown."""
    return min((instant for instant in (left, right) if instant), default=None)


def later(left: datetime | None, right: datetime | None) -> datetime | None:
    """The later of two instants, either of which may be unknown."""
    return max((instant for instant in (left, right) if instant), default=None)


def _in_utc(time: datetime) -> datetime | None:
    try:
        return time.astimezone(UTC)
    except OverflowError:  # in the first hours of the year 1, or the last of 9999
        return None


def _from_epoch(text: str | None) -> datetime | None:
    seconds = number(text)
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (OverflowError, ValueError, OSError):
        return None


def _from_text(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(_iso(text))
    except ValueError:
        return None


def _iso(text: str) -> str:
    # "Wed Mar 24 21:03:39 2021": always in English, so not a matter for strptime and the locale.
    match text.split():
        case [_, month, day, clock, year] if month in _MONTHS:
            return f"{year}-{_MONTHS[month]:02}-{day:0>2}T{clock}"
        case _:
            return text
