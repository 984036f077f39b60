"""A list of scan targets: read, deduplicated, counted, and narrowed by what is excluded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scanpool_schemas.targets.addresses import NO_ADDRESSES, AddressSet, union
from scanpool_schemas.targets.expressions import parse_expression
from scanpool_schemas.targets.scope import Scope
from scanpool_schemas.targets.target import InvalidTarget, Target, TargetKind, TargetLimits


@dataclass(frozen=True, slots=True)
class Targets:
    """Targets in normal form and in the order given, each once.

    Targets that overlap without being the same stay as they are; their addresses count once. No hostname stands
    both alone and pinned.
    """

    items: tuple[Target, ...] = ()
    addresses: AddressSet = NO_ADDRESSES

    @classmethod
    def of(cls, items: Iterable[Target]) -> "Targets":
        """The targets without repetitions."""
        once: dict[tuple[AddressSet, str | None], Target] = {}
        for item in items:
            once.setdefault((item.addresses, item.hostname), item)
        return cls(tuple(once.values()), union(item.addresses for item in once.values()))

    @property
    def texts(self) -> tuple[str, ...]:
        """What a scanner is given."""
        return tuple(item.text for item in self.items)

    @property
    def hostnames(self) -> tuple[str, ...]:
        """The hostnames that no address is pinned to."""
        return tuple(item.text for item in self.items if item.kind is TargetKind.HOSTNAME)

    @property
    def address_count(self) -> int:
        """How many addresses; a hostname that is not pinned counts as one."""
        return self.addresses.size + len(self.hostnames)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to scan."""
        return not self.items

    def covers(self, networks: "Targets") -> bool:
        """Whether every address of the others is an address of these; hostnames play no part."""
        return self.addresses.covers(networks.addresses)

    def overlaps(self, networks: "Targets") -> bool:
        """Whether these and the others have an address in common; hostnames play no part."""
        return self.addresses.overlaps(networks.addresses)

    def pinned(self, addresses: Mapping[str, Sequence[str]]) -> "Targets":
        """These targets, each hostname replaced by one pinned target an address it resolved to.

        Raises:
            InvalidTarget: an address is none.
        """
        items: list[Target] = []
        for item in self.items:
            if item.kind is TargetKind.HOSTNAME and item.text in addresses:
                items += [_pinned(item.text, address) for address in addresses[item.text]]
            else:
                items.append(item)
        return Targets.of(items)


def parse(expressions: Sequence[str], limits: TargetLimits | None = None, *, field: str = "targets") -> Targets:
    """Read target expressions; `field` is what errors call the list.

    Raises:
        InvalidTarget: an expression is none of the forms, or the list holds more than the limits allow.
    """
    limits = limits or TargetLimits()
    _refuse_excess(len(expressions), limits.max_expressions, "expressions", field)
    items: list[Target] = []
    intervals = 0
    for index, expression in enumerate(expressions):
        try:
            items.append(parse_expression(expression, limits))
        except InvalidTarget as error:
            raise error.at(f"{field}[{index}]") from error
        intervals += items[-1].addresses.interval_count
        _refuse_excess(intervals, limits.max_intervals, "separate runs of addresses", field)
    _refuse_contradictions(items, field)
    targets = Targets.of(items)
    _refuse_excess(targets.address_count, limits.max_addresses, "addresses", field)
    return targets


def pin(hostname: str, address: str) -> str:
    """The target `hostname[address]` in normal form.

    Raises:
        InvalidTarget: one of them is malformed.
    """
    return _pinned(hostname, address).text


def subtract(targets: Targets, exclude: Scope, limits: TargetLimits | None = None) -> Targets:
    """The targets without excluded addresses and hostnames; a target cut through becomes what is left of
    it, as addresses, CIDRs and ranges.

    Raises:
        InvalidTarget: what is left takes more expressions than the limits allow.
    """
    limits = limits or TargetLimits()
    left: list[Target] = []
    for item in targets.items:
        if item.hostname is not None and exclude.names(item.hostname):
            continue
        remaining = item.addresses.difference(exclude.addresses)
        if remaining == item.addresses:
            left.append(item)
            continue
        _refuse_cut(item, len(left) + remaining.interval_count, limits)
        left += [parse_expression(text, limits) for text in remaining.texts]
    return Targets.of(left)


def _refuse_cut(item: Target, expressions: int, limits: TargetLimits) -> None:
    if expressions > limits.max_expressions:
        raise InvalidTarget(
            f"without the excluded addresses the list takes more than {limits.max_expressions:,} expressions",
            "give the networks to scan instead of what to leave out",
            expression=item.text,
        )


def _refuse_contradictions(items: Sequence[Target], field: str) -> None:
    # Were both allowed, the address that somebody wrote could pass for the one that the name resolved to.
    alone = {item.hostname for item in items if item.kind is TargetKind.HOSTNAME}
    for index, item in enumerate(items):
        if item.kind is TargetKind.PINNED and item.hostname in alone:
            raise InvalidTarget(
                "the hostname is given both alone and with an address",
                "give one of the two",
                expression=item.text,
                place=f"{field}[{index}]",
            )


def _refuse_excess(found: int, allowed: int, what: str, field: str) -> None:
    if found > allowed:
        raise InvalidTarget(f"{found:,} {what}, more than {allowed:,}", "split them over several scans", place=field)


def _pinned(hostname: str, address: str) -> Target:
    return parse_expression(f"{hostname}[{address}]", TargetLimits())
