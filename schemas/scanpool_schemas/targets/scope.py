"""What a rule speaks of: addresses, and hostnames by name or pattern."""

from collections.abc import Sequence
from dataclasses import dataclass

from scanpool_schemas.targets.addresses import NO_ADDRESSES, AddressSet, union
from scanpool_schemas.targets.expressions import looks_like_ipv4, parse_expression
from scanpool_schemas.targets.hostnames import hostname_matches, normal_pattern
from scanpool_schemas.targets.target import RULE_LIMITS, InvalidTarget, Target


@dataclass(frozen=True, slots=True)
class Scope:
    """A set of addresses and a set of hostname patterns.

    A pinned target in it (`name[10.0.0.1]`) stands for both its name and its address.
    """

    addresses: AddressSet = NO_ADDRESSES
    patterns: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it speaks of nothing."""
        return self.addresses.is_empty and not self.patterns

    def names(self, hostname: str) -> bool:
        """Whether one of its patterns speaks of the hostname, which is in normal form."""
        return any(hostname_matches(hostname, pattern) for pattern in self.patterns)

    def touches(self, target: Target) -> bool:
        """Whether it speaks of any part of the target."""
        named = target.hostname is not None and self.names(target.hostname)
        return named or self.addresses.overlaps(target.addresses)


NOTHING = Scope()


def read_scope(texts: Sequence[str], *, field: str = "exclude") -> Scope:
    """Read target expressions and hostname patterns (`*.corp.example`); `field` is what errors call them.

    Raises:
        InvalidTarget: a text is neither.
    """
    return combined(read_scopes(texts, field=field))


def read_scopes(texts: Sequence[str], *, field: str) -> tuple[Scope, ...]:
    """The same, one scope a text.

    Raises:
        InvalidTarget: a text is neither.
    """
    scopes: list[Scope] = []
    for index, text in enumerate(texts):
        try:
            scopes.append(_entry(text))
        except InvalidTarget as error:
            raise error.at(f"{field}[{index}]") from error
    return tuple(scopes)


def combined(scopes: Sequence[Scope]) -> Scope:
    """What at least one of them speaks of."""
    patterns = dict.fromkeys(pattern for scope in scopes for pattern in scope.patterns)
    return Scope(union(scope.addresses for scope in scopes), tuple(patterns))


def _entry(text: str) -> Scope:
    if "*" not in text or looks_like_ipv4(text):
        target = parse_expression(text, RULE_LIMITS)
        return Scope(target.addresses, () if target.hostname is None else (target.hostname,))
    try:
        return Scope(patterns=(normal_pattern(text),))
    except InvalidTarget as error:
        raise InvalidTarget(error.problem, error.remedy, expression=text) from error
