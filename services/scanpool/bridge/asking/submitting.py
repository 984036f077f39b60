"""Asks for a scan and waits a moment for admission, so that a bad request is answered at once."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from scanpool.bridge.answering.models.submitting import Submitted
from scanpool.bridge.answering.refusals import Refusal
from scanpool.bridge.asking.judging import Judged
from scanpool.bridge.asking.policy import Ruled, refused
from scanpool.bridge.caller import current_caller
from scanpool.bridge.following.estimate import Estimate
from scanpool.bridge.following.told import addresses, without_names
from scanpool.bridge.gate.audit import current_deed
from scanpool.bridge.parts import Parts
from scanpool.client import Submitted as Asked
from scanpool.client import UnknownScan, WaitTimeout
from scanpool.runtime.errors import BrokerError, PublishUnknown
from scanpool.runtime.tracing import current_trace_id
from scanpool_schemas.status import ScanStatus

ADMISSION_S = 2.0
"""How long a call waits for admission."""
_DAY = timedelta(days=1)


async def submit(parts: Parts, judged: Judged, confirmed_by: str | None, profile: str) -> Submitted:
    """Ask for the scan.

    Raises:
        Refusal: admission will not have it, or it waits for an operator's approval.
        IdConflict: the key was used for a different request.
    """
    asked = await _published(parts, judged, confirmed_by)
    scan = await _admitted(parts, asked)
    if scan is not None:
        _check(without_names(current_caller(), scan))
    estimate = await _estimated(parts, scan)
    return Submitted(
        task_id=asked.id,
        trace_id=(scan.trace_id if scan else "") or current_trace_id(),
        status=scan.status if scan else "queued",
        scanner_pool=asked.pool,
        scanner_instance=_instance(judged, scan),
        scanner_url=_url(judged.where, _instance(judged, scan)),
        idempotent=asked.duplicate,
        retention_days=parts.settings.retention.completed // _DAY,
        next=_next(asked.id, profile, scan),
        queue_position=estimate.position if estimate else None,
        estimated_wait_s=estimate.wait_s if estimate else None,
        estimated_wait_minutes=round(estimate.wait_s / 60, 1) if estimate and estimate.wait_s is not None else None,
        estimate_confidence=estimate.confidence if estimate else None,
    )


async def _published(parts: Parts, judged: Judged, confirmed_by: str | None) -> Asked:
    request = msgspec.structs.replace(judged.request, confirmed=confirmed_by)
    deed = current_deed()
    deed.pool = judged.where.pool
    try:
        asked = await parts.scanpool.submit_request(request, pool=judged.where.pool, id=judged.scan_id)
    except PublishUnknown:
        deed.task_id = judged.scan_id
        raise Refusal(
            "backend_unavailable",
            "the scan service did not answer, and the scan may have been asked for",
            hint="get_scan_status with this task_id tells; call again only if there is no such scan",
            retryable=False,
            task_id=judged.scan_id,
        ) from None
    deed.task_id = asked.id
    return asked


async def _admitted(parts: Parts, asked: Asked) -> ScanStatus | None:
    """The scan; None where admission has not answered yet, or cannot be heard: it was asked for all the same."""
    try:
        return await parts.scanpool.admitted(asked, timeout=ADMISSION_S)
    except (WaitTimeout, BrokerError):
        return None
    except UnknownScan:
        raise Refusal(
            "conflict",
            "another request of the same id was taken instead",
            hint="call again with another idempotency_key",
        ) from None


def _check(scan: ScanStatus) -> None:
    """Let through what admission has taken.

    Raises:
        Refusal: it has refused it, or lets it wait for approval.
    """
    if scan.state == "pending":
        current_deed().confirmation = "awaited"
        reason = scan.timeline[-1].why
        raise Refusal(
            "confirmation_required",
            f"the scan is parked and has not started: {reason}",
            hint=f"a person has to approve it; an operator does so with `scanpool approve {scan.id}`. "
            "Tell your user, and follow it with get_scan_status; cancel_scan withdraws it",
            task_id=scan.id,
        )
    if scan.status == "failed" and len(scan.timeline) == 1 and scan.error is not None:
        error = scan.error
        raise refused(error.code, error.message, retryable=error.retryable, task_id=scan.id)


async def _estimated(parts: Parts, scan: ScanStatus | None) -> Estimate | None:
    """None where it does not wait, or nothing can be read now: the handle is worth more."""
    if scan is None:
        return None
    try:
        return await parts.statuses.estimate(scan)
    except BrokerError:
        return None


def _instance(judged: Judged, scan: ScanStatus | None) -> str | None:
    """Where it runs, or where it was asked to."""
    if scan is not None and scan.scanner_instance is not None:
        return scan.scanner_instance
    wanted = judged.request.scanner
    return f"{judged.where.pool}.{wanted}" if wanted else None


def _url(where: Ruled, instance: str | None) -> str | None:
    """The scanner's address, where the caller may know it."""
    return addresses(current_caller(), where.pool, where.rules).get(instance) if instance else None


def _next(task_id: str, profile: str, scan: ScanStatus | None) -> str:
    results = f"get_scan_results(task_id='{task_id}', schema_profile='{profile}')"
    if scan is not None and scan.is_over:
        return f"get_scan_status(task_id='{task_id}'), {results}"
    return f"wait_for_scan(task_id='{task_id}') until it ends, then {results}"
