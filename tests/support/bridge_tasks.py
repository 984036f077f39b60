"""A client that knows tasks (SEP-2663), and the requests that it sends about them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from mcp import Client
from mcp.client import ClaimContext, ClientExtension, ResultClaim
from mcp.client.session import ClientSession
from mcp.types import CallToolResult, Request, RequestParams, Result
from pydantic import ConfigDict, Field

from tests.support.web import plain_http

TASKS = "io.modelcontextprotocol/tasks"
VERSION = "2026-07-28"
POLL_S = 0.1
"""Sooner than servers ask for, so that tests are over sooner."""
WITHIN_S = 60.0


class Created(Result):
    """The answer to a call that goes on as a task."""

    model_config = ConfigDict(extra="allow")

    result_type: Literal["task"] = Field(alias="resultType")
    task_id: str = Field(alias="taskId")


class About(RequestParams):
    """Which task."""

    task_id: str = Field(alias="taskId")
    input_responses: dict[str, Any] | None = Field(default=None, alias="inputResponses")


class Task(Result):
    """Whatever is answered about a task."""

    model_config = ConfigDict(extra="allow")


class Ask(Request[About, str]):
    """A request about a task."""

    name_param: ClassVar[str | None] = "taskId"


class KnowsTasks(ClientExtension):
    """Follows tasks to their ends, as hosts with the extension do."""

    identifier = TASKS

    def __init__(self) -> None:
        self.created: list[str] = []

    def claims(self) -> Sequence[ResultClaim[Any]]:
        """A call of a tool may answer with a task."""
        return (ResultClaim(result_type="task", model=Created, resolve=self._resolve),)

    async def _resolve(self, created: Created, context: ClaimContext) -> CallToolResult:
        self.created.append(created.task_id)
        task = await ended(context.session, created.task_id)
        return CallToolResult.model_validate(task["result"])


async def created(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The task that a call of the tool became."""
    result: Any = await client.session.call_tool(tool, arguments, allow_claimed=True)
    assert isinstance(result, Created), result
    return result.model_dump(by_alias=True)


async def asked(session: ClientSession, method: str, task_id: str, **params: Any) -> dict[str, Any]:
    """What was answered to a request about the task."""
    about = About.model_validate({"taskId": task_id, **params})
    answer = await session.send_request(Ask(method=method, params=about), Task)
    return answer.model_dump(by_alias=True)


async def ended(session: ClientSession, task_id: str) -> dict[str, Any]:
    """The task when it is over."""
    async with asyncio.timeout(WITHIN_S):
        while (task := await asked(session, "tasks/get", task_id))["status"] == "working":
            await asyncio.sleep(POLL_S)
    return task


async def posted(
    url: str,
    method: str,
    params: Mapping[str, Any],
    *,
    headers: Mapping[str, str],
    meta: Mapping[str, Any] = MappingProxyType({}),
    knows_tasks: bool = True,
) -> dict[str, Any]:
    """The document that a request of the modern era, made by hand, was answered with."""
    extensions: dict[str, Any] = {TASKS: {}} if knows_tasks else {}
    all_meta = {
        "io.modelcontextprotocol/protocolVersion": VERSION,
        "io.modelcontextprotocol/clientCapabilities": {"extensions": extensions},
        **meta,
    }
    sent = {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": VERSION,
        "Mcp-Method": method,
        **headers,
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": all_meta}}
    async with plain_http() as http:
        answer = await http.post(url, json=body, headers=sent, timeout=WITHIN_S)
    document: dict[str, Any] = answer.json()
    return document
