"""Reports as other people's readers see them."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path
from typing import Any, TypeAlias

from tenable.reports.nessusv2 import NessusReportv2

from scanpool.report.host import COMPLIANCE_NAMESPACE

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its patterns are older than Python's warnings
    import nessus_file_reader as nfr

Finding: TypeAlias = tuple[str, int | None, int | None]
"""Host, plugin, severity."""
_COMPLIANCE = f"{{{COMPLIANCE_NAMESPACE}}}compliance-"
_RATED = {"None": 0, "Low": 1, "Medium": 2, "High": 3, "Critical": 4}


def by_pytenable(path: Path) -> tuple[Counter[Finding], int]:
    findings: Counter[Finding] = Counter()
    results = 0
    with path.open("rb") as file:
        for item in NessusReportv2(file):
            if f"{_COMPLIANCE}result" in item:
                results += 1
            else:
                findings[item["host-report-name"], _number(item.get("pluginID")), _severity(item)] += 1
    return findings, results


def by_nessus_file_reader(path: Path) -> tuple[Counter[Finding], int]:
    findings: Counter[Finding] = Counter()
    results = 0
    for host in nfr.scan.report_hosts(nfr.file.nessus_scan_file_root_element(str(path))):
        for item in nfr.host.report_items(host):
            if item.find(f"{_COMPLIANCE}result") is not None:
                results += 1
            else:
                risk = item.find("risk_factor")
                found = {"severity": item.get("severity"), "risk_factor": None if risk is None else risk.text}
                findings[nfr.host.report_host_name(host), _number(item.get("pluginID")), _severity(found)] += 1
    return findings, results


def _number(text: Any) -> int | None:
    return int(text) if text is not None and str(text).isdigit() else None


def _severity(item: dict[str, Any]) -> int | None:
    """Where an item has no severity its risk factor counts: no reader but ours has that rule."""
    severity = _number(item.get("severity"))
    return severity if severity in range(5) else _RATED.get((item.get("risk_factor") or "").strip())
