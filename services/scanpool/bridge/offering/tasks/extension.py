"""The tasks extension of the protocol (SEP-2663, from 2026-07-28): calls of tools that go on as tasks.

What a task is, is the backend's matter; this says when one is made, and answers `tasks/get`, `tasks/update` and
`tasks/cancel`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.mcpserver import require_client_extension
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import decode_header_value
from mcp.types import HEADER_MISMATCH, INVALID_PARAMS, CallToolRequestParams, RequestParams
from pydantic import Field

TASKS = "io.modelcontextprotocol/tasks"
VERSIONS = frozenset({"2026-07-28"})
"""Of the protocol; before, tasks were something else."""
LONGEST_ID = 256

TaskState = Literal["working", "input_required", "completed", "failed", "cancelled"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A call that goes on, or has ended."""

    id: str
    state: TaskState
    created_at: datetime
    updated_at: datetime
    lives: timedelta | None = None
    """From its creation until it may be gone; None while there is no end to it."""
    poll_after: timedelta
    message: str = ""
    """How it is, in words of ours."""
    result: dict[str, Any] | None = None
    """Of a completed one: what the call would have answered."""
    error: dict[str, Any] | None = None
    """Of a failed one: the JSON-RPC error that the call would have ended with."""
    input_requests: dict[str, Any] | None = None
    """Of one that waits for the client's input."""


class TaskBackend(Protocol):
    """What tasks are made of; each of its calls is made as the request's caller."""

    tools: frozenset[str]
    """Whose calls become tasks, for clients that know tasks."""
    only_as_tasks: frozenset[str]
    """Whose calls are refused to clients that do not."""

    async def create(
        self, params: CallToolRequestParams, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> Task | HandlerResult:
        """A task that is there for `get` already, or the call's answer where that is known at once."""
        ...

    async def get(self, task_id: str) -> Task | None:
        """The task as it is now; None where the caller has none of this id."""
        ...

    async def update(self, task_id: str, responses: dict[str, Any]) -> bool:
        """Take the client's input; answers whether the caller has such a task."""
        ...

    async def cancel(self, task_id: str) -> bool:
        """Ask that the task be cancelled; answers whether the caller has such a task."""
        ...


class TaskParams(RequestParams):
    """Which task."""

    task_id: str = Field(min_length=1, max_length=LONGEST_ID)


class TaskUpdateParams(TaskParams):
    """Which task, and the answers to what it asked."""

    input_responses: dict[str, Any] = Field(default_factory=dict)


class TasksExtension(Extension):
    """Tasks over a backend."""

    identifier = TASKS

    def __init__(self, backend: TaskBackend) -> None:
        self._backend = backend

    def methods(self) -> Sequence[MethodBinding]:
        """What clients may ask of a task."""
        return (
            MethodBinding("tasks/get", TaskParams, self._get, protocol_versions=VERSIONS),
            MethodBinding("tasks/update", TaskUpdateParams, self._update, protocol_versions=VERSIONS),
            MethodBinding("tasks/cancel", TaskParams, self._cancel, protocol_versions=VERSIONS),
        )

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Make a task of the call where the client knows tasks and the tool is one for them."""
        if not _knows_tasks(ctx):
            if params.name in self._backend.only_as_tasks:
                require_client_extension(ctx, TASKS)
            return await call_next(ctx)
        if params.name not in self._backend.tools:
            return await call_next(ctx)
        made = await self._backend.create(params, ctx, call_next)
        return {"resultType": "task", **_seed(made)} if isinstance(made, Task) else made

    async def _get(self, ctx: ServerRequestContext[Any, Any], params: TaskParams) -> HandlerResult:
        _check(ctx, params)
        task = await self._backend.get(params.task_id)
        if task is None:
            raise _unknown()
        return {"resultType": "complete", **_whole(task)}

    async def _update(self, ctx: ServerRequestContext[Any, Any], params: TaskUpdateParams) -> HandlerResult:
        _check(ctx, params)
        if not await self._backend.update(params.task_id, params.input_responses):
            raise _unknown()
        return {"resultType": "complete"}

    async def _cancel(self, ctx: ServerRequestContext[Any, Any], params: TaskParams) -> HandlerResult:
        _check(ctx, params)
        if not await self._backend.cancel(params.task_id):
            raise _unknown()
        return {"resultType": "complete"}


def _knows_tasks(ctx: ServerRequestContext[Any, Any]) -> bool:
    """Whether this very request says so: what its connection said before counts for nothing."""
    capabilities = ctx.session.client_capabilities
    declared = (capabilities.extensions if capabilities else None) or {}
    return ctx.protocol_version in VERSIONS and TASKS in declared


def _check(ctx: ServerRequestContext[Any, Any], params: TaskParams) -> None:
    """The SDK compares `Mcp-Name` with the name of what is asked for by methods of the core only."""
    require_client_extension(ctx, TASKS)
    if ctx.request is None:  # not over HTTP
        return
    if decode_header_value(ctx.request.headers.get("mcp-name")) != params.task_id:
        raise MCPError(code=HEADER_MISMATCH, message="the header Mcp-Name is not params.taskId")


def _unknown() -> MCPError:
    """The same for ids that never were, that are over and gone, and of somebody else."""
    return MCPError(code=INVALID_PARAMS, message="Failed to retrieve task: Task not found")


def _seed(task: Task) -> dict[str, Any]:
    document: dict[str, Any] = {
        "taskId": task.id,
        "status": task.state,
        "createdAt": _instant(task.created_at),
        "lastUpdatedAt": _instant(task.updated_at),
        "ttlMs": None if task.lives is None else _milliseconds(task.lives),
        "pollIntervalMs": _milliseconds(task.poll_after),
    }
    return document | ({"statusMessage": task.message} if task.message else {})


def _whole(task: Task) -> dict[str, Any]:
    match task.state:
        case "completed":
            return _seed(task) | {"result": task.result or {}}
        case "failed":
            return _seed(task) | {"error": task.error or {}}
        case "input_required":
            return _seed(task) | {"inputRequests": task.input_requests or {}}
        case "working" | "cancelled":
            return _seed(task)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _milliseconds(length: timedelta) -> int:
    return int(length / timedelta(milliseconds=1))
