"""A person's word on a scan: whether the client can ask for it, and what makes it good for one scan only.

In the 2026-07-28 era the client repeats the call with the person's answer and the sealed state of the first round. The
seal binds the state to the tool, its arguments and the caller. It can be sent again while it is valid, so that the id
of the scan is derived from it: what is sent again is the same scan.
"""

from __future__ import annotations

import hashlib
from contextvars import ContextVar
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.server.request_state import RequestStateSecurity
from mcp_types.version import is_version_at_least
from pydantic import BaseModel, Field

from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.bridge.gate.callers import caller_of

_STATELESS_SINCE = "2026-07-28"

_sealed: ContextVar[str | None] = ContextVar("sealed", default=None)


class Confirmation(BaseModel):
    """What a person is asked."""

    confirm: bool = Field(strict=True, title="Start the scan", description="Whether the scan may start")


class SealedStates:
    """Middleware, outside of that which opens sealed states: keeps the digest of the one that came with the call."""

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        sealed = ctx.params.get("requestState") if ctx.params else None
        token = _sealed.set(hashlib.sha256(sealed.encode()).hexdigest() if isinstance(sealed, str) else None)
        try:
            return await call_next(ctx)
        finally:
            _sealed.reset(token)


def current_seal() -> str | None:
    """Digest of the sealed state that came with the call; None in its first round, and in the older era."""
    return _sealed.get()


def state_security(settings: BridgeSettings, fallback: bytes) -> RequestStateSecurity:
    """States that every replica with the same keys opens, for the caller whom they were given; `fallback` is the key
    where none is set."""

    def subject(ctx: ServerRequestContext[Any, Any]) -> str:
        return caller_of(ctx, settings).subject

    return RequestStateSecurity(keys=list(settings.keys) or [fallback], bind_principal=subject)


def can_be_asked(context: Context[Any, Any]) -> bool:
    """Whether the client shows its user a form, and a question reaches it."""
    capabilities = context.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    if elicitation is None or (elicitation.form is None and elicitation.url is not None):
        return False
    version = context.protocol_version
    stateless = version is not None and is_version_at_least(version, _STATELESS_SINCE)
    return stateless or context.session.can_send_request
