"""What a pool, or the policy of a client, lets be scanned: an allow list, exclusions, and addresses of special use.

A hostname is allowed by a pattern only while nobody has said which address it has, or where admission
itself resolved it: a publisher's own `name[address]` is judged by the address alone.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Protocol

from scanpool_schemas.targets.addresses import AddressSet, union
from scanpool_schemas.targets.collection import Targets
from scanpool_schemas.targets.scope import NOTHING, Scope, combined, read_scopes
from scanpool_schemas.targets.special import BLOCKS, SpecialPart, special_use
from scanpool_schemas.targets.target import Target, TargetKind

_SHOWN_RULES = 5


class ExclusionLike(Protocol):
    """An exclusion as configuration and keys carry it."""

    @property
    def target(self) -> str: ...
    @property
    def until(self) -> date | None: ...
    @property
    def reason(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Excluded:
    """One exclusion, read."""

    text: str
    scope: Scope
    until: date | None
    reason: str

    def is_active(self, now: datetime) -> bool:
        """Whether it holds: through the whole of its last day, in UTC."""
        return self.until is None or now.astimezone(UTC).date() <= self.until


@dataclass(frozen=True, slots=True)
class TargetRules:
    """What is allowed and excluded, read."""

    allow_texts: tuple[str, ...] = ()
    allow: Scope = NOTHING
    """Empty allows everything that is of no special use."""
    allow_entries: tuple[AddressSet, ...] = ()
    """The addresses of each entry of the allow list."""
    exclude: tuple[Excluded, ...] = ()
    whose: str = "the pool"
    """What sentences call whoever has these rules."""

    @property
    def speak_of_addresses(self) -> bool:
        """Whether hostnames have to be resolved and pinned before these rules can judge them."""
        scopes = (self.allow, *(each.scope for each in self.exclude))
        return any(not scope.addresses.is_empty for scope in scopes)

    def names_alone(self, part: SpecialPart) -> bool:
        """Whether entries of the allow list speak of this part and of nothing beyond its special use."""
        if part.addresses.is_empty:
            return part.target.hostname in self.allow.patterns
        block = BLOCKS[part.use]
        return union(each for each in self.allow_entries if block.covers(each)).covers(part.addresses)

    def excluded(self, now: datetime) -> Scope:
        """Everything that is excluded now."""
        return combined([each.scope for each in self.exclude if each.is_active(now)])


class Cause(Enum):
    """Why a target is refused."""

    IMPOSSIBLE = "impossible"
    SPECIAL_USE = "special_use"
    NOT_ALLOWED = "not_allowed"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A target that may not be scanned, and why, in a sentence that names the remedy."""

    target: str
    cause: Cause
    reason: str


def read_rules(
    allow: Sequence[str], exclude: Sequence[ExclusionLike], *, whose: str = "the pool", field: str = "allow"
) -> TargetRules:
    """Read an allow list and exclusions; `field` is what errors call the list.

    Raises:
        InvalidTarget: an entry is neither a target nor a hostname pattern.
    """
    allowed = read_scopes(allow, field=field)
    excluded = read_scopes([each.target for each in exclude], field="exclude")
    return TargetRules(
        tuple(allow),
        combined(allowed),
        tuple(scope.addresses for scope in allowed),
        tuple(
            Excluded(each.target, scope, each.until, each.reason) for each, scope in zip(exclude, excluded, strict=True)
        ),
        whose,
    )


def refusals(
    targets: Targets, rules: TargetRules, now: datetime, *, resolved: Collection[str] = ()
) -> tuple[Refusal, ...]:
    """Every reason why targets may not be scanned; none where all of them may.

    `resolved` are the hostnames whose addresses admission itself looked up and pinned; no other target of theirs
    can be among the targets, since none stands both alone and pinned.
    """
    special = (_special_refusal(part, rules) for part in special_use(targets.items))
    beyond = () if rules.allow.is_empty else outside(targets, rules.allow, resolved=resolved)
    excluded = (
        _excluded_refusal(item, each, rules.whose)
        for each in rules.exclude
        if each.is_active(now)
        for item in targets.items
    )
    return tuple(
        each for each in (*special, *(_outside_refusal(item, rules) for item in beyond), *excluded) if each is not None
    )


def outside(targets: Targets, allow: Scope, *, resolved: Collection[str] = ()) -> tuple[Target, ...]:
    """The targets that do not lie wholly in the scope; a publisher's own pin is judged by its address alone."""
    return tuple(item for item in targets.items if not _is_allowed(item, allow, resolved))


def _special_refusal(part: SpecialPart, rules: TargetRules) -> Refusal | None:
    target = part.target
    if part.use.is_impossible:
        reason = f"{target.text} is or contains {part.use.value} addresses, which cannot be scanned"
        return Refusal(target.text, Cause.IMPOSSIBLE, reason)
    if rules.names_alone(part):
        return None
    where = ", ".join(part.addresses.texts) or target.text
    reason = (
        f"{target.text} is or contains {part.use.value} addresses ({where}); {rules.whose} allows them only "
        "by an entry that names them and nothing else"
    )
    return Refusal(target.text, Cause.SPECIAL_USE, reason)


def _outside_refusal(target: Target, rules: TargetRules) -> Refusal:
    beyond = target.addresses.difference(rules.allow.addresses).texts
    part = f" ({_few(beyond)})" if beyond and beyond != (target.text,) else ""
    reason = f"{target.text} lies outside what {rules.whose} allows{part}; it allows {_few(rules.allow_texts)}"
    return Refusal(target.text, Cause.NOT_ALLOWED, reason)


def _is_allowed(target: Target, allow: Scope, resolved: Collection[str]) -> bool:
    trusted = target.kind is TargetKind.HOSTNAME or target.hostname in resolved
    if trusted and target.hostname is not None and allow.names(target.hostname):
        return True
    return not target.addresses.is_empty and allow.addresses.covers(target.addresses)


def _excluded_refusal(target: Target, excluded: Excluded, whose: str) -> Refusal | None:
    if not excluded.scope.touches(target):
        return None
    until = f" until {excluded.until}" if excluded.until else ""
    why = f": {excluded.reason}" if excluded.reason else ""
    reason = f"{target.text} is excluded from {whose} by {excluded.text}{until}{why}"
    return Refusal(target.text, Cause.EXCLUDED, reason)


def _few(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _SHOWN_RULES} more" if len(texts) > _SHOWN_RULES else ""
    return ", ".join(texts[:_SHOWN_RULES]) + more
