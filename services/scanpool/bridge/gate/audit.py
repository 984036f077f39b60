"""One audit event for each call of a tool that changes something: who, which tool, what came of it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import structlog
from anyio import CancelScope
from mcp.server.context import HandlerResult
from mcp.types import CallToolResult, InputRequiredResult

from scanpool.bridge.answering.answers import told
from scanpool.runtime.errors import BrokerError
from scanpool.runtime.jetstream import JetStream, Write
from scanpool.runtime.tracing import current_trace_id, trace_headers
from scanpool_schemas import subjects
from scanpool_schemas.events import AuditEvent, AuditOutcome, Confirmation

_NOT_DIGESTED = frozenset({"secret_refused", "invalid_argument"})
"""A digest of what holds a secret, perhaps under a name that nobody knew for one, could be guessed at."""
WRITTEN_WITHIN_S = 2.0
"""How long the answer of a call waits for its event to be stored."""

log = structlog.get_logger(__name__)


@dataclass(kw_only=True, slots=True)
class Deed:
    """What a call has done so far; filled in by the tool while it runs."""

    task_id: str = ""
    pool: str = ""
    confirmation: Confirmation = "not-asked"


_current: ContextVar[Deed] = ContextVar("deed")


def current_deed() -> Deed:
    """What the call that is being answered has done so far; a tool notes in it what the event is to say."""
    return _current.get()


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A call of a tool."""

    subject: str
    tool: str
    arguments: Mapping[str, Any]


class AuditTrail:
    """Writes audit events."""

    def __init__(self, jetstream: JetStream, now: Callable[[], datetime]) -> None:
        self._jetstream = jetstream
        self._now = now

    async def followed(self, call: Call, answer: Callable[[], Awaitable[HandlerResult]]) -> HandlerResult:
        """Answer the call, and write down what came of it: nothing yet where it only asks for its user's word."""
        deed = Deed()
        token = _current.set(deed)
        try:
            result = await answer()
        except asyncio.CancelledError:  # the client left
            with CancelScope(shield=True):
                await self._write(self._event(call, deed, "interrupted", ""))
            raise
        finally:
            _current.reset(token)
        if not isinstance(result, InputRequiredResult):
            await self._write(self._event(call, deed, *_outcome(result)))
        return result

    def _event(self, call: Call, deed: Deed, outcome: AuditOutcome, code: str) -> AuditEvent:
        return AuditEvent(
            at=self._now(),
            subject=call.subject,
            tool=call.tool,
            outcome=outcome,
            code=code,
            task_id=deed.task_id,
            pool=deed.pool,
            arguments_digest="" if code in _NOT_DIGESTED else digest(call.arguments),
            confirmation=deed.confirmation,
            trace_id=current_trace_id(),
        )

    async def _write(self, event: AuditEvent) -> None:
        """Store the event; where it cannot be, it is logged, since what was done is done."""
        write = Write(
            subject=subjects.audit(event.subject, event.tool),
            body=msgspec.json.encode(event),
            headers=trace_headers(event.trace_id),
        )
        try:
            async with asyncio.timeout(WRITTEN_WITHIN_S if self._jetstream.client.is_connected else 0):
                await self._jetstream.publish(write)
        except (BrokerError, TimeoutError) as error:
            log.error("audit event not stored", audit=msgspec.to_builtins(event), error=str(error))


def digest(arguments: Mapping[str, Any]) -> str:
    """SHA-256 of the arguments in compact JSON with sorted keys, hex."""
    text = json.dumps(arguments, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _outcome(result: object) -> tuple[AuditOutcome, str]:
    if not isinstance(result, CallToolResult) or not result.is_error:
        return "accepted", ""
    code = str((told(result) or {}).get("code", ""))
    match code:
        case "confirmation_required":
            return "accepted", code
        case "" | "internal":
            return "failed", code
        case _:
            return "refused", code
