"""The result of a report: verdict, counts, warnings, advice, and the hosts with what decided their verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scanpool.cli.frame.untrusted import shown
from scanpool.cli.views.elements import (
    SEVERITY_STYLES,
    Cell,
    counted,
    facts,
    table,
    verdict_text,
    when,
)
from scanpool_schemas.result import HostVerdict, LoginVerdict, Result, ResultsSummary, ValidationStats

_NEEDS_NO_LOOK = frozenset({LoginVerdict.AUTH, LoginVerdict.AGENT})


def result_view(result: Result, *, all_hosts: bool) -> RenderableType:
    """The result; of its hosts all, or those alone that need a look."""
    if result.error is not None:
        return facts([("valid", Text("no", "bold red")), ("error", f"{result.error.code}: {result.error.message}")])
    return Group(*_with_space_between(_sections(result, all_hosts=all_hosts)))


def _sections(result: Result, *, all_hosts: bool) -> Iterator[RenderableType]:
    yield facts([*_verdict(result), *_summary(result.results_summary)])
    if result.validation_warnings:
        rows = [(warning.code, str(warning.hosts or ""), warning.message) for warning in result.validation_warnings]
        yield table(("warning", "hosts", "meaning"), rows)
    for advice in result.troubleshooting:
        yield Group(
            shown(f"{counted(advice.hosts, 'host')}: {advice.reason}", "bold"),
            shown(f"  {advice.likely_cause}"),
            *(shown(f"  - {step}") for step in advice.next_steps),
        )
    yield from _hosts(result, all_hosts=all_hosts)


def _hosts(result: Result, *, all_hosts: bool) -> Iterator[RenderableType]:
    chosen = [host for host in result.hosts if all_hosts or host.verdict not in _NEEDS_NO_LOOK]
    if chosen:
        yield _host_table(chosen)
    left_out = len(result.hosts) - len(chosen)
    if left_out:
        yield shown(f"{counted(left_out, 'host')} with a login that worked not shown.", "dim")
    if result.hosts_omitted:
        yield shown(f"{counted(result.hosts_omitted, 'host')} for which a result has no room.", "dim")


def _host_table(hosts: Sequence[HostVerdict]) -> Table:
    columns = ("host", "address", "login", "by", "reason", "evidence")
    rows = [
        (
            host.host,
            host.address if host.address != host.host else "",
            verdict_text(host.verdict),
            host.method,
            host.reason,
            host.evidence,
        )
        for host in hosts
    ]
    return table(columns, rows)


def _verdict(result: Result) -> list[tuple[str, Cell]]:
    stats = result.validation_stats
    return [
        ("valid", Text("yes", "green") if result.valid else Text("no", "bold red")),
        ("login", verdict_text(result.authentication_status)),
        ("reason", f"{result.reason}: {result.message}"),
        ("coverage", _coverage(stats)),
        ("hosts", _host_counts(stats)),
    ]


def _coverage(stats: ValidationStats) -> str:
    if stats.coverage is None:
        return ""
    asked = "with the privileges that were asked for" if stats.privileged else "logged in to"
    return f"{stats.coverage:.0%}: {stats.hosts_covered:,} of {counted(stats.hosts_counted, 'host')} {asked}"


def _host_counts(stats: ValidationStats) -> str:
    hosts = stats.hosts
    parts = (
        ("authenticated", hosts.authenticated),
        ("limited", hosts.limited),
        ("login only", hosts.login_only),
        ("not authenticated", hosts.not_authenticated),
        ("the scanner itself", hosts.local),
        ("unknown", hosts.unknown),
        ("not scanned", hosts.not_scanned),
    )
    return f"{hosts.total:,}: " + ", ".join(f"{number:,} {name}" for name, number in parts if number)


def _summary(summary: ResultsSummary) -> list[tuple[str, Cell]]:
    compliance = summary.compliance
    results = (
        ("passed", compliance.passed),
        ("failed", compliance.failed),
        ("warning", compliance.warning),
        ("error", compliance.error),
        ("skipped", compliance.skipped),
        ("other", compliance.other),
    )
    return [
        ("findings", _severities(summary)),
        ("compliance", ", ".join(f"{number:,} {name}" for name, number in results if number)),
        ("report", summary.report_name),
        ("policy", summary.policy_name),
        ("scanner", _scanner(summary)),
        ("began", when(summary.started_at) or summary.started_local),
        ("ended", when(summary.ended_at) or summary.ended_local),
        ("size", f"{summary.size_bytes:,} bytes"),
        ("sha256", summary.sha256),
    ]


def _severities(summary: ResultsSummary) -> Text:
    severity = summary.severity
    counts = {
        "critical": severity.critical,
        "high": severity.high,
        "medium": severity.medium,
        "low": severity.low,
        "info": severity.info,
        "unrated": severity.unrated,
    }
    text = Text(f"{summary.items:,}: ")
    for place, (name, number) in enumerate((name, number) for name, number in counts.items() if number):
        text.append(", " if place else "").append(f"{number:,} {name}", SEVERITY_STYLES.get(name, ""))
    return text


def _scanner(summary: ResultsSummary) -> str:
    version = f"Nessus {summary.scanner_version}" if summary.scanner_version else ""
    feed = f"plugins {summary.plugin_feed}" if summary.plugin_feed else ""
    return ", ".join(part for part in (version, feed) if part)


def _with_space_between(sections: Iterator[RenderableType]) -> Iterator[RenderableType]:
    for place, section in enumerate(sections):
        if place:
            yield Text()
        yield section
