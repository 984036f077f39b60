"""Whether a scanner can work, from what it says of itself."""

from __future__ import annotations

from scanpool.scanners.nessus.licence import Licence, Permission, sentence
from scanpool.scanners.nessus.progress import number
from scanpool.scanners.nessus.replies import Number, ServerStatus
from scanpool.scanners.scanner import Readiness


def obstacle(status: ServerStatus) -> str | None:
    """Why the server is not ready, or None."""
    if status.status is None:
        return "the scanner does not say that it is ready"
    if status.status != "ready":
        return f"the scanner says {status.status[:40]!r}{_percent(status.progress)}"
    if status.plugin_data is False:
        return "the scanner has no plugins yet"
    engine = status.engine_status
    if engine is not None and engine.status not in {None, "ready"}:
        return f"its scan engine says {str(engine.status)[:40]!r}{_percent(engine.progress)}"
    return None


def _percent(progress: Number) -> str:
    value = number(progress)
    return "" if value is None else f" ({value:.0f} %)"


def ready(scanner: str, licence: Licence, permission: Permission) -> Readiness:
    """A scanner that answers, accepts us and has this licence."""
    return Readiness(
        ready=True,
        reason=_remark(scanner, licence, permission),
        can_launch=permission.launch,
        edition=licence.edition,
        version=licence.version,
        plugin_set=licence.plugin_set,
    )


def _remark(scanner: str, licence: Licence, permission: Permission) -> str:
    if permission.launch is False:
        return sentence(scanner, licence, permission.evidence)
    if permission.launch is None:
        return f"it is not known whether scans may be launched: {permission.evidence}"
    return "" if licence.scan_api is not None else f"scans may be launched, {permission.evidence}"
