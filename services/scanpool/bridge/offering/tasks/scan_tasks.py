"""A wait for a scan as a task: its state is the scan itself, so that any replica answers for it, whoever made it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, INVALID_REQUEST, CallToolRequestParams

from scanpool.bridge.answering.answers import answer
from scanpool.bridge.answering.refusals import Expected, Refusal, refusal_of
from scanpool.bridge.caller import Caller, Scope, current_caller
from scanpool.bridge.following.status_view import poll_after_s
from scanpool.bridge.following.waiting import sentence
from scanpool.bridge.gate.audit import AuditTrail, Call, current_deed
from scanpool.bridge.offering.tasks.extension import Task, TaskState
from scanpool.bridge.offering.tasks.ids import TaskIds
from scanpool.bridge.parts import Parts
from scanpool.client import ClientError
from scanpool.runtime.errors import BrokerError
from scanpool.runtime.settings import RetentionSettings
from scanpool_schemas.status import ScanStatus

CANCEL = "tasks_cancel"
"""What audit events call it."""
CANCEL_REASON = "cancelled by its task"
_STATES: dict[str, TaskState] = {"queued": "working", "running": "working", "cancelled": "cancelled"}
"""By the scan's status; a scan that failed is a wait that is completed, with a result that says so."""


class ScanTasks:
    """The backend of `wait_for_scan`."""

    tools = frozenset({"wait_for_scan"})
    only_as_tasks: frozenset[str] = frozenset()

    def __init__(self, parts: Parts, trail: AuditTrail) -> None:
        self._parts = parts
        self._trail = trail
        self._ids = TaskIds(parts.settings.name, parts.settings.keys)

    async def create(
        self, params: CallToolRequestParams, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> Task | HandlerResult:
        """A task for a scan that goes on; one that is over, or is none of the caller's, is answered at once."""
        try:
            scan = await self._parts.scans.status(current_caller(), str((params.arguments or {})["task_id"]))
        except (Refusal, BrokerError):
            return await call_next(ctx)  # which meets the same, and says it as the tool does
        return await call_next(ctx) if scan.is_over else await self._task(scan)

    async def get(self, task_id: str) -> Task | None:
        """The scan as a task."""
        caller = _caller_with("scan:read")
        scan = await self._scan(caller, task_id)
        return None if scan is None else await self._task(scan)

    async def update(self, task_id: str, _responses: dict[str, Any]) -> bool:
        """A scan asks for nothing, so that answers are taken and left alone."""
        return await self._scan(_caller_with("scan:read"), task_id) is not None

    async def cancel(self, task_id: str) -> bool:
        """Ask that the scan be cancelled; one that is over stays as it is."""
        caller = _caller_with("scan:cancel")
        scan = await self._scan(caller, task_id)
        if scan is None or (scan.owner != caller.subject and not caller.may("ops")):
            return False
        if not scan.is_over:
            call = Call(subject=caller.subject, tool=CANCEL, arguments={"task_id": scan.id})
            await self._trail.followed(call, lambda: self._ask_to_cancel(scan, caller))
        return True

    async def _ask_to_cancel(self, scan: ScanStatus, caller: Caller) -> None:
        deed = current_deed()
        deed.task_id, deed.pool = scan.id, scan.pool
        try:
            await self._parts.scanpool.cancel(scan.id, pool=scan.pool, by=caller.subject, reason=CANCEL_REASON)
        except (BrokerError, ClientError) as error:
            raise _protocol_error(error) from error

    async def _scan(self, caller: Caller, task_id: str) -> ScanStatus | None:
        scan_id = self._ids.opened(task_id)
        if scan_id is None:
            return None
        try:
            return await self._parts.scans.status(caller, scan_id)
        except Refusal:
            return None
        except BrokerError as error:
            raise _protocol_error(error) from error

    async def _task(self, scan: ScanStatus) -> Task:
        settings, now = self._parts.settings, self._parts.now()
        return Task(
            id=self._ids.sealed(scan.id),
            state=_STATES.get(scan.status, "completed"),
            created_at=scan.submitted_at,
            updated_at=scan.progress.at if scan.progress else scan.updated_at,
            lives=scan.updated_at - scan.submitted_at + kept(scan, settings.retention) if scan.is_over else None,
            poll_after=timedelta(seconds=poll_after_s(scan, now)),
            message=sentence(scan),
            result=await self._result(scan) if scan.is_over else None,
        )

    async def _result(self, scan: ScanStatus) -> dict[str, Any]:
        """What `wait_for_scan` answers."""
        status = await self._parts.statuses.of(scan, current_caller(), timed_out=False)
        result = answer(status, is_error=status.ended_badly)
        return result.model_dump(mode="json", by_alias=True, exclude_none=True)


def kept(scan: ScanStatus, retention: RetentionSettings) -> timedelta:
    """How long the scan can be asked for after its end."""
    if scan.dead_letter:
        return retention.dead
    return retention.completed if scan.status == "completed" else retention.failed


def _caller_with(scope: Scope) -> Caller:
    """Raises: MCPError, for a caller without the scope, whatever task it asks for."""
    caller = current_caller()
    if not caller.may(scope):
        hint = "ask those who run scanpool for a token with this scope"
        raise _protocol_error(Refusal("scope", f"your token does not have the scope {scope!r}", hint=hint))
    return caller


def _protocol_error(error: Expected) -> MCPError:
    """A task's method has no result to put a refusal into. NATS being away ends no task: it can be asked for again."""
    refusal = refusal_of(error)
    code = INTERNAL_ERROR if refusal.retryable else INVALID_REQUEST
    data = {"code": refusal.code, "retryable": refusal.retryable, "hint": refusal.hint}
    return MCPError(code=code, message=refusal.message, data=data)
