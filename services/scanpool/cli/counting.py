"""What is done, added to the metrics of the process."""

from __future__ import annotations

from scanpool.janitor.report import Round
from scanpool.runtime.metrics import Metrics
from scanpool_schemas.scan import AnyScan, Completed, Dead, Failed
from scanpool_schemas.status import status_of


def count_end(metrics: Metrics, scan: AnyScan) -> None:
    """Add a commit that ended a scan to the metrics."""
    if isinstance(scan, Completed | Failed | Dead):
        metrics.scans.labels(scan.request.scan_type, status_of(scan)).inc()


def count_round(metrics: Metrics, done: Round) -> None:
    """Add what a round of the janitor did to the metrics."""
    for kind, number in done.deleted.items():
        metrics.deleted.labels(kind).inc(number)
    for kind, size_bytes in done.freed_bytes.items():
        metrics.freed_bytes.labels(kind).inc(size_bytes)
    for what, number in done.repairs.items():
        metrics.repairs.labels(what).inc(number)
    for place in done.disagreements:
        metrics.disagreements.labels(place.pool).inc()
    metrics.overdue.inc(len(done.scans_ended))
    metrics.rounds.observe(done.took_s)
