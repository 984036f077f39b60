"""What a process did: counters and durations that start at 0 with it, to be summed over processes."""

# ruff: noqa: RUF009 (a row is a dataclass's field)

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from scanpool.runtime.metrics.families import Count, Level, Timing, count, level, timing
from scanpool_schemas.request import ScanType
from scanpool_schemas.result import AuthenticationStatus

ValidationFailure = Literal["auth_failed", "xml_invalid", "empty_scan", "file_not_found", "other"]
"""Why a report did not make its scan complete."""

Repair = Literal["overdue", "lost_delivery"]
"""What a janitor puts right by itself."""

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
_TASK_S = (MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 12 * HOUR, DAY)
_STATE_S = (0.1, 1, 5, 15, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, DAY)
_LATE_S = (0.1, 0.5, 1, 2.5, 5, 10, 30, MINUTE, 5 * MINUTE)
_REQUEST_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, MINUTE, 5 * MINUTE)
_LAG_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_ROUND_S = (0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, MINUTE, 5 * MINUTE)


@dataclass(frozen=True, kw_only=True)
class Work:
    """What this process did."""

    scans: Count = count(
        "nessus_scans_total",
        "Scans that ended, by their public status: completed, failed, timeout or cancelled. "
        "One that was retried from a dead letter ends again.",
        "scan_type",
        "status",
    )
    task_seconds: Timing = timing(
        "nessus_task_duration_seconds", "From a scan's submission to its end, whatever the end.", bounds_s=_TASK_S
    )
    state_seconds: Timing = timing(
        "scanpool_state_seconds",
        "How long a scan was in the state that it left: in queued-high, queued-normal and queued-low it waited.",
        "state",
        bounds_s=_STATE_S,
    )
    attempts: Count = count(
        "scanpool_attempts_total",
        "Tries that were begun of launching, exporting and validating. More of them than scans that came to the "
        "state are tries that failed.",
        "state",
    )
    deliveries: Count = count(
        "scanpool_deliveries_total",
        "Deliveries that were settled, by consumer and how: done, snooze (put off), retry, deadletter; unsettled "
        "is NATS that did not answer, error a fault of scanpool.",
        "stage",
        "outcome",
    )
    redeliveries: Count = count(
        "scanpool_redeliveries_total",
        "Deliveries that had been handed over before. Those beyond what was put off (snooze, retry) come from "
        "processes that were killed, or did not settle in time.",
        "stage",
    )
    poll_late_seconds: Timing = timing(
        "scanpool_poll_lateness_seconds",
        "How much later than planned a running scan was looked at again by the same process.",
        bounds_s=_LATE_S,
    )
    api_requests: Count = count(
        "nessus_api_requests_total",
        "Calls by their outcome. `tool` is a tool of the bridge that a client called; or `scanner.` and the "
        "operation, of a call to a scanner's API. `status` is ok or the error's code; of a tool also the type of "
        "an answer that is no end, of a scanner broken (an answer that was cut off) or interrupted. The two are "
        "never in one series: do not add them up.",
        "tool",
        "status",
    )
    request_seconds: Timing = timing(
        "scanpool_scanner_request_seconds",
        "Calls to scanners' APIs: ok, broken, interrupted, or the error's code.",
        "operation",
        "outcome",
        bounds_s=_REQUEST_S,
    )
    scanner_requests: Count = count(
        "scanpool_scanner_requests_total", "The same calls, by scanner.", "scanner_instance", "outcome"
    )
    export_bytes: Count = count(
        "scanpool_export_bytes_total", "Bytes of the reports that were fetched from scanners, uncompressed.", "pool"
    )
    validations: Count = count(
        "nessus_validation_total",
        "Reports that were read, by authentication status: success, partial, failed, unknown, not_applicable.",
        "pool",
        "result",
    )
    validation_failures: Count = count(
        "nessus_validation_failures_total",
        "Scans whose report did not let them complete: auth_failed (no login worked, or too few), xml_invalid (no "
        "report that can be believed), empty_scan (no host answered), file_not_found (the stored report cannot "
        "be read back), other.",
        "pool",
        "reason",
    )
    auth_failures: Count = count(
        "nessus_auth_failures_total",
        "Reports in which no login worked on any host although credentials were given.",
        "pool",
        "scan_type",
    )
    circuit_failures: Count = count(
        "nessus_circuit_failures_total",
        "Calls that failed in a way that the scanner's breaker counts.",
        "scanner_instance",
    )
    circuit_opens: Count = count(
        "nessus_circuit_opens_total",
        "How often the scanner's breaker opened because of this process, after a failed probe too. One that a "
        "person tripped is not among them.",
        "scanner_instance",
    )
    ttl_deletions: Count = count(
        "nessus_ttl_deletions_total", "Ended scans that were deleted since their retention was over."
    )
    deletions: Count = count(
        "scanpool_deletions_total",
        "What was deleted since it was over: scan (as above), event (spent ones of ended scans), export and "
        "findings (named by no event), scanner_scan (on a scanner).",
        "kind",
    )
    freed_bytes: Count = count("scanpool_ttl_freed_bytes_total", "Their bytes in NATS.", "kind")
    repairs: Count = count(
        "scanpool_janitor_repairs_total",
        "What the janitor put right: overdue (a scan that took too long was ended), lost_delivery (a scan whose "
        "event was not going to be delivered again was told again).",
        "kind",
    )
    disagreements: Count = count(
        "scanpool_place_disagreements_total",
        "Places and events that the janitor found to disagree, once a round for as long as they do.",
        "pool",
    )
    round_seconds: Timing = timing("scanpool_janitor_round_seconds", "The janitor's rounds.", bounds_s=_ROUND_S)
    loop_lag_seconds: Timing = timing(
        "scanpool_event_loop_lag_seconds",
        "How much later than it should a task of this process runs, measured four times a second.",
        bounds_s=_LAG_S,
    )
    service: Level = level(
        "scanpool_service_info", "1 for each service that runs in this process.", "service", "version"
    )

    def begin_service(self, service: str, version: str) -> None:
        """Say that the service runs in this process."""
        self.service.set(service, version, to=1)
        if service == "janitor":
            for kind in get_args(Repair):
                self.repairs.begin(kind)

    def begin_pool(self, pool: str) -> None:
        """Say 0 of what alerts watch in the pool."""
        for reason in get_args(ValidationFailure):
            self.validation_failures.begin(pool, reason)
        for status in AuthenticationStatus:
            self.validations.begin(pool, status.value)
        for scan_type in get_args(ScanType):
            self.auth_failures.begin(pool, scan_type)
        self.disagreements.begin(pool)
