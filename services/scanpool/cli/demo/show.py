"""What the demonstration shows: a live table while it runs, a summary when it is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from rich.box import SIMPLE_HEAD
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
_BAR = 12


def live_table(rows: Sequence[tuple[DemoScan, ScanStatus | None]], began: datetime) -> RenderableType:
    """The scans as they are now, and what each scanner carries."""
    table = Table(title="scanpool demo", title_justify="left", expand=False, pad_edge=False)
    for column in ("scan", "pool", "status", "stage", "where", "progress", "login"):
        table.add_column(column, no_wrap=True)
    for scan, status in rows:
        table.add_row(*_live_row(scan, status))
    return Group(table, _load_line([status for _, status in rows if status], began))


def _live_row(scan: DemoScan, status: ScanStatus | None) -> tuple[RenderableType, ...]:
    if status is None:
        return (Text(scan.name), Text(scan.pool), Text("submitted", "dim"), "", "", "", "")
    return (
        Text(scan.name),
        Text(scan.pool),
        Text(status.status, _COLOURS[status.status]),
        Text(status.state, "dim"),
        Text((status.scanner_instance or "").rpartition(".")[2]),
        _bar(status),
        _verdict(status.authentication_status),
    )


def _bar(status: ScanStatus) -> Text:
    if status.progress is None or status.state != "running":
        return Text("")
    full = status.progress.percent * _BAR // 100
    return Text("█" * full + "░" * (_BAR - full) + f" {status.progress.percent:3d} %", "cyan")


def _verdict(verdict: str | None) -> Text:
    return Text(verdict or "", _VERDICT_COLOURS.get(verdict or "", ""))


def _load_line(statuses: Sequence[ScanStatus], began: datetime) -> Text:
    line = Text("scanners  ", "bold")
    holding = ("launching", "running", "stopping")
    for scanner in SCANNERS:
        taken = sum(each.scanner_instance == scanner.instance and each.state in holding for each in statuses)
        line.append(f"{scanner.instance} ", "dim")
        line.append("●" * taken, "cyan")
        line.append("○" * (scanner.capacity - taken) + "  ", "dim")
    line.append(f" {(datetime.now(UTC) - began).total_seconds():4.0f} s", "dim")
    return line


def print_summary(console: Console, outcomes: Sequence[Outcome], most: Mapping[str, int]) -> None:
    """Every scan with its end and where it ran, and whether limits held."""
    table = Table(title="What became of the scans", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for column in ("", "scan", "status", "login", "ran on"):
        table.add_column(column, no_wrap=True)
    for outcome in outcomes:
        table.add_row(*_summary_row(outcome))
        table.add_row("", Text(f"  {outcome.scan.shows}", "dim"))
    console.print(table)
    for scanner in SCANNERS:
        seen = most[scanner.instance]
        mark = Text("ok ", "green") if seen <= scanner.capacity else Text("!! ", "bold red")
        console.print(mark + Text(f"{scanner.instance}: at most {seen} at once, limit {scanner.capacity}"))


def _summary_row(outcome: Outcome) -> tuple[RenderableType, ...]:
    status = outcome.status
    mistakes = outcome.mistakes()
    ended = status.status + (" (dead letter)" if status.dead_letter else "")
    return (
        Text("!!", "bold red") if mistakes else Text("ok", "green"),
        Text(outcome.scan.name),
        Text(ended, _COLOURS[status.status]),
        _verdict(outcome.verdict),
        Text("; ".join(mistakes), "bold red") if mistakes else Text(status.scanner_instance or "-"),
    )


def print_further(console: Console, nats_url: str, *, kept: bool, scan_id: str) -> None:
    """How to look further."""
    if kept:
        console.print(Text("Everything keeps running until Ctrl-C. In another terminal:", "bold"))
    else:
        console.print(Text("To look around, run it again with --keep, then in another terminal:", "bold"))
    commands = (
        f"export SCANPOOL_NATS_URL={nats_url}",
        "scanpool list",
        f"scanpool results {scan_id}",
        "scanpool scanners",
        "scanpool events --follow",
        f"nats --server {nats_url} stream ls",
        f"nats --server {nats_url} stream get KV_pool-internal --last-for 'scan.internal.*.{scan_id}'",
        f"nats --server {nats_url} kv get pool-internal load.berlin",
    )
    for command in commands:
        console.print(Text("  " + command), soft_wrap=True)
