"""How far the results of a scan can be believed, in words of our own. No I/O."""

from __future__ import annotations

import re

from scanpool.bridge.answering.models.results import Standing
from scanpool_schemas.result import AuthenticationStatus, Credentials, Result
from scanpool_schemas.status import ScanStatus

_CODE = re.compile(r"[a-z0-9_]{1,64}")


def standing(status: ScanStatus) -> Standing:
    """What stands in every answer about the scan's results."""
    return Standing(
        task_id=status.id,
        scan_status=status.status,
        authentication_status=status.authentication_status,
        partial=status.status != "completed",
        warning=" ".join(_warnings(status)) or None,
    )


def error_code(status: ScanStatus) -> str | None:
    """The code of the scan's error, where it has the form of one."""
    code = status.error.code if status.error is not None else ""
    return code if _CODE.fullmatch(code) else None


def _warnings(status: ScanStatus) -> list[str]:
    found = []
    if status.status != "completed":
        code = error_code(status)
        ended = f"{status.status} ({code})" if code else status.status
        found.append(f"The scan ended as {ended}: there may be more than was found.")
    if status.result is not None:
        found += _of_result(status.result)
    return found


def _of_result(result: Result) -> list[str]:
    found = [_of_login(result)]
    if not result.results_summary.hosts_scanned:
        found.append("No host was scanned: that nothing was found proves nothing.")
    codes = [each.code for each in result.validation_warnings if _CODE.fullmatch(each.code)]
    if codes:
        found.append(f"The report has warnings: {', '.join(dict.fromkeys(codes))}.")
    return [each for each in found if each]


def _of_login(result: Result) -> str:
    stats = result.validation_stats
    match result.authentication_status:
        case AuthenticationStatus.FAILED:
            return "The login failed on every host: only what shows outside was checked. Few findings prove little."
        case AuthenticationStatus.PARTIAL:
            covered = f"{stats.hosts_covered} of {stats.hosts_counted} hosts"
            return (
                f"The login worked as deeply as was asked for on {covered}: elsewhere vulnerabilities may be missing."
            )
        case AuthenticationStatus.UNKNOWN if stats.credentials != Credentials.NOT_SUPPLIED:
            return "Whether the login worked is not known: vulnerabilities that show only inside may be missing."
        case _:
            return ""
