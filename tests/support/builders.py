"""Scans, scanners and results for tests: what a test does not speak of is supplied here.

Each scan comes out of the pipeline's own transitions, so that it is one that can exist; `fields` then replace what
the test is about.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

import msgspec

from scanpool.coordination import transitions
from scanpool.coordination.transitions import Change, Mark, Submission
from scanpool.dispatcher.decide import Candidate
from scanpool.scanners.scanner import Activity, Progress
from scanpool_schemas.keys import CredentialRule, Health, Load, PoolRules, ScannerRule
from scanpool_schemas.request import ScanRequest, digest
from scanpool_schemas.result import AuthenticationStatus, Result, ResultsSummary, ValidationStats
from scanpool_schemas.scan import (
    AnyScan,
    By,
    Completed,
    Dead,
    Export,
    Exporting,
    Failed,
    Launching,
    Lease,
    Pending,
    Queued,
    Running,
    ScanError,
    Stop,
    Stopping,
    Validating,
)

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NUMBER = 42
"""The scanner's own number of the scan."""

_nonces = count(1)
_S = TypeVar("_S", bound=AnyScan)


def a_mark(by: By = "dispatcher", at: datetime = NOW) -> Mark:
    """A mark with a nonce of its own."""
    return Mark(at=at, by=by, nonce=f"nonce-{next(_nonces)}")


def a_request(**fields: Any) -> ScanRequest:
    """A request for one host, without credentials."""
    return ScanRequest(**{"targets": ("10.0.0.1",), "name": "weekly", **fields})


def a_submission(**fields: Any) -> Submission:
    """A request that arrived for pool `lab` as scan `s1`."""
    request = fields.pop("request", None) or a_request()
    known = {"id": "s1", "pool": "lab", "request_digest": digest(request), "submitted_at": NOW, "trace_id": "f" * 32}
    return Submission(**{**known, "request": request, **fields})


def a_lease(by: str = "holder", lasts: timedelta = MINUTE, at: datetime = NOW) -> Lease:
    """A lease taken at `at`."""
    return Lease(by=by, until=at + lasts)


def a_pending_scan(request: ScanRequest | None = None, **fields: Any) -> Pending:
    """A scan that waits for approval."""
    change = transitions.put_off(a_submission(request=request), "needs approval", a_mark("admission"))
    return _made(Pending, change, fields)


def a_queued_scan(request: ScanRequest | None = None, **fields: Any) -> Queued:
    """A scan that was just admitted."""
    return _made(Queued, transitions.admitted(a_submission(request=request), a_mark("admission")), fields)


def a_launching_scan(request: ScanRequest | None = None, *, intent: int | None = None, **fields: Any) -> Launching:
    """A scan that took a place on scanner `a`; with an intent once `intent` says its number there."""
    scan = _made(Launching, transitions.claimed(a_queued_scan(request), "a", a_lease(), a_mark()), {})
    if intent is not None:
        scan = _made(Launching, transitions.intended(scan, intent, a_mark()), {})
    return msgspec.structs.replace(scan, **fields)


def a_running_scan(request: ScanRequest | None = None, **fields: Any) -> Running:
    """A scan that runs on scanner `a` as number 42."""
    scan = a_launching_scan(request, intent=NUMBER)
    assert scan.intent is not None
    return _made(Running, transitions.runs(scan, scan.intent, a_mark()), fields)


def an_exporting_scan(request: ScanRequest | None = None, **fields: Any) -> Exporting:
    """A scan whose report is to be fetched."""
    return _made(Exporting, transitions.scanned(a_running_scan(request), a_mark("poller")), fields)


def an_export(**fields: Any) -> Export:
    """A report in the object store."""
    return Export(**{"object": "s1.1.abc", "sha256": "0" * 64, "size_bytes": 1234, **fields})


def a_validating_scan(request: ScanRequest | None = None, **fields: Any) -> Validating:
    """A scan whose report is to be read."""
    return _made(Validating, transitions.exported(an_exporting_scan(request), an_export(), a_mark("poller")), fields)


