"""The report as a file: one piece of text per host, so that none is ever whole in memory."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from scanpool.emulator.reports.host_report import items, properties
from scanpool.emulator.reports.model import HostRun, Plugin, ScanRun
from scanpool.emulator.reports.policy import policy
from scanpool.emulator.reports.xml import attribute, item, text

ROOT = "NessusClientData_v2"


def pieces(run: ScanRun) -> Iterator[bytes]:
    """The file in order, each piece small enough to be made without holding anybody up."""
    yield (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{ROOT}>\n{policy(run)}'
        f'<Report name={attribute(run.scan_name)} xmlns:cm="http://www.nessus.org/cm">\n'
    ).encode()
    for host in run.hosts:
        yield _host(run, host).encode()
    yield f"</Report>\n</{ROOT}>\n".encode()


def _host(run: ScanRun, host: HostRun) -> str:
    tags = "".join(
        f"<tag name={attribute(name)}>{text(value)}</tag>\n" for name, value in properties(run, host).items()
    )
    reported = "".join(item(one) for one in items(run, host))
    return (
        f"<ReportHost name={attribute(host.label)}><HostProperties>\n{tags}</HostProperties>\n{reported}</ReportHost>\n"
    )


@dataclass(frozen=True)
class HostSummary:
    """What the scan details say of a host: its vulnerabilities by severity, and by plugin."""

    by_severity: tuple[int, int, int, int, int]
    by_plugin: Counter[Plugin]


def summary(run: ScanRun, host: HostRun) -> HostSummary:
    """Count the items of a host, compliance apart."""
    counted = [one for one in items(run, host) if one.compliance is None]
    severities = Counter(one.severity for one in counted)
    return HostSummary(
        by_severity=(severities[0], severities[1], severities[2], severities[3], severities[4]),
        by_plugin=Counter(one.plugin for one in counted),
    )
