"""Counts the calls of tools, by how they ended."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError

from scanpool.runtime.metrics import Metrics

UNKNOWN = "unknown"
"""Stands for every tool that there is not: names that callers make up are no labels."""


class Counted:
    """Middleware: each call of a tool is counted under its name and `ok`, its refusal's code, or what else it got."""

    def __init__(self, metrics: Metrics, tools: Collection[str]) -> None:
        self._metrics = metrics
        self._tools = frozenset(tools)

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method != "tools/call":
            return await call_next(ctx)
        tool = (ctx.params or {}).get("name")
        counter = self._metrics.work.api_requests
        label = tool if tool in self._tools else UNKNOWN
        try:
            result = await call_next(ctx)
        except MCPError:
            counter.add(label, "error")
            raise
        counter.add(label, status_of(result))
        return result


def status_of(result: HandlerResult) -> str:
    """How a call ended, from what goes out: `ok`, the code of a refusal, or the type of an answer that is no end."""
    if not isinstance(result, Mapping):
        return "ok"
    kind = result.get("resultType", "complete")
    if kind != "complete":
        return str(kind)
    return _code(result) if result.get("isError") else "ok"


def _code(result: Mapping[str, Any]) -> str:
    try:
        return str(json.loads(result["content"][0]["text"])["code"])
    except (LookupError, TypeError, ValueError):
        return "error"
