"""What comes in and what goes wrong, kept from logs, spans and events: neither says more than it has to."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import structlog
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver.prompts import Prompt
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS, RequestParamsMeta
from pydantic import ValidationError

from scanpool.bridge.answering.refusals import Refusal
from scanpool.bridge.gate.given_secrets import refuse_secrets

GET_PROMPT = "prompts/get"
_TRACE = "traceparent"
_DROPPED = frozenset({_TRACE, "tracestate", "baggage"})
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

log = structlog.get_logger(__name__)


class Traced:
    """Middleware, outside of that which makes spans: of the caller's trace context only the ids are taken.

    What else stands there is free text of any length, which would be logged, and go along with the scan's events.
    """

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Answer the message without the rest of its trace context."""
        return await call_next(replace(ctx, meta=bare(ctx.meta)) if ctx.meta else ctx)


def bare(meta: RequestParamsMeta) -> RequestParamsMeta:
    """The metadata with a well-formed `traceparent` and nothing else of the trace context."""
    kept = {name: value for name, value in meta.items() if name not in _DROPPED}
    trace = meta.get(_TRACE)
    if isinstance(trace, str) and _TRACEPARENT.fullmatch(trace):
        kept[_TRACE] = trace
    return cast(RequestParamsMeta, kept)


class Guarded:
    """Middleware, inside of that which makes spans: what nobody expected is logged by its kind, and told without it."""

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Answer the message.

        Raises:
            MCPError: in place of whatever was not expected, whose text may repeat what a caller sent.
        """
        try:
            return await call_next(ctx)
        except (MCPError, ValidationError):
            raise
        except Exception as error:  # noqa: BLE001  # the last boundary before the SDK records the error with its text
            log.error("a request failed", method=ctx.method, kind=type(error).__name__, place=_place(error))
            raise MCPError(code=INTERNAL_ERROR, message="the bridge failed; this was logged") from None


def _place(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename}:{frame.lineno}"


class PromptArguments:
    """Middleware: a prompt is asked for by a name that there is, with its arguments and without secrets."""

    def __init__(self, prompts: Sequence[Prompt]) -> None:
        self._arguments = {each.name: {arg.name: arg.required for arg in each.arguments or []} for each in prompts}

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Check a request for a prompt.

        Raises:
            MCPError: says what is wrong, without a value.
        """
        if ctx.method == GET_PROMPT and ctx.params is not None:
            self._check(ctx.params)
        return await call_next(ctx)

    def _check(self, params: Mapping[str, Any]) -> None:
        known = self._arguments.get(str(params.get("name")))
        if known is None:
            raise MCPError(
                code=INVALID_PARAMS, message=f"there is no such prompt; there are {', '.join(self._arguments)}"
            )
        given = params.get("arguments") or {}
        try:
            refuse_secrets(given)
        except Refusal as refusal:
            raise MCPError(code=INVALID_PARAMS, message=f"{refusal.message}; {refusal.hint}") from None
        missing = [name for name, required in known.items() if required and name not in given]
        if missing or set(given) - set(known):
            raise MCPError(code=INVALID_PARAMS, message=f"this prompt takes: {', '.join(known)}")
