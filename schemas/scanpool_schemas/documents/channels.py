"""The channels of the AsyncAPI document: what an application sends to scanpool and receives from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from scanpool_schemas import subjects
from scanpool_schemas.documents.published import Published, find
from scanpool_schemas.scan import STRUCT_OF

_ENDS = ("completed", "failed", "dead")


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """Subjects of one shape, and what the application does with them."""

    name: str
    operation: str
    action: Literal["send", "receive"]
    summary: str
    messages: tuple[str, ...]
    """What is published there, by short names; more than one where the subject says which state."""
    stream: str | None
    """None is core NATS: told once, kept nowhere."""
    tag: str
    headers: Literal["Traced", "CloudEvent"] | None = None
    answer: str | None = None
    """What answers it, by its short name: it is sent as a request on core NATS, to whoever answers."""

    @property
    def published(self) -> tuple[Published, ...]:
        """What is published there."""
        return tuple(find(each) for each in self.messages)

    @property
    def answered_with(self) -> tuple[Published, ...]:
        """What answers it, where something does."""
        return (find(self.answer),) if self.answer else ()

    @property
    def answers(self) -> str:
        """The name of the channel of its answers."""
        return f"{self.name}Answers"

    @property
    def address(self) -> str:
        """The subject, `{pool}` and the like in the places of names."""
        subject = self.published[0].subject
        if len(self.messages) > 1:
            subject = subject.replace(f".{self.messages[0]}.", ".<state>.")
        return subject.replace("<", "{").replace(">", "}")


def _end_of_scans(state: str, stream: str, summary: str) -> Channel:
    return Channel(
        name=f"{state}Scans",
        operation=f"receive{state.capitalize()}Scan",
        action="receive",
        summary=summary,
        messages=(state,),
        stream=stream,
        tag="outcomes",
        headers="CloudEvent",
    )


CHANNELS: Iterable[Channel] = (
    Channel(
        name="scanRequests",
        operation="requestScan",
        action="send",
        summary="Ask for a scan. Send it as a request: the server's answer says that it is stored.",
        messages=("requested",),
        stream=subjects.SCAN_REQUESTS,
        tag="requests",
        headers="Traced",
    ),
    Channel(
        name="cancelRequests",
        operation="cancelScan",
        action="send",
        summary="Ask that a scan be cancelled.",
        messages=("cancel",),
        stream=subjects.SCAN_REQUESTS,
        tag="requests",
        headers="Traced",
    ),
    Channel(
        name="scanOrders",
        operation="orderScan",
        action="send",
        summary="Have a running scan paused or resumed on its scanner. Send it as a request: a poller answers.",
        messages=("order",),
        stream=None,
        tag="requests",
        headers="Traced",
        answer="order-answer",
    ),
    _end_of_scans("completed", subjects.SCAN_COMPLETED, "A scan completed; its result is in the event."),
    _end_of_scans("failed", subjects.SCAN_FAILED, "A scan was refused, failed, timed out or was cancelled."),
    _end_of_scans("dead", subjects.SCAN_FAILED, "A scan was given up after all tries; a person can retry it."),
    Channel(
        name="scanSteps",
        operation="receiveScanStep",
        action="receive",
        summary="Follow scans from state to state. Only a scan's last event is kept.",
        messages=tuple(state for state in STRUCT_OF if state not in _ENDS),
        stream=subjects.pool_stream("<pool>"),
        tag="steps",
        headers="CloudEvent",
    ),
    Channel(
        name="scanProgress",
        operation="receiveScanProgress",
        action="receive",
        summary="Watch how far running scans are, live.",
        messages=("progress",),
        stream=None,
        tag="steps",
    ),
    Channel(
        name="scannerEvents",
        operation="receiveScannerEvent",
        action="receive",
        summary="Hear what befalls scanners.",
        messages=("scanner-event",),
        stream=subjects.SCANNER_EVENTS,
        tag="operations",
    ),
    Channel(
        name="bridgeAudit",
        operation="receiveAuditEvent",
        action="receive",
        summary="See which client of the bridge asked for or cancelled what, and what came of it.",
        messages=("audit",),
        stream=subjects.BRIDGE_AUDIT,
        tag="operations",
    ),
    Channel(
        name="deadLetters",
        operation="receiveDeadLetter",
        action="receive",
        summary="Hear of messages that never became a scan, and why; `_` stands for a pool or id that is no name.",
        messages=("dead-letter",),
        stream=subjects.SCAN_DLQ,
        tag="operations",
    ),
)