def a_stop(was: str = "running", **fields: Any) -> Stop:
    """A cancel."""
    known = {"cause": "cancel", "code": "cancelled", "why": "cancelled by me", "by": "me", "at": NOW, "was": was}
    return Stop(**{**known, **fields})


def a_stopping_scan(out_of: Launching | Running | None = None, *, stop: Stop | None = None, **fields: Any) -> Stopping:
    """A scan that is to stop; it was running unless `out_of` says otherwise."""
    scan = out_of if out_of is not None else a_running_scan()
    why = stop or a_stop("running" if isinstance(scan, Running) else "launching")
    return _made(Stopping, transitions.stopping(scan, why, a_mark("cancel")), fields)


def a_completed_scan(**fields: Any) -> Completed:
    """A scan that completed."""
    return _made(Completed, transitions.completed(a_validating_scan(), a_result(), a_mark("validator")), fields)


def a_failed_scan(out_of: AnyScan | None = None, **fields: Any) -> Failed:
    """A scan that failed; it was running unless `out_of` says otherwise."""
    return _made(Failed, transitions.failed(out_of or a_running_scan(), an_error(), a_mark("poller")), fields)


def a_dead_scan(out_of: AnyScan | None = None, **fields: Any) -> Dead:
    """A scan that was given up; its report could not be fetched unless `out_of` says otherwise."""
    return _made(Dead, transitions.dead(out_of or an_exporting_scan(), an_error(), a_mark("poller")), fields)


def an_error(code: str = "scan_aborted", message: str = "was aborted by the scanner") -> ScanError:
    """Why a scan failed."""
    return ScanError(code=code, message=message)


def every_state() -> list[AnyScan]:
    """One scan of each state, the launching and stopping ones in each of their forms."""
    return [
        a_pending_scan(),
        a_queued_scan(),
        a_launching_scan(),
        a_launching_scan(intent=NUMBER),
        a_running_scan(),
        an_exporting_scan(),
        a_validating_scan(),
        a_stopping_scan(),
        a_stopping_scan(a_launching_scan()),
        a_stopping_scan(a_launching_scan(intent=NUMBER)),
        a_completed_scan(),
        a_failed_scan(),
        a_dead_scan(),
    ]


def a_result(
    status: AuthenticationStatus = AuthenticationStatus.NOT_APPLICABLE,
    *,
    coverage: float | None = None,
    hosts_scanned: int = 1,
    **fields: Any,
) -> Result:
    """What a whole report said."""
    known = {
        "valid": True,
        "authentication_status": status,
        "reason": "no_credentials",
        "validation_stats": ValidationStats(coverage=coverage),
        "results_summary": ResultsSummary(hosts_scanned=hosts_scanned),
    }
    return Result(**{**known, **fields})


def a_progress(activity: Activity = Activity.RUNNING, **fields: Any) -> Progress:
    """A scan half-way on its scanner."""
    return Progress(**{"activity": activity, "status": activity.value, "percent": 50, "runs": 1, **fields})


def a_health(**fields: Any) -> Health:
    """A scanner that is well."""
    return Health(**{"ready": True, "checked_at": NOW, "last_seen": NOW, "can_launch": True, **fields})


def a_candidate(name: str = "a", *, capacity: int = 2, taken: int = 0, **fields: Any) -> Candidate:
    """A scanner with free places that is ready."""
    load = Load(capacity=capacity, holders=tuple(f"other-{n}" for n in range(taken)))
    return Candidate(**{"name": name, "enabled": True, "load": load, "health": a_health(), **fields})


def some_rules(**fields: Any) -> PoolRules:
    """A pool of two scanners and a credential that allows every target."""
    known = {
        "scanners": (
            ScannerRule(name="a", kind="nessus", capacity=2),
            ScannerRule(name="off", kind="nessus", capacity=2, enabled=False),
        ),
        "credentials": (CredentialRule(id="linux", kind="ssh_password"),),
    }
    return PoolRules(**{**known, **fields})


def _made(kind: type[_S], change: Change, fields: dict[str, Any]) -> _S:
    assert isinstance(change.scan, kind)
    return msgspec.structs.replace(change.scan, **fields)
