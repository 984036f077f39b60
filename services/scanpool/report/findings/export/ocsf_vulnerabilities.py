"""The vulnerabilities of a finding as OCSF writes them: each has a CVE, or a weakness, or an advisory. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scanpool.report.findings.export.references import cves, cvss2_vector, cvss3_vector, cwes, urls

VULNERABILITY = (
    *("plugin_name", "severity_name", "cve", "cwe", "xref", "see_also", "cvss_base_score", "cvss_vector"),
    *("cvss_temporal_score", "cvss3_base_score", "cvss3_vector", "cvss3_temporal_score", "cvss4_base_score"),
    *("cvss4_vector", "epss_score", "exploit_available", "synopsis", "description", "solution"),
)
"""The fields of a finding that are looked at."""


def vulnerabilities(row: Mapping[str, Any], rule: str) -> list[dict[str, Any]]:
    """One for each CVE; without one, one for each weakness; without that, the plugin as an advisory.

    The addresses stand with the first: a finding may have a thousand CVEs and as many addresses.
    """
    common = _common(row)
    scores, weaknesses = _scores(row), [{"uid": f"CWE-{number}"} for number in cwes(row)]
    found = [_cve(row, name, scores, weaknesses) for name in cves(row)] or [{"cwe": each} for each in weaknesses]
    alone = {"advisory": {"uid": rule, "title": row["plugin_name"] or rule}}
    every = [{**each, **common} for each in found or [alone]]
    addresses = urls(row)
    return [{**every[0], "references": addresses}, *every[1:]] if addresses else every


def _common(row: Mapping[str, Any]) -> dict[str, Any]:
    solution = row["solution"]
    return {
        "title": row["plugin_name"],
        "severity": row["severity_name"],
        "vendor_name": "Tenable",
        "is_exploit_available": row["exploit_available"],
        **({"remediation": {"desc": solution}} if solution else {}),
        **({"desc": row["synopsis"]} if row["synopsis"] else {}),
    }


def _cve(
    row: Mapping[str, Any], name: str, scores: list[dict[str, Any]], weaknesses: list[dict[str, Any]]
) -> dict[str, Any]:
    chance = row["epss_score"]
    return {
        "cve": {
            "uid": name,
            **({"cvss": scores} if scores else {}),
            **({"epss": {"score": f"{chance}"}} if chance is not None else {}),
            **({"related_cwes": weaknesses} if weaknesses else {}),
        }
    }


def _scores(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    vector3 = cvss3_vector(row)
    version3 = vector3[len("CVSS:") : len("CVSS:3.0")] if vector3 else "3.0"
    found = (
        ("4.0", row["cvss4_base_score"], row["cvss4_vector"], None),
        (version3, row["cvss3_base_score"], vector3, row["cvss3_temporal_score"]),
        ("2.0", row["cvss_base_score"], cvss2_vector(row), row["cvss_temporal_score"]),
    )
    return [_score(*each) for each in found if each[1] is not None]


def _score(version: str, base: float, vector: str | None, overall: float | None) -> dict[str, Any]:
    return {
        "version": version,
        "base_score": base,
        "depth": "Base" if overall is None else "Temporal",
        **({"overall_score": overall} if overall is not None else {}),
        **({"vector_string": vector} if vector else {}),
    }
