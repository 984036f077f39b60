"""Read one target expression into its normal form.

Bits below a CIDR's prefix are cleared (`10.0.0.5/24` is `10.0.0.0/24`); a short range gets its full end
(`10.0.0.1-50` is `10.0.0.1-10.0.0.50`); octet ranges that make one unbroken run become a range; hostnames
lose their case and the dot at their end.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from scanpool_schemas.targets.addresses import (
    IPV4_BITS,
    IPV6_BITS,
    AddressSet,
    address_text,
    interval_text,
    range_text,
)
from scanpool_schemas.targets.hostnames import normal_hostname
from scanpool_schemas.targets.intervals import Interval
from scanpool_schemas.targets.octets import octet_runs, octet_text, parse_octets
from scanpool_schemas.targets.target import InvalidTarget, Target, TargetKind, TargetLimits

MAX_LENGTH = 320

_IPV4_FORM = re.compile(r"[0-9.*-]+")
_DOTTED = re.compile(r"[0-9]+(\.[0-9]+){3}")
_PREFIX = re.compile(r"0|[1-9][0-9]{0,2}")
_PINNED = re.compile(r"([^\[\]]+)\[([^\[\]]+)\]")
_ALLOWED = re.compile(r"[A-Za-z0-9._:/*\[\]-]*")


def parse_expression(text: str, limits: TargetLimits) -> Target:
    """Read one expression.

    Raises:
        InvalidTarget: it is none of the forms, or larger than the limits.
    """
    try:
        _refuse_foreign_characters(text)
        return _parsed(text, limits)
    except InvalidTarget as error:
        raise InvalidTarget(error.problem, error.remedy, expression=text) from error


def looks_like_ipv4(text: str) -> bool:
    """Whether the text can only be meant as IPv4: `10.*` is a broken octet range, no hostname pattern."""
    return bool(_IPV4_FORM.fullmatch(text)) and (text.count(".") == 3 or any(map(str.isdigit, text)))


def _parsed(text: str, limits: TargetLimits) -> Target:
    if "[" in text or "]" in text:
        return _pinned(text)
    if "/" in text:
        return _network(text)
    if looks_like_ipv4(text):
        return _ipv4(text, limits)
    if ":" in text:
        return _ipv6(text)
    hostname = normal_hostname(text)
    return Target(TargetKind.HOSTNAME, hostname, hostname=hostname)


def _refuse_foreign_characters(text: str) -> None:
    if not text:
        raise InvalidTarget("empty", "remove it or give an address or a hostname")
    if len(text) > MAX_LENGTH:
        raise InvalidTarget(f"{len(text)} characters long, more than {MAX_LENGTH}", "give one target each")
    if "://" in text or "@" in text:
        raise InvalidTarget("a URL, not a target", "give the host only, as 'www.corp.example'")
    if text.count(":") == 1:
        raise InvalidTarget("a target with a port", "give the host without a port")
    if "%" in text:
        raise InvalidTarget("an IPv6 zone id means something on one machine only", "give the address without it")
    if re.search(r"[\s,;]", text):
        raise InvalidTarget("contains whitespace or a separator", "give each target as an item of its own")
    if not _ALLOWED.fullmatch(text):
        wrong = next(each for each in text if not _ALLOWED.fullmatch(each))
        remedy = "write international names as xn--..." if wrong.isalpha() else "remove it"
        raise InvalidTarget(f"character {wrong!a} stands in no target", remedy)


def _pinned(text: str) -> Target:
    match = _PINNED.fullmatch(text)
    if match is None:
        remedy = "give a plain address without brackets, or a hostname and its address as 'name[10.0.0.1]'"
        raise InvalidTarget("brackets in a place they do not belong", remedy)
    hostname = normal_hostname(match[1])
    number, bits = _address(match[2])
    pinned = f"{hostname}[{address_text(number, bits)}]"
    return Target(TargetKind.PINNED, pinned, _set((number, number), bits), hostname)


def _network(text: str) -> Target:
    base, _, mask = text.partition("/")
    if not (_DOTTED.fullmatch(base) or ":" in base):
        remedy = "write a network as '10.0.0.0/24'; of a URL or a path give the host only"
        raise InvalidTarget(f"{base!a} before the '/' is no address", remedy)
    number, bits = _address(base)
    host_bits = bits - _prefix_length(mask, bits)
    first = number >> host_bits << host_bits
    return _run((first, first + (1 << host_bits) - 1), bits)


def _prefix_length(mask: str, bits: int) -> int:
    if bits == IPV4_BITS and _DOTTED.fullmatch(mask):
        return _netmask_length(mask)
    if not _PREFIX.fullmatch(mask) or int(mask) > bits:
        raise InvalidTarget(f"prefix length {mask!a} is not 0 to {bits}", "write it as '10.0.0.0/24'")
    return int(mask)


def _netmask_length(mask: str) -> int:
    inverted = _address(mask)[0] ^ (1 << IPV4_BITS) - 1
    if inverted & (inverted + 1):
        remedy = "write a mask like 255.255.255.0, or a prefix length like /24"
        raise InvalidTarget(f"netmask {mask} is not ones followed by zeros", remedy)
    return IPV4_BITS - inverted.bit_length()


def _ipv4(text: str, limits: TargetLimits) -> Target:
    if _DOTTED.fullmatch(text):
        number, bits = _address(text)
        return _run((number, number), bits)
    first, dash, last = text.partition("-")
    if dash and _DOTTED.fullmatch(first) and _DOTTED.fullmatch(last):
        return _range(first, last)
    octets = parse_octets(text)
    runs = octet_runs(octets, limits)
    if len(runs) == 1:
        return _ranged(runs[0], IPV4_BITS)
    return Target(TargetKind.OCTETS, octet_text(octets), AddressSet(v4=runs))


def _ipv6(text: str) -> Target:
    first, dash, last = text.partition("-")
    if dash and not (":" in first and ":" in last):
        remedy = "write both in full, as '2001:db8::1-2001:db8::ff'"
        raise InvalidTarget("a range whose ends are not both IPv6 addresses", remedy)
    if dash:
        return _range(first, last)
    number, bits = _address(text)
    return _run((number, number), bits)


def _range(first_text: str, last_text: str) -> Target:
    (first, bits), (last, _) = _address(first_text), _address(last_text)
    if first > last:
        raise InvalidTarget("the range's end lies before its start", "swap the two addresses")
    return _ranged((first, last), bits)


def _ranged(interval: Interval, bits: int) -> Target:
    if interval[0] == interval[1]:
        return _run(interval, bits)
    return Target(TargetKind.RANGE, range_text(interval, bits), _set(interval, bits))


def _run(interval: Interval, bits: int) -> Target:
    kind = TargetKind.ADDRESS if interval[0] == interval[1] else TargetKind.NETWORK
    return Target(kind, interval_text(interval, bits), _set(interval, bits))


def _set(interval: Interval, bits: int) -> AddressSet:
    return AddressSet(v4=(interval,)) if bits == IPV4_BITS else AddressSet(v6=(interval,))


def _address(text: str) -> tuple[int, int]:
    """The address as an integer, and the bits of its family."""
    try:
        if ":" in text:
            return int(IPv6Address(text)), IPV6_BITS
        return int(IPv4Address(text)), IPV4_BITS
    except AddressValueError as error:
        example = "'2001:db8::1'" if ":" in text else "'10.0.0.1', octets 0 to 255 without leading zeros"
        raise InvalidTarget(f"{text!a} is no address", f"write it as {example}") from error
