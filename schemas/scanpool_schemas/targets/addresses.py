"""Sets of IPv4 and IPv6 addresses, and how they are written."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from scanpool_schemas.targets import intervals
from scanpool_schemas.targets.intervals import Interval, Intervals

IPV4_BITS = 32
IPV6_BITS = 128


@dataclass(frozen=True, slots=True)
class AddressSet:
    """Addresses as intervals of integers, one set a family; never expanded."""

    v4: Intervals = ()
    v6: Intervals = ()

    @property
    def size(self) -> int:
        """How many addresses."""
        return intervals.size(self.v4) + intervals.size(self.v6)

    @property
    def interval_count(self) -> int:
        """How many intervals hold them."""
        return len(self.v4) + len(self.v6)

    @property
    def is_empty(self) -> bool:
        """Whether there is no address at all."""
        return not self.v4 and not self.v6

    @property
    def texts(self) -> tuple[str, ...]:
        """One address, CIDR or range an interval."""
        v4 = (interval_text(each, IPV4_BITS) for each in self.v4)
        v6 = (interval_text(each, IPV6_BITS) for each in self.v6)
        return (*v4, *v6)

    def intersection(self, other: "AddressSet") -> "AddressSet":
        """What both hold."""
        return AddressSet(intervals.intersection(self.v4, other.v4), intervals.intersection(self.v6, other.v6))

    def difference(self, other: "AddressSet") -> "AddressSet":
        """What this one holds and the other does not."""
        return AddressSet(intervals.difference(self.v4, other.v4), intervals.difference(self.v6, other.v6))

    def covers(self, other: "AddressSet") -> bool:
        """Whether every address of the other is in this one."""
        return other.difference(self).is_empty

    def overlaps(self, other: "AddressSet") -> bool:
        """Whether they have an address in common."""
        return not self.intersection(other).is_empty


NO_ADDRESSES = AddressSet()


def union(sets: Iterable[AddressSet]) -> AddressSet:
    """What at least one of them holds."""
    v4: list[Interval] = []
    v6: list[Interval] = []
    for each in sets:
        v4.extend(each.v4)
        v6.extend(each.v6)
    return AddressSet(intervals.merged(v4), intervals.merged(v6))


def address_text(number: int, bits: int) -> str:
    """The address that the integer stands for, in its shortest form."""
    return str(IPv4Address(number) if bits == IPV4_BITS else IPv6Address(number))


def interval_text(interval: Interval, bits: int) -> str:
    """The interval as an address or a CIDR where it is one, else as `first-last`."""
    first, last = interval
    count = last - first + 1
    if count == 1:
        return address_text(first, bits)
    if count & (count - 1) == 0 and first % count == 0:
        return f"{address_text(first, bits)}/{bits - count.bit_length() + 1}"
    return range_text(interval, bits)


def range_text(interval: Interval, bits: int) -> str:
    """The interval as `first-last`."""
    return f"{address_text(interval[0], bits)}-{address_text(interval[1], bits)}"
