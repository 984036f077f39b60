"""What every call of a tool passes before the tool runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolRequestParams, CallToolResult
from pydantic import ValidationError

from scanpool.bridge.answering.answers import refused, told
from scanpool.bridge.answering.refusals import Refusal
from scanpool.bridge.answering.toolkit import ToolDefinition
from scanpool.bridge.caller import Scope, current_caller
from scanpool.bridge.gate.audit import AuditTrail, Call
from scanpool.bridge.gate.given_secrets import refuse_secrets
from scanpool.bridge.gate.limits import SUBMITS, Limiter


class Gate(Extension):
    """Before a tool runs: that it was given no secret, how often it may, its scope, and its arguments."""

    identifier = "org.scanpool/gate"

    def __init__(
        self, definitions: Sequence[ToolDefinition], tools: Sequence[Tool], limiter: Limiter, trail: AuditTrail
    ) -> None:
        self._trail = trail
        self._read_only = frozenset(each.name for each in definitions if each.read_only)
        self._scopes: Mapping[str, Scope] = {each.name: each.scope for each in definitions}
        self._tools = {tool.name: tool for tool in tools}
        self._limiter = limiter

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Refuse what may not be called, or not so; a call that changes something leaves an audit event."""
        tool = self._tools.get(params.name)
        if tool is None:
            return await self._unknown(ctx, call_next)
        try:
            self._limiter.request()
        except Refusal as refusal:
            return refused(refusal)
        if tool.name in self._read_only:
            return await self._passed(tool, params, ctx, call_next)
        call = Call(subject=current_caller().subject, tool=tool.name, arguments=params.arguments or {})
        return await self._trail.followed(call, lambda: self._passed(tool, params, ctx, call_next))

    async def _unknown(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """What there is not is no cheaper to ask for than what there is."""
        try:
            self._limiter.request()
        except Refusal as refusal:
            return refused(refusal)
        return await call_next(ctx)

    async def _passed(
        self, tool: Tool, params: CallToolRequestParams, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        try:
            refuse_secrets(params.arguments or {})
            self._check_scope(tool.name)
            _check_arguments(tool, params.arguments or {})
            if self._scopes[tool.name] in SUBMITS:
                self._limiter.submit()
        except Refusal as refusal:
            return refused(refusal)
        return _in_our_words(await call_next(ctx))

    def _check_scope(self, name: str) -> None:
        scope = self._scopes[name]
        if not current_caller().may(scope):
            raise Refusal(
                "scope",
                f"your token does not have the scope {scope!r} that {name} needs",
                hint=f"sign in again asking for scope {scope!r}, or have those who run scanpool add it to your token",
            )


def _in_our_words(result: HandlerResult) -> HandlerResult:
    """What the SDK itself says, which names what is inside the bridge: of a fault, or of an answer to a question that
    has not the form asked for."""
    if not isinstance(result, CallToolResult) or not result.is_error or told(result) is not None:
        return result
    message = "the call was not carried out: an answer to its question had not the form asked for, or the bridge failed"
    return refused(Refusal("internal", message, hint="call again; if it stays so, report it to those who run scanpool"))


def _check_arguments(tool: Tool, arguments: Mapping[str, Any]) -> None:
    """Say what is wrong with the arguments without repeating their values.

    Raises:
        Refusal: they are not what the tool takes.
    """
    try:
        tool.fn_metadata.validate_arguments(dict(arguments))
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, each['loc'])) or 'arguments'}: {each['msg']}" for each in error.errors()[:5]]
        takes = ", ".join(tool.parameters.get("properties", {})) or "no arguments"
        raise Refusal("invalid_argument", "; ".join(problems), hint=f"{tool.name} takes: {takes}") from None
