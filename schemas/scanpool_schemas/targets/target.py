"""One scan target, the limits on many, and what is said of a text that is none."""

from dataclasses import dataclass, replace
from enum import Enum

from scanpool_schemas.targets.addresses import NO_ADDRESSES, AddressSet

_SHOWN_LENGTH = 80


class TargetKind(Enum):
    """The form a target is written in."""

    ADDRESS = "address"
    NETWORK = "network"
    RANGE = "range"
    OCTETS = "octets"
    HOSTNAME = "hostname"
    PINNED = "pinned"
    """A hostname with the address it stands for: `text[ip]`."""


@dataclass(frozen=True, slots=True)
class Target:
    """One target in its normal form."""

    kind: TargetKind
    text: str
    """The normal form; parsed again it is this target."""
    addresses: AddressSet = NO_ADDRESSES
    """Empty for a hostname that is not pinned."""
    hostname: str | None = None
    """Of a hostname, pinned or not."""


@dataclass(frozen=True, slots=True)
class TargetLimits:
    """How much one list of targets may hold."""

    max_expressions: int = 5_000
    max_addresses: int = 1_048_576
    """Counted once where expressions overlap; a hostname counts as one."""
    max_intervals: int = 65_536
    """Unbroken runs of addresses: `10.0-255.0-255.1` is 65,536 of them."""


RULE_LIMITS = replace(TargetLimits(), max_addresses=2**128 + 2**32)
"""For lists that narrow a scan (exclusions, what a pool allows): any number of addresses."""


class InvalidTarget(ValueError):
    """A text that is no target, or a list that is too much; says where, what and the remedy."""

    def __init__(self, problem: str, remedy: str, *, expression: str | None = None, place: str = "") -> None:
        self.problem = problem
        self.remedy = remedy
        self.expression = expression
        """The text at fault; None where the list as a whole is."""
        self.place = place
        """Which field and index, as `targets[3]`."""
        shown = "" if expression is None else _shown(expression)
        where = " ".join(part for part in (place, shown) if part)
        super().__init__(f"{where}: {problem}; {remedy}" if where else f"{problem}; {remedy}")

    def at(self, place: str) -> "InvalidTarget":
        """The same error with its place named."""
        return InvalidTarget(self.problem, self.remedy, expression=self.expression, place=place)


def _shown(text: str) -> str:
    # ascii(): neither control nor direction-changing characters reach a terminal or a log.
    return ascii(text) if len(text) <= _SHOWN_LENGTH else ascii(text[:_SHOWN_LENGTH]) + "..."
