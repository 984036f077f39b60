"""What DefectDojo's parser "Generic Findings Import" takes: a contract, written down from its documentation and source.

Version 3.2.0 (github.com/DefectDojo/django-DefectDojo, commit 7cfa159a6767b0ac6e66f3b1597a997e607e7308):
docs/content/supported_tools/parsers/file/generic.md, dojo/tools/generic/json_parser.py, dojo/finding/models.py,
dojo/test/models.py, dojo/endpoint/models.py, dojo/url/models.py, dojo/tools/locations.py. The names of fields, their
types and bounds are facts of that version; those that no documentation tells were found by imports into it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

REQUIRED: Mapping[str, Any] = {"title": str, "severity": str, "description": str}
_BY_KIND: Mapping[type, tuple[str, ...]] = {
    str: (
        *("date", "cve", "cvssv3", "cvssv4", "mitigation", "impact", "steps_to_reproduce"),
        *("severity_justification", "references", "mitigated", "numerical_severity", "param", "payload"),
        *("file_path", "component_name", "component_version", "unique_id_from_tool", "vuln_id_from_tool"),
        *("sast_source_object", "sast_sink_object", "sast_source_file_path", "publish_date", "service"),
        *("planned_remediation_date", "planned_remediation_version", "effort_for_fixing", "kev_date"),
        "fix_version",
    ),
    int: ("cwe", "thread_id", "line", "scanner_confidence", "sast_source_line", "nb_occurences"),
    list: ("vulnerability_ids", "tags", "endpoints", "files", "cwes"),
    float: ("epss_score", "epss_percentile", "cvssv3_score", "cvssv4_score"),
    bool: (
        *("active", "verified", "false_p", "out_of_scope", "risk_accepted", "under_review", "is_mitigated"),
        *("static_finding", "dynamic_finding", "known_exploited", "ransomware_used", "fix_available"),
    ),
}
OPTIONAL: Mapping[str, Any] = {name: kind for kind, names in _BY_KIND.items() for name in names}
"""The parser refuses a document in which a finding has any other field."""
OF_EVERY_RELEASE = frozenset(
    (
        *("date", "cwe", "cve", "epss_score", "cvssv3", "cvssv3_score", "mitigation", "impact", "steps_to_reproduce"),
        *("references", "active", "verified", "static_finding", "dynamic_finding", "unique_id_from_tool"),
        *("vuln_id_from_tool", "endpoints", "tags", "vulnerability_ids"),
    )
)
"""Those of them that the releases of the last years take too."""
SEVERITIES = ("Info", "Low", "Medium", "High", "Critical")
LONGEST = {"title": 511, "unique_id_from_tool": 500, "vuln_id_from_tool": 500, "cve": 50, "cvssv3": 117}
HIGHEST = {"epss_score": 1.0, "epss_percentile": 1.0, "cvssv3_score": 10.0, "cvssv4_score": 10.0, "cwe": 2**31 - 1}
DATES = ("date", "mitigated", "publish_date", "planned_remediation_date", "kev_date")
LAST_YEAR = 9900
"""To a date up to 120 days are added, or as many as somebody has set there, and the year 10000 fails the import."""
MOST_SEARCHED_CHARS = {"description": 100_000, "steps_to_reproduce": 400_000}
"""More may have more different words than PostgreSQL puts into a search vector: 1,048,575 bytes."""
LISTS_OF_TEXTS = ("tags", "vulnerability_ids", "cwes")
ENDPOINT: Mapping[str, Any] = {"host": str, "port": int, "protocol": str, "path": str, "query": str, "fragment": str}
"""What both kinds of places take, endpoints and the locations that replace them; a user is not called the same."""
TEST = {"name", "type", "version", "description", "static_tool", "dynamic_tool", "soc", "findings"}
LONGEST_VERSION = 100
_PROTOCOL = re.compile(r"[A-Za-z][A-Za-z0-9.+-]{1,9}")
_HOST = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9_.+-]{1,499}")


def name_of_test_type(document: Mapping[str, Any]) -> str:
    """What the test type is called that an import of the document makes."""
    return f"{document['type']} Scan (Generic Findings Import)"


def mistakes(document: Mapping[str, Any]) -> list[str]:
    """Everything for which an import would fail or lose something; empty where nothing is."""
    found = [f"{name}: unknown" for name in document.keys() - TEST]
    if len(document.get("version", "")) > LONGEST_VERSION:
        found.append("version: too long")
    return [*found, *(each for finding in document["findings"] for each in _of_finding(finding))]


def _of_finding(finding: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{name}: missing" for name in REQUIRED if not finding.get(name))
    for name, value in finding.items():
        yield from _of_field(name, value)
    if _chars_with_capitals(finding.get("title", "")) > LONGEST["title"]:
        yield "title: too long with capitals"
    if finding.get("severity") not in SEVERITIES:
        yield f"severity: {finding.get('severity')!r}"
    if "cve" in finding and "vulnerability_ids" in finding:
        yield "cve and vulnerability_ids: the parser puts one into the other"
    for endpoint in finding.get("endpoints", ()):
        yield from _of_endpoint(endpoint)


def _of_field(name: str, value: Any) -> Iterator[str]:
    kind = {**REQUIRED, **OPTIONAL}.get(name)
    if kind is None:
        yield f"{name}: not allowed"
    elif type(value) is not kind:
        yield f"{name}: {value!r} is no {kind.__name__}"
    elif len(str(value)) > {**LONGEST, **MOST_SEARCHED_CHARS}.get(name, len(str(value))):
        yield f"{name}: too long"
    elif name in HIGHEST and not 0 <= value <= HIGHEST[name]:
        yield f"{name}: {value!r} is out of its range"
    elif isinstance(value, str) and "\0" in value:
        yield f"{name}: PostgreSQL takes no NUL"
    elif name in DATES and not _is_date(value):
        yield f"{name}: {value!r} is no date"
    elif name in LISTS_OF_TEXTS and not all(isinstance(each, str) for each in value):
        yield f"{name}: {value!r} is no list of texts"


def _is_date(text: str) -> bool:
    """ISO 8601 is one of the forms that the parser takes, and the only one that means the same everywhere."""
    try:
        return date.fromisoformat(text[:10]).year <= LAST_YEAR
    except ValueError:
        return False


def _chars_with_capitals(title: str) -> int:
    """The most that a title has once its words begin with capitals, after it was cut there: `ß` becomes `SS`."""
    return sum(max(len(letter.upper()), len(letter.lower())) for letter in title)


def _of_endpoint(endpoint: Mapping[str, Any]) -> Iterator[str]:
    """Of the two forms, a text with an address and an object with its parts, we write the second."""
    yield from (f"endpoints.{name}" for name, value in endpoint.items() if type(value) is not ENDPOINT.get(name))
    if not _is_host(endpoint.get("host", "")):
        yield f"endpoints.host: {endpoint.get('host')!r}"
    if not 0 <= endpoint.get("port", 0) < 65536:
        yield f"endpoints.port: {endpoint['port']!r}"
    if not _PROTOCOL.fullmatch(endpoint.get("protocol", "tcp")):
        yield f"endpoints.protocol: {endpoint['protocol']!r}"


def _is_host(name: str) -> bool:
    if _HOST.fullmatch(name):
        return True
    try:
        return "%" not in str(ipaddress.ip_address(name))
    except ValueError:
        return False
