"""What the contract publishes: each type with its version, its struct, and where it is found."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from scanpool_schemas import subjects
from scanpool_schemas.events import AuditEvent, DeadLetter, OrderAnswer, ScannerEvent, ScanProgress
from scanpool_schemas.keys import Breaker, Control, Health, LastAdmitted, Load, PoolRules, Repair, Space
from scanpool_schemas.names import nearest
from scanpool_schemas.request import CancelRequest, ScanOrder, ScanRequest
from scanpool_schemas.scan import STRUCT_OF, StateName
from scanpool_schemas.wire import event_type

_POOL, _ID, _SCANNER, _CLIENT = "<pool>", "<id>", "<scanner>", "<client>"


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """One version of an event, a request or a key."""

    name: str
    """As `scanpool.scan.completed.v1`; of a scan's event it is header `ce-type`."""
    title: str
    struct: type[msgspec.Struct]
    subject: str
    """With `<pool>`, `<id>` and the like in the places of names."""

    @property
    def short(self) -> str:
        """What people call it: the name without what all names have, as `completed`."""
        return self.name.split(".")[-2]


class UnknownDocument(LookupError):
    """Nothing of that name is published; says what is."""


def names() -> tuple[str, ...]:
    """The types that are published, with their versions."""
    return tuple(each.name for each in PUBLISHED)


def find(name: str) -> Published:
    """What is published by the type or its short name.

    Raises:
        UnknownDocument: nothing is.
    """
    for each in PUBLISHED:
        if name in (each.name, each.short):
            return each
    shorts = [each.short for each in PUBLISHED]
    close = nearest(name, (*names(), *shorts))
    hint = f"did you mean {close!r}?" if close else f"there are {', '.join(shorts)}"
    raise UnknownDocument(f"nothing is published as {name!r}; {hint}")


def _scan(state: StateName) -> Published:
    return Published(
        name=event_type(state),
        title=f"Scan {state}",
        struct=STRUCT_OF[state],
        subject=subjects.event(_POOL, state, _ID),
    )


def _key(name: str, title: str, struct: type[msgspec.Struct], key: str) -> Published:
    return Published(name=f"scanpool.key.{name}.v1", title=title, struct=struct, subject=subjects.key(_POOL, key))


PUBLISHED: tuple[Published, ...] = (
    Published(
        name="scanpool.scan.requested.v1",
        title="Scan request",
        struct=ScanRequest,
        subject=subjects.requested(_POOL, _ID),
    ),
    Published(
        name="scanpool.scan.cancel.v1",
        title="Cancel request",
        struct=CancelRequest,
        subject=subjects.cancel(_POOL, _ID),
    ),
    Published(
        name="scanpool.order.v1",
        title="Order",
        struct=ScanOrder,
        subject=subjects.order(_POOL, "pause", _ID).replace("pause", "<order>"),
    ),
    *(_scan(state) for state in STRUCT_OF),
    Published(
        name="scanpool.scan.progress.v1",
        title="Scan progress",
        struct=ScanProgress,
        subject=subjects.progress(_POOL, _ID),
    ),
    Published(
        name="scanpool.order-answer.v1",
        title="Order answer",
        struct=OrderAnswer,
        subject="<reply>",
    ),
    Published(
        name="scanpool.scanner-event.v1",
        title="Scanner event",
        struct=ScannerEvent,
        subject=subjects.scanner_event(_POOL, _SCANNER, "<event>"),
    ),
    Published(
        name="scanpool.dead-letter.v1",
        title="Dead letter",
        struct=DeadLetter,
        subject=subjects.dead_letter(_POOL, "<stage>", _ID, 0).replace("s0", "s<sequence>"),
    ),
    Published(
        name="scanpool.audit.v1",
        title="Audit event",
        struct=AuditEvent,
        subject=f"audit.{_CLIENT}.<tool>",
    ),
    _key("load", "Scanner load", Load, subjects.load_key(_SCANNER)),
    _key("health", "Scanner health", Health, subjects.health_key(_SCANNER)),
    _key("breaker", "Scanner breaker", Breaker, subjects.breaker_key(_SCANNER)),
    _key("client", "Client's last scan", LastAdmitted, subjects.client_key(_CLIENT)),
    _key("control", "Pool control", Control, subjects.CONTROL_KEY),
    _key("rules", "Pool rules", PoolRules, subjects.RULES_KEY),
    _key("space", "Room in NATS", Space, subjects.SPACE_KEY),
    _key("repair", "Last repair of a place", Repair, subjects.REPAIR_KEY),
)
