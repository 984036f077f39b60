"""Findings as events of the Open Cybersecurity Schema Framework 1.8.0, one JSON object a line.

A finding is a Vulnerability Finding (class 2002), a compliance result a Compliance Finding (2003). What the schema has
no place for stands in `unmapped`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from scanpool.report.findings.choosing import AnyFilters
from scanpool.report.findings.export.identifiers import (
    check_rule,
    digest,
    finding_fingerprint,
    host_name,
    plugin_rule,
    result_fingerprint,
)
from scanpool.report.findings.export.moments import Moments
from scanpool.report.findings.export.ocsf_vulnerabilities import VULNERABILITY, vulnerabilities
from scanpool.report.findings.export.origin import Origin, origin
from scanpool.report.findings.filters import Filters
from scanpool.report.findings.jsonlines import line
from scanpool.report.findings.query import every_finding, every_result
from scanpool.report.findings.store import Store

VERSION = "1.8.0"
_CLASSES: Mapping[int, str] = {2002: "Vulnerability Finding", 2003: "Compliance Finding"}
_CREATE = 1

SEVERITIES: Mapping[int | None, tuple[int, str]] = {
    4: (5, "Critical"),
    3: (4, "High"),
    2: (3, "Medium"),
    1: (2, "Low"),
    0: (1, "Informational"),
    None: (0, "Unknown"),
}
RESULTS: Mapping[str, tuple[int, str, int | None]] = {
    "PASSED": (1, "Pass", 0),
    "WARNING": (2, "Warning", 2),
    "FAILED": (3, "Fail", 3),
    "ERROR": (99, "ERROR", 2),
    "SKIPPED": (99, "SKIPPED", 0),
    "": (0, "Unknown", None),
}
"""Status id and status, and the severity that Nessus gives such a result."""
_OTHER = 99
_FINDING = (
    *("host", "host_ip", "host_fqdn", "operating_system", "plugin_id", "plugin_name", "plugin_family", "severity"),
    *("port", "protocol", "svc_name", "vpr_score", "known_exploited", "plugin_output", "plugin_modification_date"),
    *VULNERABILITY,
)
_CHECK = (
    *("host", "host_ip", "host_fqdn", "operating_system", "plugin_id", "plugin_family", "check_name", "check_id"),
    *("result", "actual_value", "policy_value", "info", "solution", "reference", "output", "error", "audit_file"),
)


def lines(store: Store, filters: AnyFilters) -> Iterator[bytes]:
    """An event for each finding, or compliance result, that the filters leave.

    Raises:
        NotAFindingsFile: the file is damaged.
    """
    source, moments = origin(store), Moments(store)
    if isinstance(filters, Filters):
        events = (_finding(row, source, moments.of(row)) for row in every_finding(store, filters, _FINDING))
    else:
        events = (_result(row, source, moments.of(row)) for row in every_result(store, filters, _CHECK))
    return map(line, events)


def _finding(row: Mapping[str, Any], source: Origin, seen: datetime | None) -> dict[str, Any]:
    name, rule = row["plugin_name"] or plugin_rule(row), plugin_rule(row)
    shown = ("plugin_family", "port", "protocol", "svc_name", "vpr_score", "known_exploited", "xref", "plugin_output")
    return {
        **_event(2002, source, seen, finding_fingerprint(row)),
        **_severity(row["severity"]),
        "message": f"{name} on {host_name(row)}",
        "finding_info": {
            "uid": finding_fingerprint(row),
            "title": name,
            **_said({"desc": row["description"] or row["synopsis"]}),
            "types": [row["plugin_family"]] if row["plugin_family"] else [],
            "analytic": {"uid": rule, "name": name, "type_id": 1, "type": "Rule"},
            **({"last_seen_time": _milliseconds(seen)} if seen else {}),
        },
        "vulnerabilities": vulnerabilities(row, rule),
        "resources": [_resource(row)],
        "unmapped": _said({each: row[each] for each in shown}),
    }


def _result(row: Mapping[str, Any], source: Origin, seen: datetime | None) -> dict[str, Any]:
    name, rule = row["check_name"] or check_rule(row), check_rule(row)
    status_id, status, severity = RESULTS.get(row["result"], (_OTHER, row["result"], None))
    check = {"uid": row["check_id"] or rule, "name": name, "desc": row["info"], "status": status}
    shown = ("actual_value", "policy_value", "output", "error", "audit_file", "reference")
    return {
        **_event(2003, source, seen, result_fingerprint(row)),
        **_severity(severity),
        "message": f"{name} on {host_name(row)}: {status}",
        "finding_info": {
            "uid": result_fingerprint(row),
            "title": name,
            "types": [row["plugin_family"]] if row["plugin_family"] else [],
            "analytic": {"uid": rule, "name": name, "type_id": 1, "type": "Rule"},
        },
        "compliance": {
            "control": name,
            "status_id": status_id,
            "status": status,
            "checks": [{**_said(check), "status_id": status_id}],
        },
        **({"remediation": {"desc": row["solution"]}} if row["solution"] else {}),
        "resources": [_resource(row)],
        "unmapped": _said({each: row[each] for each in shown}),
    }


def _event(class_uid: int, source: Origin, seen: datetime | None, fingerprint: str) -> dict[str, Any]:
    scan, summary = source.scan, source.result.results_summary
    product = {"name": "Nessus", "vendor_name": "Tenable", "version": summary.scanner_version}
    correlated = {"correlation_uid": scan.id, "log_name": scan.name or summary.report_name}
    return {
        "activity_id": _CREATE,
        "activity_name": "Create",
        "category_uid": class_uid // 1000,
        "category_name": "Findings",
        "class_uid": class_uid,
        "class_name": _CLASSES[class_uid],
        "type_uid": class_uid * 100 + _CREATE,
        "type_name": f"{_CLASSES[class_uid]}: Create",
        "time": _milliseconds(seen),
        "status_id": 1,
        "status": "New",
        "metadata": {
            "version": VERSION,
            "product": _said(product),
            "uid": digest(scan.id, str(scan.run), fingerprint),
            "log_provider": "scanpool",
            **_said(correlated),
        },
    }


def _severity(severity: int | None) -> dict[str, Any]:
    number, name = SEVERITIES[severity]
    return {"severity_id": number, "severity": name}


def _resource(row: Mapping[str, Any]) -> dict[str, Any]:
    found = {"hostname": row["host_fqdn"], "ip": row["host_ip"] if _is_address(row["host_ip"]) else ""}
    name = host_name(row) or "unknown"
    role = {"role_id": 3, "role": "Affected"}
    return {"uid": name, "name": name, "type": "host", **role, **_said(found), **_system(row["operating_system"])}


def _system(name: str) -> dict[str, Any]:
    return {"tags": [{"name": "operating_system", "value": name}]} if name else {}


def _said(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in (None, "", [])}


def _milliseconds(moment: datetime | None) -> int:
    """Since 1970; 0 where nobody knows, since an event has to have a time."""
    return round(moment.timestamp() * 1000) if moment else 0


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
