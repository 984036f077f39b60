"""What every message passes before it is answered: who calls, and whether the call may be made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolRequestParams
from pydantic import ValidationError

from scanpool.bridge.answers import refused
from scanpool.bridge.caller import Caller, Scope, called_by, current_caller
from scanpool.bridge.refusals import Refusal
from scanpool.bridge.settings import BridgeSettings
from scanpool.bridge.toolkit import ToolDefinition


class Identified:
    """Middleware: the handler runs as the request's caller."""

    def __init__(self, settings: BridgeSettings) -> None:
        self._settings = settings

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        with called_by(caller_of(ctx, self._settings.local)):
            return await call_next(ctx)


def caller_of(ctx: ServerRequestContext[Any, Any], local: Caller) -> Caller:
    """The subject of the request's own token, never of the session's; the local caller where nobody signs in."""
    user = ctx.request.scope.get("user") if ctx.request is not None else None
    token = getattr(user, "access_token", None)
    if token is None:
        return local
    return Caller(subject=token.subject or token.client_id, scopes=frozenset(token.scopes))


class Gate(Extension):
    """Before a tool runs: its scope, and its arguments."""

    identifier = "org.scanpool/gate"

    def __init__(self, definitions: Sequence[ToolDefinition], tools: Sequence[Tool]) -> None:
        self._scopes: Mapping[str, Scope] = {each.name: each.scope for each in definitions}
        self._tools = {tool.name: tool for tool in tools}

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Refuse what may not be called, or not so."""
        tool = self._tools.get(params.name)
        if tool is None:
            return await call_next(ctx)
        try:
            self._check_scope(tool.name)
            _check_arguments(tool, params.arguments or {})
        except Refusal as refusal:
            return refused(refusal)
        return await call_next(ctx)

    def _check_scope(self, name: str) -> None:
        scope = self._scopes[name]
        if not current_caller().may(scope):
            raise Refusal(
                "scope",
                f"your token does not have the scope {scope!r} that {name} needs",
                hint="ask those who run scanpool for a token with this scope",
            )


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
