"""What DefectDojo's parser "Generic Findings Import" takes, as its documentation and its JSON parser say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

REQUIRED = {"title": str, "severity": str, "description": str}
OPTIONAL: Mapping[str, Any] = {
    "date": str,
    "cwe": int,
    "cve": str,
    "epss_score": float,
    "cvssv3": str,
    "cvssv3_score": float,
    "mitigation": str,
    "impact": str,
    "steps_to_reproduce": str,
    "references": str,
    "active": bool,
    "verified": bool,
    "static_finding": bool,
    "dynamic_finding": bool,
    "unique_id_from_tool": str,
    "vuln_id_from_tool": str,
    "endpoints": list,
    "tags": list,
    "vulnerability_ids": list,
}
"""Of the fields that the parser allows those that every release of the last years does; it refuses any other."""
SEVERITIES = ("Info", "Low", "Medium", "High", "Critical")
LONGEST = {"title": 511, "unique_id_from_tool": 500, "vuln_id_from_tool": 500, "cve": 50, "cvssv3": 117}
ENDPOINT: Mapping[str, Any] = {"host": str, "port": int, "protocol": str}
TEST = {"name", "type", "version", "description", "static_tool", "dynamic_tool", "findings"}


def mistakes(document: Mapping[str, Any]) -> list[str]:
    """Everything for which an import would fail or lose something; empty where nothing is."""
    unknown = [f"{name}: unknown" for name in document.keys() - TEST]
    return [*unknown, *(each for finding in document["findings"] for each in _of_finding(finding))]


def _of_finding(finding: Mapping[str, Any]) -> Iterator[str]:
    kinds = {**REQUIRED, **OPTIONAL}
    yield from (f"{name}: missing" for name in REQUIRED if not finding.get(name))
    for name, value in finding.items():
        if name not in kinds:
            yield f"{name}: not allowed"
        elif type(value) is not kinds[name]:
            yield f"{name}: {value!r} is no {kinds[name].__name__}"
        elif len(str(value)) > LONGEST.get(name, len(str(value))):
            yield f"{name}: too long"
        elif isinstance(value, str) and "\0" in value:
            yield f"{name}: PostgreSQL takes no NUL"
    if finding["severity"] not in SEVERITIES:
        yield f"severity: {finding['severity']!r}"
    if "cve" in finding and "vulnerability_ids" in finding:
        yield "cve and vulnerability_ids: the parser puts one into the other"
    date.fromisoformat(finding.get("date", "2025-01-01"))
    for endpoint in finding.get("endpoints", ()):
        yield from (f"endpoints.{name}" for name, value in endpoint.items() if type(value) is not ENDPOINT.get(name))
