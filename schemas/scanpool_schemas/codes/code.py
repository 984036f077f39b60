"""One entry of the error catalogue."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Stage: TypeAlias = Literal["admission", "dispatcher", "poller", "validator", "janitor", "operator"]
Place: TypeAlias = Literal["error", "answer", "dead letter", "result", "host", "warning"]


@dataclass(frozen=True, slots=True)
class Code:
    """A code, and what a person should know of it."""

    code: str
    meaning: str
    """One sentence."""
    remedy: str
    stages: tuple[Stage, ...]
    """Who gives it."""
    places: tuple[Place, ...] = ("error",)
    """Where in an event it stands: a scan's `error.code`, that of an order's answer, a dead letter's `reason`, a
    result's `reason`, a host's `reason` in the result, the `code` of a validation warning."""
