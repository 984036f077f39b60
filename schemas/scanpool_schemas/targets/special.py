"""Addresses that no scan may reach, or only where a pool allows them by themselves."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from scanpool_schemas.targets.addresses import AddressSet, union
from scanpool_schemas.targets.expressions import parse_expression
from scanpool_schemas.targets.hostnames import hostname_matches
from scanpool_schemas.targets.target import RULE_LIMITS, Target


class SpecialUse(Enum):
    """What an address is set aside for."""

    UNSPECIFIED = "unspecified"
    BROADCAST = "broadcast"
    MULTICAST = "multicast"
    RESERVED = "reserved"
    EMBEDDED_IPV4 = "an IPv6 form of an IPv4 address"
    """Would get round rules that speak of the IPv4 address."""
    METADATA = "cloud metadata"
    LOOPBACK = "loopback"
    LINK_LOCAL = "link-local"

    @property
    def is_impossible(self) -> bool:
        """Whether no pool can allow it: there is no host to scan, or it hides the one that is meant."""
        return self not in (SpecialUse.METADATA, SpecialUse.LOOPBACK, SpecialUse.LINK_LOCAL)


@dataclass(frozen=True, slots=True)
class SpecialPart:
    """The part of a target that lies in addresses of special use."""

    target: Target
    use: SpecialUse
    addresses: AddressSet
    """Empty for a hostname that stands for such an address by convention."""


def special_use(targets: Iterable[Target]) -> tuple[SpecialPart, ...]:
    """Every part of the targets that is of special use; impossible uses before the others."""
    parts = (part for target in targets for part in _parts(target))
    return tuple(sorted(parts, key=lambda part: not part.use.is_impossible))


def _parts(target: Target) -> Iterable[SpecialPart]:
    for use, block in BLOCKS.items():
        within = target.addresses.intersection(block)
        named = any(hostname_matches(target.hostname or "", name) for name in HOSTNAMES.get(use, ()))
        if named or not within.is_empty:
            yield SpecialPart(target, use, within)


def _block(*texts: str) -> AddressSet:
    return union(parse_expression(text, RULE_LIMITS).addresses for text in texts)


BLOCKS = {
    SpecialUse.UNSPECIFIED: _block("0.0.0.0/8", "::"),
    SpecialUse.BROADCAST: _block("255.255.255.255"),
    SpecialUse.MULTICAST: _block("224.0.0.0/4", "ff00::/8"),
    SpecialUse.RESERVED: _block("240.0.0.0-255.255.255.254"),
    SpecialUse.EMBEDDED_IPV4: _block("::2-::ffff:ffff", "::ffff:0:0/96", "64:ff9b::/96", "2002::/16"),
    SpecialUse.METADATA: _block(
        "169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "fd00:ec2::254"
    ),
    SpecialUse.LOOPBACK: _block("127.0.0.0/8", "::1"),
    SpecialUse.LINK_LOCAL: _block("169.254.0.0/16", "fe80::/10"),
}
"""IANA's special-purpose registries, and where clouds tell a machine its secrets."""

HOSTNAMES = {
    SpecialUse.METADATA: ("metadata.google.internal", "metadata.goog"),
    SpecialUse.LOOPBACK: ("localhost", "*.localhost"),
}
"""Hostnames that stand for such addresses wherever they are resolved."""
