"""What the demonstration shows: a live table while it runs, a summary when it is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from scanpool.cli.demo.plan import SCANNERS, DemoScan, Outcome
from scanpool_schemas.status import ScanStatus

_COLOURS: Mapping[str, str] = {
    "queued": "dim",
    "running": "cyan",
    "completed": "green",
    "failed": "red",
    "timeout": "yellow",
    "cancelled": "yellow",
}
_VERDICT_COLOURS: Mapping[str, str] = {
    "success": "green",
    "partial": "yellow",
    "failed": "red",
    "unknown": "red",
    "not_applicable": "dim",
}
_BAR = 10
_NAME, _STATUS, _LOGIN = 30, 13, 16
"""Widths of the summary's columns: all of it fits a terminal of 80."""


def live_table(rows: Sequence[tuple[DemoScan, ScanStatus | None]], began: datetime) -> RenderableType:
    """The scans as they are now, and what each scanner carries; fits a terminal of 80 columns."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("scan", "now", "where", "progress, login"):
        table.add_column(column, no_wrap=True)
    for scan, status in rows:
        table.add_row(*_live_row(scan, status))
    return Group(table, Text(), _load_line([status for _, status in rows if status], began))


def _live_row(scan: DemoScan, status: ScanStatus | None) -> tuple[RenderableType, ...]:
    if status is None:
        return (Text(scan.name), Text("submitted", "dim"), Text(scan.pool, "dim"), "")
    return (
        Text(scan.name),
        Text(_now(status), _COLOURS[status.status]),
        Text(status.scanner_instance or status.pool, "" if status.scanner_instance else "dim"),
        _verdict(status.authentication_status) if status.is_over else _bar(status),
    )


def _now(status: ScanStatus) -> str:
    if status.is_over:
        return _ended(status)
    return "queued" if status.status == "queued" else status.state


def _ended(status: ScanStatus) -> str:
    return "dead letter" if status.dead_letter else status.status


def _bar(status: ScanStatus) -> Text:
    if status.progress is None or status.state != "running":
        return Text("")
    full = status.progress.percent * _BAR // 100
    return Text("█" * full + "░" * (_BAR - full) + f" {status.progress.percent:3d} %", "cyan")


def _verdict(verdict: str | None) -> Text:
    return Text(verdict or "", _VERDICT_COLOURS.get(verdict or "", ""))


def _load_line(statuses: Sequence[ScanStatus], began: datetime) -> Text:
    """Each scanner's places, taken and free, by pool."""
    line, pool = Text(), ""
    holding = ("launching", "running", "stopping")
    for scanner in SCANNERS:
        if scanner.pool != pool:
            pool = scanner.pool
            line.append(f"{pool}  ", "bold")
        taken = sum(each.scanner_instance == scanner.instance and each.state in holding for each in statuses)
        line.append(f"{scanner.name} ", "dim")
        line.append("●" * taken, "cyan")
        line.append("○" * (scanner.capacity - taken) + "  ", "dim")
    line.append(f"{(datetime.now(UTC) - began).total_seconds():.0f} s", "dim")
    return line


def print_summary(console: Console, outcomes: Sequence[Outcome], most: Mapping[str, int]) -> None:
    """Every scan with its end and where it ran, and whether limits held."""
    console.print(Text(f"   {'scan':<{_NAME}}{'ended':<{_STATUS}}{'login':<{_LOGIN}}ran on", "bold"))
    for outcome in outcomes:
        console.print(_summary_line(outcome))
        console.print(Text(f"   {outcome.scan.shows}", "dim"))
    console.print()
    for scanner in SCANNERS:
        seen = most[scanner.instance]
        mark = ("ok ", "green") if seen <= scanner.capacity else ("!! ", "bold red")
        console.print(Text.assemble(mark, f"{scanner.instance}: at most {seen} at once, limit {scanner.capacity}"))


def _summary_line(outcome: Outcome) -> Text:
    status = outcome.status
    mistakes = "; ".join(outcome.mistakes())
    verdict = outcome.verdict or ""
    return Text.assemble(
        ("!! ", "bold red") if mistakes else ("ok ", "green"),
        f"{outcome.scan.name:<{_NAME}}",
        (f"{_ended(status):<{_STATUS}}", _COLOURS[status.status]),
        (f"{verdict:<{_LOGIN}}", _VERDICT_COLOURS.get(verdict, "")),
        (mistakes, "bold red") if mistakes else (status.scanner_instance or "-"),
    )


def print_how_to_keep(console: Console) -> None:
    """How to have something to look at: all of this run is gone."""
    console.print()
    console.print(Text("To look around, run `scanpool demo --keep`: it keeps running and says how.", "bold"))


def print_further(console: Console, nats_url: str, *, scan_id: str, bridge_url: str | None = None) -> None:
    """How to look further while everything keeps running."""
    console.print()
    console.print(Text("Everything keeps running until Ctrl-C. In another terminal:", "bold"))
    commands = (
        f"export SCANPOOL_NATS_URL={nats_url}",
        "scanpool list",
        f"scanpool results {scan_id}",
        "scanpool scanners",
        "scanpool events",
        f"nats --server {nats_url} stream ls",
        f"nats --server {nats_url} stream get KV_pool-internal --last-for 'scan.internal.*.{scan_id}'",
        f"nats --server {nats_url} kv get pool-internal load.berlin",
    )
    for command in commands:
        console.print(Text("  " + command), soft_wrap=True)
    if bridge_url:
        console.print(Text(f"Agents find it at {bridge_url}, as with:", "bold"))
        console.print(Text(f"  claude mcp add --transport http scanpool {bridge_url}"), soft_wrap=True)
