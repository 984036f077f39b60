"""Findings as SARIF 2.1.0 (OASIS): one run, whose tool is the scanner; a plugin is a rule, a finding a result.

The results come first and the rules after them, so that one reading is enough: members of an object have no order.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

from scanpool.report.findings.choosing import AnyFilters
from scanpool.report.findings.export import sarif_rules as rules
from scanpool.report.findings.export.identifiers import check_rule, finding_fingerprint, plugin_rule, result_fingerprint
from scanpool.report.findings.export.json_document import elements, opened
from scanpool.report.findings.export.origin import Origin, origin
from scanpool.report.findings.export.sarif_texts import location, message
from scanpool.report.findings.filters import Filters
from scanpool.report.findings.jsonlines import line
from scanpool.report.findings.profiles import compliance_fields, finding_fields
from scanpool.report.findings.query import BATCH, every_finding, every_result
from scanpool.report.findings.records import ComplianceRecords, FindingRecords
from scanpool.report.findings.store import Store

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "scanpoolFinding/v1"

LEVELS: Mapping[int | None, tuple[str, str]] = {
    4: ("fail", "error"),
    3: ("fail", "error"),
    2: ("fail", "warning"),
    1: ("fail", "note"),
    0: ("informational", "none"),
    None: ("review", "none"),
}
"""Kind and level by severity; what is no failure has level none, and what is unrated is for a person to look at."""
RESULTS: Mapping[str, tuple[str, str]] = {
    "PASSED": ("pass", "none"),
    "FAILED": ("fail", "error"),
    "WARNING": ("fail", "warning"),
    "ERROR": ("open", "none"),
    "SKIPPED": ("notApplicable", "none"),
}
"""Kind and level by compliance result; any other word is for a person to look at."""
_OTHER = ("review", "none")
_PLACE = ("rank", "host", "host_ip", "host_fqdn", "plugin_id")
_FINDING = (
    *(*_PLACE, "port", "protocol", "svc_name", "plugin_name", "severity", "severity_name", "cvss_score"),
    *("vpr_score", "epss_score", "synopsis", "plugin_output"),
)
_CHECK = (*_PLACE, "check_name", "check_id", "result", "actual_value", "policy_value", "output", "error")


def lines(store: Store, filters: AnyFilters) -> Iterator[bytes]:
    """The document, piece by piece.

    Raises:
        NotAFindingsFile: the file is damaged.
    """
    source = origin(store)
    yield b'{"$schema":' + line(SCHEMA)[:-1] + b',"version":"2.1.0","runs":['
    yield opened(_run(source), "results")
    seen = _Rules(check_rule if not isinstance(filters, Filters) else plugin_rule)
    yield from elements(_results(store, filters, seen))
    yield b'],"tool":{"driver":' + opened(_driver(source), "rules")
    yield from elements(_rules(store, filters, seen.ranks))
    yield b"]}}}]}\n"


class _Rules:
    """Which rules came, in order: their places, and of each the first rank, which it is described by."""

    def __init__(self, name: Callable[[Mapping[str, Any]], str]) -> None:
        self._name = name
        self._places: dict[str, int] = {}
        self.ranks = array("q")

    def place(self, row: Mapping[str, Any]) -> tuple[str, int]:
        """The rule of a row, and its place among the rules."""
        name = self._name(row)
        place = self._places.setdefault(name, len(self._places))
        if place == len(self.ranks):
            self.ranks.append(row["rank"])
        return name, place


def _results(store: Store, filters: AnyFilters, seen: _Rules) -> Iterator[dict[str, Any]]:
    if isinstance(filters, Filters):
        return (_finding(row, *seen.place(row)) for row in every_finding(store, filters, _FINDING))
    return (_result(row, *seen.place(row)) for row in every_result(store, filters, _CHECK))


def _rules(store: Store, filters: AnyFilters, ranks: array[int]) -> Iterator[dict[str, Any]]:
    findings = isinstance(filters, Filters)
    for start in range(0, len(ranks), BATCH):
        some = ranks[start : start + BATCH].tolist()
        if findings:
            yield from map(rules.of_plugin, FindingRecords(store, finding_fields(rules.PLUGIN)).of(some))
        else:
            yield from map(rules.of_check, ComplianceRecords(store, compliance_fields(rules.CHECK)).of(some))


def _finding(row: Mapping[str, Any], rule: str, place: int) -> dict[str, Any]:
    kind, level = LEVELS[row["severity"]]
    rank = {} if row["cvss_score"] is None else {"rank": min(row["cvss_score"] * 10, 100.0)}
    shown = ("host", "host_ip", "port", "protocol", "svc_name", "cvss_score", "vpr_score", "epss_score")
    properties = {"severity": row["severity_name"], **_said(row, (*shown, "plugin_output"))}
    return {
        "ruleId": rule,
        "ruleIndex": place,
        "kind": kind,
        "level": level,
        **rank,
        "message": message(row["synopsis"] or row["plugin_name"] or rule),
        "locations": [location(row, row["port"], row["protocol"])],
        "partialFingerprints": {FINGERPRINT: finding_fingerprint(row)},
        "properties": properties,
    }


def _result(row: Mapping[str, Any], rule: str, place: int) -> dict[str, Any]:
    kind, level = RESULTS.get(row["result"], _OTHER)
    shown = ("host", "host_ip", "actual_value", "policy_value", "output", "error")
    return {
        "ruleId": rule,
        "ruleIndex": place,
        "kind": kind,
        "level": level,
        "message": message(f"{row['check_name'] or rule}: {row['result'] or 'without a result'}"),
        "locations": [location(row, 0, "")],
        "partialFingerprints": {FINGERPRINT: result_fingerprint(row)},
        "properties": {"result": row["result"], **_said(row, shown)},
    }


def _said(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: row[name] for name in names if row[name] not in (None, "")}


def _run(source: Origin) -> dict[str, Any]:
    scan, summary = source.scan, source.result.results_summary
    named = {"id": f"scanpool/{scan.pool}/{scan.id}/{scan.run}"} if scan.id else {"id": "scanpool/"}
    times = {"startTimeUtc": summary.started_at, "endTimeUtc": summary.ended_at}
    known = {name: time.strftime("%Y-%m-%dT%H:%M:%SZ") for name, time in times.items() if time}
    about = {"pool": scan.pool, "name": scan.name, "report": summary.report_name, "pluginFeed": summary.plugin_feed}
    return {
        "automationDetails": named,
        "conversion": {"tool": {"driver": {"name": "scanpool", "version": version("scanpool")}}},
        "invocations": [{"executionSuccessful": True, **known}],
        "properties": {name: text for name, text in about.items() if text},
    }


def _driver(source: Origin) -> dict[str, Any]:
    scanner = source.result.results_summary.scanner_version
    return {"name": "Nessus", "organization": "Tenable", **({"version": scanner} if scanner else {})}
