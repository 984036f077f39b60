"""Findings for DefectDojo's parser "Generic Findings Import", as JSON.

Only fields that the parser has known for years are written: it refuses a document with one that it does not know. What
was printed stands in `steps_to_reproduce`, so that the title and description of a finding are the same in every scan.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import accumulate
from typing import Any

from scanpool.report.findings.choosing import AnyFilters
from scanpool.report.findings.export.identifiers import (
    check_rule,
    finding_fingerprint,
    host_name,
    plugin_rule,
    result_fingerprint,
)
from scanpool.report.findings.export.json_document import elements, opened
from scanpool.report.findings.export.moments import Moments
from scanpool.report.findings.export.origin import Origin, origin
from scanpool.report.findings.export.references import cves, cvss3_vector, cwes, urls
from scanpool.report.findings.filters import Filters
from scanpool.report.findings.query import every_finding, every_result
from scanpool.report.findings.store import Store

TYPE = "scanpool"
"""The test type there is called `scanpool Scan (Generic Findings Import)`."""
SEVERITIES: Mapping[int | None, str] = {4: "Critical", 3: "High", 2: "Medium", 1: "Low", 0: "Info", None: "Info"}
"""DefectDojo has no word for unrated: such findings carry the tag `unrated`."""
RESULTS: Mapping[str, str] = {"FAILED": "High", "WARNING": "Medium", "ERROR": "Medium"}
"""As Nessus rates them; other results are Info."""
_INACTIVE = frozenset({"PASSED", "SKIPPED"})
_TITLE_CHARS = 511
_ID_CHARS = 500
_VERSION_CHARS = 100
_TEXT_CHARS = 65_536
"""PostgreSQL refuses a finding whose title and description have more than a megabyte of different words."""
_OUTPUT_CHARS = 300_000
"""A megabyte of different words in one output keeps the other findings of an import out of the search there too."""
_LAST_YEAR = 9000
"""The days in which a finding has to be mended are added to its date there, and no date is after the year 9999."""
_HOST_NAME = re.compile(r"(?=..)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*")
_HOST_CHARS = 253
_PROTOCOL = re.compile(r"[A-Za-z]{2,10}")
_HIGHEST_PORT = 65_535
_FINDING = (
    *("host", "host_ip", "host_fqdn", "plugin_id", "plugin_name", "plugin_family", "severity", "port", "protocol"),
    *("svc_name", "cve", "cwe", "xref", "see_also", "cvss3_base_score", "cvss3_vector", "epss_score"),
    *("exploit_available", "known_exploited", "synopsis", "description", "solution", "plugin_output"),
)
_CHECK = (
    *("host", "host_ip", "host_fqdn", "plugin_id", "check_name", "check_id", "result", "actual_value"),
    *("policy_value", "info", "solution", "reference", "see_also", "output", "error"),
)


def lines(store: Store, filters: AnyFilters) -> Iterator[bytes]:
    """The document, piece by piece.

    Raises:
        NotAFindingsFile: the file is damaged.
    """
    moments = Moments(store)
    yield opened(_test(origin(store)), "findings")
    if isinstance(filters, Filters):
        yield from elements(_finding(row, moments.of(row)) for row in every_finding(store, filters, _FINDING))
    else:
        yield from elements(_result(row, moments.of(row)) for row in every_result(store, filters, _CHECK))
    yield b"]}\n"


def _test(source: Origin) -> dict[str, Any]:
    scanner = source.result.results_summary.scanner_version
    named = source.scan.name or source.result.results_summary.report_name
    return {
        "name": TYPE,
        "type": TYPE,
        **({"version": f"Nessus {scanner}"[:_VERSION_CHARS]} if scanner else {}),
        "description": _text(f"Scan {source.scan.id or named}: {named}"),
        "dynamic_tool": True,
        "static_tool": False,
    }


def _finding(row: Mapping[str, Any], seen: datetime | None) -> dict[str, Any]:
    numbers, vector = cwes(row), cvss3_vector(row)
    found = {
        "title": _title(row["plugin_name"] or f"Plugin {plugin_rule(row)}"),
        "severity": SEVERITIES[row["severity"]],
        "description": _described(row, row["synopsis"], row["description"]),
        "mitigation": _text(row["solution"] or ""),
        "impact": _text(row["synopsis"] or ""),
        "references": _text("\n".join([*urls(row), *row["xref"]])),
        "steps_to_reproduce": _fenced(row["plugin_output"] or ""),
        **_vulnerabilities(cves(row)),
        "cwe": numbers[0] if numbers else None,
        "cvssv3": vector,
        "cvssv3_score": _at_most(10, row["cvss3_base_score"]) if vector else None,
        "epss_score": _at_most(1, row["epss_score"]),
        "active": True,
        "unique_id_from_tool": finding_fingerprint(row),
        "vuln_id_from_tool": plugin_rule(row)[:_ID_CHARS],
        "endpoints": _endpoints(row, row["port"], row["protocol"]),
        "tags": _tags(row),
    }
    return _with_what_all_say(found, seen)


def _result(row: Mapping[str, Any], seen: datetime | None) -> dict[str, Any]:
    values = {name: row[name] for name in ("actual_value", "policy_value", "output", "error") if row[name]}
    found = {
        "title": _title(row["check_name"] or check_rule(row)),
        "severity": RESULTS.get(row["result"], "Info"),
        "description": _described(row, f"Compliance check: {row['check_id'] or 'without an id'}", row["info"]),
        "mitigation": _text(row["solution"] or ""),
        "references": _text("\n".join(text for text in (row["reference"], row["see_also"]) if text)),
        "steps_to_reproduce": "\n\n".join(f"{name}:\n{_fenced(text)}" for name, text in values.items()),
        "active": row["result"] not in _INACTIVE,
        "unique_id_from_tool": result_fingerprint(row),
        "vuln_id_from_tool": _text(check_rule(row))[:_ID_CHARS],
        "endpoints": _endpoints(row, 0, ""),
        "tags": [
            "compliance",
            f"compliance-{row['result'].lower()}" if row["result"].isalpha() else "compliance-other",
        ],
    }
    return _with_what_all_say(found, seen)


def _with_what_all_say(found: Mapping[str, Any], seen: datetime | None) -> dict[str, Any]:
    dated = {"date": seen.date().isoformat()} if seen and seen.year <= _LAST_YEAR else {}
    kept = {name: value for name, value in found.items() if value not in (None, "", [])}
    return {**kept, **dated, "verified": False, "dynamic_finding": True, "static_finding": False}


def _vulnerabilities(names: list[str]) -> dict[str, Any]:
    """The parser takes one in `cve`, or several in `vulnerability_ids`: both together it puts into each other."""
    return {"cve": names[0]} if len(names) == 1 else {"vulnerability_ids": names}


def _described(row: Mapping[str, Any], *paragraphs: str | None) -> str:
    where = f"Host: {_code(host_name(row))}"
    if row.get("port"):
        where += f", port {row['port']}/{_code(row['protocol'])}"
    return _text("\n\n".join([where, *(text for text in paragraphs if text)]))


def _endpoints(row: Mapping[str, Any], port: int, protocol: str) -> list[dict[str, Any]]:
    host = next((name for name in (row["host"], row["host_fqdn"], row["host_ip"]) if _is_host(name)), None)
    if host is None:
        return []
    if 0 < port <= _HIGHEST_PORT and _PROTOCOL.fullmatch(protocol):
        return [{"host": host, "port": port, "protocol": protocol}]
    return [{"host": host}]


def _is_host(name: str) -> bool:
    try:
        return "%" not in str(ipaddress.ip_address(name))
    except ValueError:
        return len(name) <= _HOST_CHARS and _HOST_NAME.fullmatch(name) is not None


def _tags(row: Mapping[str, Any]) -> list[str]:
    found = {
        "unrated": row["severity"] is None,
        "exploit-available": row["exploit_available"],
        "known-exploited": row["known_exploited"],
    }
    return [name for name, holds in found.items() if holds]


def _at_most(highest: int, value: float | None) -> float | None:
    return value if value is not None and value <= highest else None


def _title(text: str) -> str:
    """As much as has room there with capitals, which it is given: of some letters they are several."""
    begun = _text(text)[:_TITLE_CHARS]
    taken = accumulate(max(len(letter.upper()), len(letter.lower())) for letter in begun)
    return begun[: sum(1 for chars in taken if chars <= _TITLE_CHARS)]


def _code(text: str) -> str:
    return f"`{text.replace('`', ' ')}`"


def _fenced(text: str) -> str:
    """The text as Markdown shows it unchanged: within a fence that does not stand in it."""
    if not text:
        return ""
    shown = _without_nul(text)[:_OUTPUT_CHARS]
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{shown}\n{fence}"


def _text(text: str) -> str:
    return _without_nul(text)[:_TEXT_CHARS]


def _without_nul(text: str) -> str:
    """PostgreSQL has no place for it."""
    return text.replace("\0", "")
