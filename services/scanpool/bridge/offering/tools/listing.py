"""Lists of scans and of dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import AwareDatetime, Field

from scanpool.bridge.answering.models.listing import (
    DeadLetterInfo,
    DeadLetterList,
    LetterText,
    Task,
    TaskList,
    TaskName,
)
from scanpool.bridge.answering.paging import Key, page
from scanpool.bridge.answering.refusals import Refusal
from scanpool.bridge.answering.toolkit import ToolDefinition
from scanpool.bridge.answering.untrusted import clean, clean_line
from scanpool.bridge.caller import current_caller
from scanpool.bridge.following.scans import owner_for
from scanpool.bridge.parts import Parts
from scanpool.coordination.dead_letters import read_letters
from scanpool.coordination.letters import Letter, Wanted
from scanpool_schemas.status import ScanStatus, Status
from scanpool_schemas.targets import InvalidTarget, Scope, parse, read_scope

SHOWN_TARGETS = 20
ERROR_CAP = 500

Limit = Annotated[int, Field(ge=1, le=100)]


def tools(parts: Parts) -> tuple[ToolDefinition, ...]:
    """The tools of this topic."""

    async def list_tasks(
        limit: Limit = 10,
        status_filter: Status | None = None,
        scanner_pool: str | None = None,
        target_filter: Annotated[
            str | None, Field(description="address, network, range or hostname that the scan's targets touch")
        ] = None,
        cursor: str | None = None,
        since: Annotated[AwareDatetime | None, Field(description="asked for then or later, with zone")] = None,
    ) -> TaskList:
        """Your scans, the newest first. total counts all that the filters leave; next_cursor goes on."""
        scope = _scope(target_filter)
        found = await parts.owned.scans(owner_for(current_caller()), scanner_pool, since=since)
        return task_page(chosen(found, status_filter, scope), limit, cursor)

    async def get_dead_letters(scanner_pool: str, limit: Limit = 20, cursor: str | None = None) -> DeadLetterList:
        """What could not be handled and waits for an operator; retrying it is done with the CLI only."""
        await parts.scanpool.pool(scanner_pool)
        found = await read_letters(parts.jetstream, Wanted(pool=scanner_pool))
        shown = page(found, _letter_key, limit, cursor)
        return DeadLetterList(
            dead_letters=[_letter(each) for each in shown.items],
            returned=len(shown.items),
            total=shown.total,
            next_cursor=shown.next_cursor,
            next="an operator looks with `scanpool inspect-dlq ID` and puts it back with `scanpool retry-dlq ID`",
        )

    return (
        ToolDefinition(call=list_tasks, title="Scans", scope="scan:read"),
        ToolDefinition(call=get_dead_letters, title="Dead letters", scope="ops"),
    )


def chosen(scans: Sequence[ScanStatus], status: Status | None, scope: Scope | None) -> list[ScanStatus]:
    """The scans that the filters leave."""
    return [
        scan
        for scan in scans
        if (status is None or scan.status == status)
        and (scope is None or any(scope.touches(target) for target in parse(scan.targets).items))
    ]


def task_page(scans: Sequence[ScanStatus], limit: int, cursor: str | None) -> TaskList:
    """A page of scans, the newest first.

    Raises:
        Refusal: the cursor is none.
    """
    shown = page(scans, lambda scan: (scan.submitted_at.isoformat(), f"{scan.pool}.{scan.id}"), limit, cursor)
    return TaskList(
        tasks=[_task(each) for each in shown.items],
        returned=len(shown.items),
        total=shown.total,
        next_cursor=shown.next_cursor,
    )


def _scope(target_filter: str | None) -> Scope | None:
    if target_filter is None:
        return None
    try:
        return read_scope([target_filter], field="target_filter")
    except InvalidTarget as error:
        raise Refusal("invalid_target", str(error), hint="as 10.0.0.0/24, 10.0.0.5 or web.corp.example") from error


def _task(scan: ScanStatus) -> Task:
    more = len(scan.targets) - SHOWN_TARGETS
    targets = [clean_line(each) for each in scan.targets[:SHOWN_TARGETS]]
    return Task(
        task_id=scan.id,
        status=scan.status,
        scan_type=scan.scan_type,
        scanner_pool=scan.pool,
        scanner_instance=scan.scanner_instance,
        authentication_status=scan.authentication_status,
        error_code=scan.error.code if scan.error else None,
        submitted_at=scan.submitted_at,
        updated_at=scan.updated_at,
        untrusted=TaskName(name=clean_line(scan.name), targets=[*targets, f"and {more} more"] if more > 0 else targets),
    )


def _letter_key(letter: Letter) -> Key:
    return letter.at.isoformat(), f"{letter.sequence:020}"


def _letter(letter: Letter) -> DeadLetterInfo:
    return DeadLetterInfo(
        id=clean_line(letter.id),
        scanner_pool=letter.pool,
        stage=clean_line(letter.stage),
        reason=letter.reason,
        attempts=letter.attempts,
        at=letter.at,
        task_id=clean_line(letter.scan_id) if letter.scan_id else None,
        untrusted=LetterText(message=clean(letter.message, ERROR_CAP)),
    )
