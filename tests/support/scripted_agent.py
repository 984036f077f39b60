"""An agent without a model: it knows a task, and goes on by what the tools answer, never by what hosts wrote."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any

from mcp import Client
from mcp.types import TextContent

WITHIN_S = 60.0
_CALL = re.compile(r"\b([a-z_]+)\(((?:[a-z_]+='[^']*'(?:, )?)*)\)")
_ARGUMENT = re.compile(r"([a-z_]+)='([^']*)'")
CHARACTERS_A_TOKEN = 4
"""As a rule of thumb, of English and JSON."""


@dataclass(frozen=True)
class Call:
    """A tool that was called, and what it answered."""

    tool: str
    arguments: dict[str, Any]
    answer: dict[str, Any]
    is_error: bool

    @property
    def tokens(self) -> int:
        """What the call and its answer take of a model's context, about."""
        sent = json.dumps(self.arguments, separators=(",", ":"))
        told = json.dumps(self.answer, separators=(",", ":"), ensure_ascii=False)
        return (len(self.tool) + len(sent) + len(told)) // CHARACTERS_A_TOKEN


class ScriptedAgent:
    """Calls tools and keeps the calls."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.calls: list[Call] = []

    @property
    def tools(self) -> list[str]:
        """What it called, in order."""
        return [call.tool for call in self.calls]

    @property
    def tokens(self) -> int:
        """Of all calls together, about; definitions of tools come once and aside."""
        return sum(call.tokens for call in self.calls)

    async def call(self, tool: str, **arguments: Any) -> Call:
        """Call the tool."""
        result = await asyncio.wait_for(self._client.call_tool(tool, arguments), WITHIN_S)
        content = result.content[0]
        assert isinstance(content, TextContent)
        call = Call(tool, arguments, json.loads(content.text), bool(result.is_error))
        self.calls.append(call)
        return call

    async def follow(self, told: Call, **more: Any) -> Call:
        """Do the first thing that `next` names, or `hint`; with further arguments."""
        (tool, arguments), *_ = advised(told.answer)
        return await self.call(tool, **arguments, **more)


def advised(answer: dict[str, Any]) -> list[tuple[str, dict[str, str]]]:
    """The calls that the bridge itself advises, with their arguments."""
    advice = f"{answer.get('next', '')} {answer.get('hint', '')}"
    return [(tool, dict(_ARGUMENT.findall(arguments))) for tool, arguments in _CALL.findall(advice)]


def outside_untrusted(document: Any) -> str:
    """All that an agent may believe, as one text."""
    match document:
        case dict():
            return " ".join(f"{key} {outside_untrusted(each)}" for key, each in document.items() if key != "untrusted")
        case list():
            return " ".join(map(outside_untrusted, document))
        case _:
            return str(document)
