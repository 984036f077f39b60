"""Counts over the items and hosts of a report, and the times between which it was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from scanpool.report.host import Item, Severity
from scanpool.report.times import earlier, host_time, later
from scanpool_schemas.result import ComplianceCounts, SeverityCounts

_RESULTS = {"PASSED", "FAILED", "WARNING", "ERROR", "SKIPPED"}


class Census:
    """Counts items as they pass by; compliance results apart, since they reuse the severities."""

    def __init__(self) -> None:
        self.started_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.started_local = ""
        self.ended_local = ""
        self._severities: Counter[Severity | None] = Counter()
        self._compliance: Counter[str] = Counter()

    def count(self, item: Item) -> None:
        """Count an item."""
        result = item.compliance_result
        if result is None:
            self._severities[item.severity] += 1
        else:
            self._compliance[result if result in _RESULTS else ""] += 1

    def clock(self, tags: Mapping[str, str]) -> None:
        """Take in the times of a host."""
        started_at, started_local = host_time(tags, "HOST_START")
        ended_at, ended_local = host_time(tags, "HOST_END")
        self.started_at = earlier(self.started_at, started_at)
        self.ended_at = later(self.ended_at, ended_at)
        self.started_local = min(filter(None, (self.started_local, started_local)), default="")
        self.ended_local = max(self.ended_local, ended_local)

    @property
    def items(self) -> int:
        """Items but for compliance results."""
        return self._severities.total()

    @property
    def severity(self) -> SeverityCounts:
        """Items by severity."""
        counts = self._severities
        return SeverityCounts(
            critical=counts[Severity.CRITICAL],
            high=counts[Severity.HIGH],
            medium=counts[Severity.MEDIUM],
            low=counts[Severity.LOW],
            info=counts[Severity.INFO],
            unrated=counts[None],
        )

    @property
    def compliance(self) -> ComplianceCounts:
        """Compliance results by their word."""
        counts = self._compliance
        return ComplianceCounts(
            passed=counts["PASSED"],
            failed=counts["FAILED"],
            warning=counts["WARNING"],
            error=counts["ERROR"],
            skipped=counts["SKIPPED"],
            other=counts[""],
        )
