"""Calls of fixture tools as tasks, in memory: what the conformance suite wants of tasks, behind our own extension."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.types import (
    INTERNAL_ERROR,
    CallToolRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    InputRequiredResult,
)

from scanpool.bridge.offering.tasks.extension import Task, TaskState

LIVES = timedelta(minutes=5)
FAILS_AFTER_S = 1.0
"""What the suite wants of `failing_job`."""


@dataclass(kw_only=True)
class Job:
    """A call that goes on."""

    id: str
    created_at: datetime
    updated_at: datetime
    state: TaskState = "working"
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    wanted: dict[str, Any] = field(default_factory=dict)
    """The questions that are open."""
    answers: dict[str, Any] = field(default_factory=dict)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Nothing is open any more."""
    worker: asyncio.Task[None] | None = None

    def becomes(self, state: TaskState) -> None:
        self.state, self.updated_at = state, datetime.now(UTC)

    async def ask(self, **questions: str) -> Mapping[str, Any]:
        """What the client answers to questions that it finds in the task."""
        self.wanted = {key: question(text) for key, text in questions.items()}
        self.becomes("input_required")
        await self.answered.wait()
        return self.answers

    def answer(self, responses: Mapping[str, Any]) -> None:
        for key in set(responses) & set(self.wanted):
            self.answers[key] = responses[key]
            del self.wanted[key]
        if self.state == "input_required" and not self.wanted:
            self.becomes("working")
            self.answered.set()


Work = Callable[[Job, Mapping[str, Any]], Awaitable[dict[str, Any]]]


class FixtureTasks:
    """The backend of the fixture's tools."""

    only_as_tasks = frozenset({"failing_job", "test_tool_with_task"})

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._work: Mapping[str, Work] = {
            "slow_compute": _slow_compute,
            "failing_job": _failing_job,
            "protocol_error_job": _protocol_error_job,
            "confirm_delete": _confirm_delete,
            "multi_input": _multi_input,
            "test_tool_with_task": _test_tool_with_task,
        }
        self.tools = frozenset(self._work)

    async def create(
        self, params: CallToolRequestParams, _ctx: ServerRequestContext[Any, Any], _call_next: CallNext
    ) -> Task | HandlerResult:
        """A task that works; of one tool only once the client has said who its user is."""
        arguments = dict(params.arguments or {})
        if params.name == "test_tool_with_task":
            given = (params.input_responses or {}).get("user_name")
            if given is None:
                return InputRequiredResult(input_requests={"user_name": _form("Your name?")}).model_dump(
                    mode="json", by_alias=True, exclude_none=True
                )
            arguments["user_name"] = _name(given)
        now = datetime.now(UTC)
        job = Job(id=secrets.token_hex(16), created_at=now, updated_at=now)
        self._jobs[job.id] = job
        job.worker = asyncio.create_task(_run(job, self._work[params.name], arguments))
        return _task(job)

    async def get(self, task_id: str) -> Task | None:
        """The task as it is now."""
        job = self._jobs.get(task_id)
        return None if job is None else _task(job)

    async def update(self, task_id: str, responses: dict[str, Any]) -> bool:
        """Take answers to what is open; others are left alone."""
        job = self._jobs.get(task_id)
        if job is not None:
            job.answer(responses)
        return job is not None

    async def cancel(self, task_id: str) -> bool:
        """End it, unless it has ended."""
        job = self._jobs.get(task_id)
        if job is not None and job.worker is not None and not job.worker.done():
            job.worker.cancel()
            job.wanted = {}
            job.becomes("cancelled")
        return job is not None

    def close(self) -> None:
        """End what still works."""
        for job in self._jobs.values():
            if job.worker is not None:
                job.worker.cancel()


async def _run(job: Job, work: Work, arguments: Mapping[str, Any]) -> None:
    try:
        job.result = await work(job, arguments)
        job.becomes("completed")
    except ArithmeticError as error:
        job.error = {"code": INTERNAL_ERROR, "message": str(error)}
        job.becomes("failed")


async def _slow_compute(_job: Job, arguments: Mapping[str, Any]) -> dict[str, Any]:
    await asyncio.sleep(float(arguments.get("seconds", 0)))
    return _text(f"{arguments.get('label', 'it')} is computed")


async def _failing_job(_job: Job, _arguments: Mapping[str, Any]) -> dict[str, Any]:
    await asyncio.sleep(FAILS_AFTER_S)
    return {**_text("it failed, as it always does"), "isError": True}


async def _protocol_error_job(_job: Job, _arguments: Mapping[str, Any]) -> dict[str, Any]:
    raise ArithmeticError("the fixture broke, as it should")


async def _confirm_delete(job: Job, arguments: Mapping[str, Any]) -> dict[str, Any]:
    answers = await job.ask(confirm=f"Delete {arguments.get('filename', 'it')}?")
    return _text(f"{'deleted' if answers['confirm'].get('action') == 'accept' else 'kept'}")


async def _multi_input(job: Job, _arguments: Mapping[str, Any]) -> dict[str, Any]:
    answers = await job.ask(first="First?", second="Second?")
    return _text(f"{len(answers)} answers")


async def _test_tool_with_task(_job: Job, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return _text(f"Hello, {arguments['user_name']}!")


def question(text: str) -> dict[str, Any]:
    """A form of one field, on the wire."""
    return _form(text).model_dump(mode="json", by_alias=True, exclude_none=True)


def _form(text: str) -> ElicitRequest:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    return ElicitRequest(params=ElicitRequestFormParams(message=text, requested_schema=schema))


def _name(given: Any) -> str:
    document = given if isinstance(given, dict) else given.model_dump()
    return str((document.get("content") or {}).get("name", ""))


def _text(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "isError": False}


def _task(job: Job) -> Task:
    return Task(
        id=job.id,
        state=job.state,
        created_at=job.created_at,
        updated_at=job.updated_at,
        lives=LIVES,
        poll_after=timedelta(milliseconds=100),
        result=job.result,
        error=job.error,
        input_requests=dict(job.wanted) or None,
    )
