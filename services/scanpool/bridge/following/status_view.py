"""Puts a scan into the form that agents see; in words of ours, what others wrote stands apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from scanpool.bridge.answering.models import status as shown
from scanpool.bridge.answering.untrusted import clean, clean_line
from scanpool.bridge.following.estimate import Estimate
from scanpool.bridge.following.explain import Explanation
from scanpool.bridge.following.result_view import believed, hosts_of, of_result
from scanpool_schemas.codes import CATALOGUE
from scanpool_schemas.scan import ScanError
from scanpool_schemas.status import ScanStatus

Detail = Literal["concise", "full"]

SHORTEST_POLL_S = 2
LONGEST_POLL_S = 15
_POLLS_PER_AGE = 20
NEARLY_DONE_PERCENT = 90
_SHOWN_TARGETS = 20
_SHOWN_STEPS = 30
_ERROR_CAP = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A scan, and what else is known about it now."""

    scan: ScanStatus
    now: datetime
    explanation: Explanation | None = None
    estimate: Estimate | None = None
    scanner_url: str | None = None
    timed_out: bool | None = None
    detail: Detail = "concise"


def status_of(view: View) -> shown.Status:
    """The scan as agents see it."""
    scan, estimate = view.scan, view.estimate
    full = view.detail == "full"
    return shown.Status(
        task_id=scan.id,
        status=scan.status,
        state=scan.state,
        timed_out=view.timed_out,
        cancelling=scan.cancelling or None,
        scanner_pool=scan.pool,
        scanner_instance=scan.scanner_instance,
        scanner_url=view.scanner_url,
        queue_position=estimate.position if estimate else None,
        estimated_wait_s=estimate.wait_s if estimate else None,
        estimated_wait_minutes=_minutes(estimate.wait_s) if estimate else None,
        estimate_confidence=estimate.confidence if estimate else None,
        estimate_basis=estimate.basis if estimate else None,
        trace_id=scan.trace_id or None,
        progress=_progress(scan),
        timings=_timings(scan, view.now),
        authentication_status=scan.authentication_status,
        error=_failure(scan.error) if scan.error else None,
        explain=_explained(view.explanation) if view.explanation else None,
        next=next_step(view),
        poll_after_s=None if scan.is_over else poll_after_s(scan, view.now),
        timeline=_steps(scan) if full else None,
        untrusted=_words(view),
    ).model_copy(update=of_result(scan, full=full))


def poll_after_s(scan: ScanStatus, now: datetime) -> int:
    """When it is worth asking again, in seconds: soon for a young scan and near the end, later for an old one."""
    if scan.progress is not None and scan.progress.percent >= NEARLY_DONE_PERCENT:
        return SHORTEST_POLL_S
    age_s = (now - scan.submitted_at).total_seconds()
    return int(min(LONGEST_POLL_S, max(SHORTEST_POLL_S, age_s / _POLLS_PER_AGE)))


def next_step(view: View) -> str:
    """What to do now."""
    scan = view.scan
    match scan.status:
        case "completed":
            return _after_completed(scan)
        case "cancelled":
            return "it was cancelled and has no results; ask for it again if it is still wanted"
        case "failed" | "timeout":
            kept = "; get_scan_results shows what was found all the same" if believed(scan) else ""
            again = "asking for it again may succeed" if scan.error and scan.error.retryable else _ONLY_CHANGED
            return f"it has not completed: see error; {again}{kept}"
        case "queued" | "running":
            waiting = "it is being cancelled; " if scan.cancelling else ""
            return f"{waiting}call wait_for_scan, or get_scan_status after poll_after_s"


_ONLY_CHANGED = "asked for again as it is, it will fail again"


def _after_completed(scan: ScanStatus) -> str:
    read = "read it with summarize_findings or get_scan_results"
    if scan.result is not None and not scan.result.results_summary.hosts_scanned:
        return "no host answered, so that no findings means nothing; check the targets, and validation_warnings"
    if scan.authentication_status in {"partial", "failed", "unknown"}:
        return f"{read}; logins did not work everywhere, so that findings are missing: see troubleshooting"
    return read


def _minutes(seconds: int | None) -> float | None:
    return None if seconds is None else round(seconds / 60, 1)


def _progress(scan: ScanStatus) -> shown.Progress | None:
    told = scan.progress
    if told is None:
        return None
    return shown.Progress(
        percent=told.percent,
        hosts_done=told.hosts_done if told.hosts_seen else None,
        hosts_seen=told.hosts_seen or None,
        paused=scan.paused,
        told_at=told.at,
    )


def _timings(scan: ScanStatus, now: datetime) -> shown.Timings:
    started = next((each.at for each in reversed(scan.timeline) if each.state == "running"), None)
    ended = scan.updated_at if scan.is_over else None
    until = ended or now
    return shown.Timings(
        submitted_at=scan.submitted_at,
        updated_at=scan.updated_at,
        started_at=started,
        ended_at=ended,
        waited_s=_seconds(scan.submitted_at, started or until),
        ran_s=_seconds(started, until) if started else None,
    )


def _seconds(since: datetime, until: datetime) -> int:
    return max(0, round((until - since).total_seconds()))


def _failure(error: ScanError) -> shown.Failure:
    """By the catalogue: the error's own message may quote a scanner or a host."""
    known = CATALOGUE.get(error.code)
    return shown.Failure(
        code=error.code,
        message=known.meaning if known else "the scan did not complete",
        retryable=error.retryable,
        remedy=known.remedy if known else None,
    )


def _explained(explanation: Explanation) -> shown.Explained:
    blocked = [
        shown.BlockedScanner(scanner_instance=each.scanner_instance, why=each.why, until=each.until)
        for each in explanation.scanners
    ]
    return shown.Explained(
        cause=explanation.cause,
        message=explanation.message,
        moves_when=explanation.moves_when,
        until=explanation.until,
        scanners=blocked or None,
    )


def _steps(scan: ScanStatus) -> list[shown.Step]:
    return [shown.Step(state=each.state, at=each.at, by=each.by) for each in scan.timeline[-_SHOWN_STEPS:]]


def _words(view: View) -> shown.StatusText | None:
    """What people, scanners and hosts wrote."""
    scan, full = view.scan, view.detail == "full"
    reason = view.explanation.reason if view.explanation else ""
    words = shown.StatusText(
        name=clean_line(scan.name) if full else None,
        targets=[clean_line(each) for each in scan.targets[:_SHOWN_TARGETS]] if full else None,
        error=clean(scan.error.message, _ERROR_CAP) if scan.error else None,
        reason=clean_line(reason) if reason else None,
        scanner_says=clean_line(scan.progress.status) if full and scan.progress else None,
        policy=clean_line(scan.result.results_summary.policy_name) if full and scan.result else None,
        timeline=[clean_line(each.why) for each in scan.timeline[-_SHOWN_STEPS:]] if full else None,
        hosts=hosts_of(scan.result) if full and scan.result else None,
    )
    return words if words.model_dump(exclude_none=True) else None
