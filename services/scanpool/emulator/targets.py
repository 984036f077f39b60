"""Reading `text_targets`: which addresses and names a scan is aimed at. Nothing is expanded."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import product
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address

MAX_SPANS = 65_536
"""A pattern of octet ranges that falls into more pieces is not understood."""

_OCTETS = re.compile(r"^\d{1,3}(-\d{1,3})?(\.\d{1,3}(-\d{1,3})?){3}$")
_PINNED = re.compile(r"^(?P<name>[^\[\]\s]+)\[(?P<address>[^\[\]\s]+)\]$")
_HOSTNAME = re.compile(r"^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_-]+)*\.?$")


class BadTargetError(ValueError):
    """A target expression that is no address, network or range."""


@dataclass(frozen=True, order=True)
class Span:
    """A run of addresses of one IP version, both ends included."""

    version: int
    first: int
    last: int

    def address(self, number: int) -> Address:
        """The address of this IP version with the given number."""
        return IPv4Address(number) if self.version == 4 else IPv6Address(number)


@dataclass(frozen=True)
class Addresses:
    """A target given by address; `name` is what the report shall call it, if it was given one."""

    spans: tuple[Span, ...]
    name: str | None = None


@dataclass(frozen=True)
class Hostname:
    """A target given by name alone."""

    name: str


Target: TypeAlias = Addresses | Hostname


def split(text_targets: str) -> tuple[str, ...]:
    """The single expressions of a target list, separated by commas or line ends."""
    return tuple(part.strip() for part in re.split(r"[,\r\n]+", text_targets) if part.strip())


def parse(expressions: Iterable[str]) -> tuple[tuple[Target, ...], tuple[str, ...]]:
    """The targets that were understood, and the expressions that were not."""
    targets: list[Target] = []
    unknown: list[str] = []
    for expression in expressions:
        try:
            targets.append(_target(expression))
        except BadTargetError:
            unknown.append(expression)
    return tuple(targets), tuple(unknown)


def _target(expression: str) -> Target:
    if pinned := _PINNED.match(expression):
        return Addresses(spans_of(pinned["address"]), pinned["name"])
    try:
        return Addresses(spans_of(expression))
    except BadTargetError:
        if _HOSTNAME.match(expression) and not _OCTETS.match(expression):
            return Hostname(expression.rstrip("."))
        raise


def spans_of(expression: str) -> tuple[Span, ...]:
    """The addresses of one expression: an address, a network, a range or a pattern of octet ranges.

    Raises:
        BadTargetError: it is none of these.
    """
    for reading in (_network, _range, _octets):
        spans = reading(expression)
        if spans:
            return spans
    raise BadTargetError(f"{expression!r} is no address, CIDR network or range such as 10.0.0.1-10.0.0.9")


def _network(expression: str) -> tuple[Span, ...]:
    try:
        network = ip_network(expression, strict=False)
    except ValueError:
        return ()
    return (Span(network.version, int(network.network_address), int(network.broadcast_address)),)


def _range(expression: str) -> tuple[Span, ...]:
    low, dash, high = expression.partition("-")
    if not dash:
        return ()
    try:
        first, last = ip_address(low.strip()), ip_address(high.strip())
    except ValueError:
        return ()
    if first.version != last.version or int(first) > int(last):
        return ()
    return (Span(first.version, int(first), int(last)),)


def _octets(expression: str) -> tuple[Span, ...]:
    if not _OCTETS.match(expression):
        return ()
    bounds = [_bounds(octet) for octet in expression.split(".")]
    if any(low > high or high > 255 for low, high in bounds):
        return ()
    *upper, (low, high) = bounds
    prefixes = [range(first, last + 1) for first, last in upper]
    if len(prefixes[0]) * len(prefixes[1]) * len(prefixes[2]) > MAX_SPANS:
        return ()
    return tuple(Span(4, _number(a, b, c, low), _number(a, b, c, high)) for a, b, c in product(*prefixes))


def _bounds(octet: str) -> tuple[int, int]:
    low, _, high = octet.partition("-")
    return int(low), int(high or low)


def _number(a: int, b: int, c: int, d: int) -> int:
    return (a << 24) | (b << 16) | (c << 8) | d
