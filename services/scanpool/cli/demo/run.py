"""The play: submit the scans, cancel one, watch them to their ends, hold each against the plan."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.live import Live

from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.cli.demo.frame import DemoOverdue, DemoStopped, framed
from scanpool.cli.demo.plan import SCANNERS, SCANS, DemoScan, Outcome
from scanpool.cli.demo.show import live_table, print_further, print_how_to_keep, print_summary
from scanpool.cli.demo.stage import Stage, staged
from scanpool.cli.frame.extras import is_installed
from scanpool.cli.running.own_bridge import own_bridge
from scanpool.client import Submitted, UnknownScan
from scanpool.runtime.connection import NatsAddress
from scanpool.runtime.settings import Settings
from scanpool_schemas.status import ScanStatus

DEADLINE_S = 120.0
"""After it the demonstration gives up; it takes about half a minute."""
REDRAW_S = 0.25


@dataclass
class Play:
    """The scans that were submitted, and how they stand."""

    stage: Stage
    submitted: dict[str, Submitted] = field(default_factory=dict)
    again: dict[str, str] = field(default_factory=dict)
    """By name: the id that the second submission answered with."""
    seen: dict[str, ScanStatus] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)

    async def submit_all(self) -> None:
        """Submit every scan, some twice."""
        for scan in SCANS:
            self.submitted[scan.name] = await self._submit(scan)
            if scan.twice:
                self.again[scan.name] = (await self._submit(scan)).id

    async def look(self) -> None:
        """Read every scan that is not over, and cancel the one that is to be cancelled once it runs."""
        for scan in SCANS:
            known = self.seen.get(scan.name)
            if known is not None and known.is_over:
                continue
            submitted = self.submitted[scan.name]
            try:
                status = await self.stage.client.status(submitted.id, pool=submitted.pool)
            except UnknownScan:
                continue  # not admitted yet
            self.seen[scan.name] = status
            if scan.cancel and status.state == "running" and scan.name not in self.cancelled:
                self.cancelled.add(scan.name)
                await self.stage.client.cancel(submitted.id, by="demo", reason="the maintenance window closed")

    @property
    def is_over(self) -> bool:
        return all(scan.name in self.seen and self.seen[scan.name].is_over for scan in SCANS)

    @property
    def rows(self) -> list[tuple[DemoScan, ScanStatus | None]]:
        return [(scan, self.seen.get(scan.name)) for scan in SCANS]

    def outcomes(self) -> list[Outcome]:
        """Every scan's end, held against the plan."""
        return [Outcome(scan=scan, status=self.seen[scan.name], second_id=self.again.get(scan.name)) for scan in SCANS]

    async def _submit(self, scan: DemoScan) -> Submitted:
        return await self.stage.client.submit(scan.targets, name=scan.name, pool=scan.pool, **scan.fields)


async def demo(*, as_json: bool, keep: bool) -> int:
    """Play it; answers the exit code: 0 where every outcome is the expected one, 1 where not, 130 on Ctrl-C."""
    return await framed(lambda folder, stopping: _played(folder, stopping, as_json=as_json, keep=keep))


async def _played(folder: Path, stopping: asyncio.Event, *, as_json: bool, keep: bool) -> bool:
    console = Console(stderr=as_json)
    began = time.monotonic()
    async with staged(folder) as stage:
        play = Play(stage)
        await play.submit_all()
        await _watch(play, console, stopping)
        outcomes, most = play.outcomes(), await stage.most_at_once()
        document = summary(outcomes, most, time.monotonic() - began)
        if as_json:
            sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
            sys.stdout.flush()
        else:
            print_summary(console, outcomes, most)
        if keep:
            await _kept(play, console, stopping)
        elif not as_json:
            print_how_to_keep(console)
    return bool(document["ok"])


async def _kept(play: Play, console: Console, stopping: asyncio.Event) -> None:
    """Leave everything running, with a bridge for agents where that is installed."""
    stage = play.stage
    bridge = own_bridge(BridgeSettings()) if is_installed("bridge") else None
    bridge_url = bridge.url if bridge else None
    print_further(console, stage.nats_url, scan_id=play.submitted["web servers"].id, bridge_url=bridge_url)
    if bridge is None:
        await stopping.wait()
    else:
        at_once = asyncio.Event()
        at_once.set()
        await bridge.serve(Settings(nats=NatsAddress(url=stage.nats_url)), after=at_once, stopping=stopping)


async def _watch(play: Play, console: Console, stopping: asyncio.Event) -> None:
    began, deadline = datetime.now(UTC), time.monotonic() + DEADLINE_S
    with Live(console=console, auto_refresh=False, transient=True) as live:
        draw = _drawer(live, console, play, began)
        while not play.is_over:
            if stopping.is_set():
                raise DemoStopped
            if time.monotonic() > deadline:
                waiting = [scan.name for scan, status in play.rows if status is None or not status.is_over]
                raise DemoOverdue(f"after {DEADLINE_S:.0f} s these scans are not over: {', '.join(waiting)}")
            await play.look()
            draw()
            await asyncio.sleep(REDRAW_S)


def _drawer(live: Live, console: Console, play: Play, began: datetime) -> Callable[[], None]:
    """Redraws on a terminal; elsewhere prints one line a change."""
    told: dict[str, str] = {}

    def draw() -> None:
        if console.is_terminal:
            live.update(live_table(play.rows, began), refresh=True)
            return
        for scan, status in play.rows:
            if status is not None and told.get(scan.name) != status.state:
                told[scan.name] = status.state
                console.print(f"{scan.name}: {status.state}", markup=False, highlight=False)

    return draw


def summary(outcomes: list[Outcome], most: dict[str, int], duration_s: float) -> dict[str, Any]:
    """The document that `--json` prints."""
    limits = {each.instance: each.capacity for each in SCANNERS}
    within = all(most[instance] <= limit for instance, limit in limits.items())
    return {
        "ok": within and not any(outcome.mistakes() for outcome in outcomes),
        "scans": [
            {
                "id": outcome.status.id,
                "name": outcome.scan.name,
                "pool": outcome.status.pool,
                "scanner": outcome.status.scanner_instance,
                "status": outcome.status.status,
                "verdict": outcome.verdict,
                "expected_status": outcome.scan.status,
                "expected_verdict": outcome.scan.verdict,
                "reason": "; ".join(outcome.mistakes()) or outcome.reason,
            }
            for outcome in outcomes
        ],
        "max_concurrent": {instance: {"limit": limit, "seen": most[instance]} for instance, limit in limits.items()},
        "duration_s": round(duration_s, 1),
    }
