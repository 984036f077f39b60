"""Which state may follow which: what is not in `LEGAL` is illegal."""

from __future__ import annotations

from collections.abc import Mapping

from scanpool_schemas.scan import AnyScan, StateName, state_of


def _to(*states: StateName) -> frozenset[StateName]:
    return frozenset(states)


_QUEUED = _to("queued-high", "queued-normal", "queued-low")
_GIVEN_UP = _to("failed", "dead")

LEGAL: Mapping[StateName | None, frozenset[StateName]] = {
    None: _QUEUED | _to("pending", "failed"),
    "pending": _QUEUED | _to("failed"),
    "queued-high": _to("queued-high", "launching") | _GIVEN_UP,
    "queued-normal": _to("queued-normal", "launching") | _GIVEN_UP,
    "queued-low": _to("queued-low", "launching") | _GIVEN_UP,
    "launching": _QUEUED | _to("launching", "running", "stopping") | _GIVEN_UP,
    "running": _to("running", "exporting", "stopping", "failed"),
    "exporting": _to("exporting", "validating") | _GIVEN_UP,
    "validating": _to("validating", "completed") | _GIVEN_UP,
    "stopping": _to("stopping", "failed"),
    "dead": _QUEUED | _to("exporting", "validating"),
    "completed": _to(),
    "failed": _to(),
}
"""From state to the states that may follow; PROTOCOL's table, without its guards.

A state that a stage acts on may follow itself: a try is counted, or an event whose delivery was lost is told again."""


class IllegalTransition(Exception):
    """The code asked for a transition that the protocol does not have."""


def check_legal(before: AnyScan | None, after: AnyScan) -> None:
    """Hold a transition against the table.

    Raises:
        IllegalTransition: the protocol does not have it.
    """
    state = state_of(before) if before is not None else None
    if state_of(after) not in LEGAL[state]:
        raise IllegalTransition(f"{state or 'no event'} -> {state_of(after)}")
