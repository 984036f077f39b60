"""Octet ranges: IPv4 addresses with a range or `*` in place of an octet, as `192.168.1-3.*`."""

import re
from math import prod
from typing import TypeAlias

from scanpool_schemas.targets.intervals import Interval, Intervals, merged
from scanpool_schemas.targets.target import InvalidTarget, TargetLimits

Octets: TypeAlias = tuple[Interval, Interval, Interval, Interval]

_OCTET = re.compile(r"(0|[1-9][0-9]{0,2})(?:-(0|[1-9][0-9]{0,2}))?")
_FULL: Interval = (0, 255)
_FORM = "write it as '192.168.1-3.*' or '10.0.0.1-50', octets 0 to 255 without leading zeros"


def parse_octets(text: str) -> Octets:
    """Read the four octets.

    Raises:
        InvalidTarget: they are not four, or one of them is neither octet, range nor `*`.
    """
    parts = text.split(".")
    if len(parts) != 4:
        raise InvalidTarget("looks like an address but has not four octets", _FORM)
    first, second, third, fourth = map(_octet, parts)
    return first, second, third, fourth


def octet_text(octets: Octets) -> str:
    """The normal form; parsed again it is these octets."""
    return ".".join(_octet_text(each) for each in octets)


def octet_runs(octets: Octets, limits: TargetLimits) -> Intervals:
    """The unbroken runs of addresses.

    Raises:
        InvalidTarget: they hold more addresses, or are more, than the limits allow.
    """
    leading, (low, high), trailing = _split(octets)
    shift = 8 * len(trailing)
    _refuse_excess(octets, leading, limits)
    starts = [0]
    for first, last in leading:
        starts = [start << 8 | value for start in starts for value in range(first, last + 1)]
    below = (1 << shift) - 1
    return merged(((s << 8 | low) << shift, (s << 8 | high) << shift | below) for s in starts)


def _refuse_excess(octets: Octets, leading: tuple[Interval, ...], limits: TargetLimits) -> None:
    # Before the runs are written out: `*.*.*.1` is 16 million of them.
    addresses, runs = _count(octets), _count(leading)
    if addresses > limits.max_addresses:
        raise InvalidTarget(
            f"{addresses:,} addresses, more than {limits.max_addresses:,}", "split it over several scans"
        )
    if runs > limits.max_intervals:
        raise InvalidTarget(
            f"{runs:,} separate runs of addresses, more than {limits.max_intervals:,}",
            "narrow its leading octets",
        )


def _split(octets: Octets) -> tuple[tuple[Interval, ...], Interval, tuple[Interval, ...]]:
    """The octets that multiply the runs, the one that bounds a run, the full ones that only widen it."""
    bound = 3
    while bound > 0 and octets[bound] == _FULL:
        bound -= 1
    return octets[:bound], octets[bound], octets[bound + 1 :]


def _count(octets: tuple[Interval, ...]) -> int:
    return prod(last - first + 1 for first, last in octets)


def _octet(text: str) -> Interval:
    if text == "*":
        return _FULL
    match = _OCTET.fullmatch(text)
    if match is None:
        raise InvalidTarget(f"{text!a} is no octet", _FORM)
    first = int(match[1])
    last = first if match[2] is None else int(match[2])
    if first > last:
        raise InvalidTarget(f"octet range {text} ends before it starts", "swap its two numbers")
    if last > 255:
        raise InvalidTarget(f"octet {last} is over 255", _FORM)
    return first, last


def _octet_text(octet: Interval) -> str:
    if octet == _FULL:
        return "*"
    first, last = octet
    return str(first) if first == last else f"{first}-{last}"
