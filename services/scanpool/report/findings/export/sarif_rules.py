"""Plugins and compliance checks as rules of SARIF. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scanpool.report.findings.export.identifiers import check_rule, plugin_rule
from scanpool.report.findings.export.references import cves, cwes, urls, web_addresses
from scanpool.report.findings.export.sarif_texts import message

PLUGIN = (
    *("rank", "plugin_id", "plugin_name", "plugin_family", "severity", "severity_name", "cve", "cwe", "xref"),
    *("see_also", "cvss_score", "cvss_base_score", "cvss_vector", "cvss3_base_score", "cvss3_vector"),
    *("cvss4_base_score", "cvss4_vector", "vpr_score", "epss_score", "exploit_available", "known_exploited"),
    *("synopsis", "description", "solution", "risk_factor", "plugin_publication_date", "plugin_modification_date"),
)
"""The fields of a finding that say what its rule is."""
CHECK = (
    *("rank", "plugin_id", "plugin_family", "check_name", "check_id", "info", "solution", "reference", "see_also"),
    *("description", "audit_file"),
)
_KEPT = (
    *("cvss_base_score", "cvss_vector", "cvss3_base_score", "cvss3_vector", "cvss4_base_score", "cvss4_vector"),
    *("vpr_score", "epss_score", "exploit_available", "known_exploited", "risk_factor", "plugin_publication_date"),
    "plugin_modification_date",
)


def of_plugin(row: Mapping[str, Any]) -> dict[str, Any]:
    """The rule of a finding's plugin, with the severity of this finding."""
    addresses, numbers = urls(row), cwes(row)
    properties = {name: row[name] for name in _KEPT if row[name] is not None}
    rated = row["severity"] and row["cvss_score"] is not None
    return {
        "id": plugin_rule(row),
        **_texts(name=row["plugin_name"], full=row["description"] or row["synopsis"], remedy=row["solution"]),
        **({"helpUri": addresses[0]} if addresses else {}),
        "properties": {
            "tags": ["security", *(f"external/cwe/cwe-{number}" for number in numbers)],
            **({"security-severity": f"{row['cvss_score']:.1f}"} if rated else {}),
            "severity": row["severity_name"],
            "family": row["plugin_family"],
            "cve": cves(row),
            "cwe": [f"CWE-{number}" for number in numbers],
            "xref": row["xref"],
            "references": addresses,
            **properties,
        },
    }


def of_check(row: Mapping[str, Any]) -> dict[str, Any]:
    """The rule of a result's check."""
    addresses = web_addresses((row["see_also"] or "").split())
    properties = {"check_id": row["check_id"], "family": row["plugin_family"], "reference": row["reference"]}
    return {
        "id": check_rule(row),
        **_texts(name=row["check_name"], full=row["info"] or row["description"], remedy=row["solution"]),
        **({"helpUri": addresses[0]} if addresses else {}),
        "properties": {"tags": ["compliance"], **{key: text for key, text in properties.items() if text}},
    }


def _texts(*, name: str, full: str | None, remedy: str | None) -> dict[str, Any]:
    texts = {"shortDescription": name, "fullDescription": full, "help": remedy}
    return {key: message(text) for key, text in texts.items() if text}
