"""What is done, added to the metrics of the process."""

from __future__ import annotations

from scanpool.coordination.measures import attempt_begun, failed_validation, result_read, stay
from scanpool.janitor.report import Round
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.metrics import Metrics
from scanpool_schemas.result import AuthenticationStatus, Result
from scanpool_schemas.scan import AnyScan, Completed, Dead, Exporting, Failed, Validating
from scanpool_schemas.status import status_of


def count_commit(metrics: Metrics, before: AnyScan | None, after: AnyScan) -> None:
    """Add a commit to the metrics, under the scan's own trace."""
    work, trace_id = metrics.work, after.trace_id
    if left := stay(before, after):
        work.state_seconds.observe(left.state, seconds=left.lasted.total_seconds(), trace_id=trace_id)
    if tried := attempt_begun(before, after):
        work.attempts.add(tried, trace_id=trace_id)
    if isinstance(before, Exporting) and isinstance(after, Validating):
        work.export_bytes.add(after.pool, by=after.export.size_bytes, trace_id=trace_id)
    if result := result_read(before, after):
        _count_result(metrics, after, result)
    if reason := failed_validation(before, after):
        work.validation_failures.add(after.pool, reason, trace_id=trace_id)
    if isinstance(after, Completed | Failed | Dead):
        _count_end(metrics, after)


def _count_result(metrics: Metrics, scan: AnyScan, result: Result) -> None:
    status = result.authentication_status
    metrics.work.validations.add(scan.pool, status.value, trace_id=scan.trace_id)
    if status is AuthenticationStatus.FAILED:
        metrics.work.auth_failures.add(scan.pool, scan.request.scan_type, trace_id=scan.trace_id)


def _count_end(metrics: Metrics, scan: Completed | Failed | Dead) -> None:
    metrics.work.scans.add(scan.request.scan_type, status_of(scan), trace_id=scan.trace_id)
    took = scan.at - scan.submitted_at
    metrics.work.task_seconds.observe(seconds=max(took.total_seconds(), 0.0), trace_id=scan.trace_id)


def count_delivery(metrics: Metrics, delivery: Delivery, outcome: str) -> None:
    """Add a settled delivery to the metrics."""
    metrics.work.deliveries.add(delivery.consumer, outcome)
    if delivery.attempt > 1:
        metrics.work.redeliveries.add(delivery.consumer)


def count_call(metrics: Metrics, scanner_instance: str, operation: str, outcome: str, seconds: float) -> None:
    """Add a call to a scanner to the metrics."""
    metrics.work.api_requests.add(f"scanner.{operation}", outcome)
    metrics.work.scanner_requests.add(scanner_instance, outcome)
    metrics.work.request_seconds.observe(operation, outcome, seconds=seconds)


def count_round(metrics: Metrics, done: Round) -> None:
    """Add what a round of the janitor did to the metrics."""
    work = metrics.work
    work.ttl_deletions.add(by=done.deleted["scan"])
    for kind, number in done.deleted.items():
        work.deletions.add(kind, by=number)
    for kind, size_bytes in done.freed_bytes.items():
        work.freed_bytes.add(kind, by=size_bytes)
    for place in done.disagreements:
        work.disagreements.add(place.pool)
    work.repairs.add("overdue", by=len(done.scans_ended))
    work.repairs.add("lost_delivery", by=len(done.told_again))
    work.round_seconds.observe(seconds=done.took_s)
