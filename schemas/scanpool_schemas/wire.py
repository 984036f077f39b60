"""A scan's event as it travels: its CloudEvents type, and its bytes made a scan again."""

from __future__ import annotations

import msgspec

from scanpool_schemas import decoding
from scanpool_schemas.scan import STRUCT_OF, AnyScan, StateName

EVENT_VERSION = 1


def event_type(state: StateName) -> str:
    """The CloudEvents type of the state's event in this version."""
    return f"scanpool.scan.{state}.v{EVENT_VERSION}"


class UnreadableEvent(ValueError):
    """The bytes are not the event that the subject says."""


def decode_scan(state: str, body: bytes, kind: str | None = None) -> AnyScan:
    """Decode the event of a state; `kind` is header `ce-type`, absent for version 1.

    Raises:
        UnreadableEvent: an unknown state or version, or a body that does not fit.
    """
    struct = next((struct for name, struct in STRUCT_OF.items() if name == state), None)
    if struct is None:
        raise UnreadableEvent(f"no event of a scan is called {state!r}")
    if kind is not None and not kind.endswith(f".v{EVENT_VERSION}"):
        raise UnreadableEvent(f"event type {kind!r} is not known to this version of scanpool")
    try:
        return decoding.decode(body, struct)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableEvent(f"not a {state} event: {error}") from error
