"""The play: submit the scans, kill by the plan, watch the scans to their ends, ask the scanners what happened."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.live import Live

from scanpool.cli.demo.chaos.plan import SCANNERS, Reckoning, kills, reckoning, requests
from scanpool.cli.demo.chaos.show import Killed, counts, live_view, print_reckoning
from scanpool.cli.demo.chaos.stage import ChaosStage, chaos_staged
from scanpool.cli.demo.frame import DemoOverdue, DemoStopped, framed
from scanpool.cli.demo.stage import counted
from scanpool.client import Submitted, UnknownScan
from scanpool.runtime.errors import BrokerError
from scanpool_schemas.status import ScanStatus

DEADLINE_S = 180.0
"""After it the play gives up; it takes less than a minute."""
REDRAW_S = 0.3


async def chaos(*, as_json: bool, seed: int) -> int:
    """Play it; answers the exit code: 0 where nothing was lost or done twice, 1 where it was, 130 on Ctrl-C."""
    return await framed(lambda folder, stopping: _played(folder, stopping, as_json=as_json, seed=seed))


@dataclass
class Play:
    """The scans that were submitted, how they stand, and what was killed."""

    stage: ChaosStage
    console: Console
    began: float = field(default_factory=time.monotonic)
    submitted: list[Submitted] = field(default_factory=list)
    seen: dict[str, ScanStatus] = field(default_factory=dict)
    killed: list[Killed] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    @property
    def is_over(self) -> bool:
        return sum(status.is_over for status in self.seen.values()) == len(self.submitted)

    async def submit_all(self) -> None:
        """Submit every scan."""
        for name, target, pool in requests():
            self.submitted.append(await self.stage.client.submit([target], name=name, pool=pool))

    async def kill_by(self, seed: int) -> None:
        """Kill one process after the other, as planned, from the moment when the first scan was admitted."""
        while not self.seen:
            await asyncio.sleep(REDRAW_S)
        began = self.seconds
        for kill in kills(seed):
            await asyncio.sleep(max(0.0, began + kill.at_s - self.seconds))
            at = self.seconds
            pid = await self.stage.processes.kill(kill.victim)
            self.killed.append(Killed(at_s=round(at, 1), victim=kill.victim, pid=pid))

    async def look(self) -> None:
        """Read every scan that is not over; while NATS is down there is nothing to read."""
        for scan in self.submitted:
            known = self.seen.get(scan.id)
            if known is not None and known.is_over:
                continue
            try:
                self.seen[scan.id] = await self.stage.client.status(scan.id, pool=scan.pool)
            except UnknownScan:
                continue  # not admitted yet
            except BrokerError:
                return


async def _played(folder: Path, stopping: asyncio.Event, *, as_json: bool, seed: int) -> bool:
    console = Console(stderr=as_json)
    async with chaos_staged(folder) as stage:
        play = Play(stage, console)
        await play.submit_all()
        killing = asyncio.create_task(play.kill_by(seed))
        try:
            await _watch(play, killing, stopping)
        finally:
            killing.cancel()
        found = await _reckoned(play)
    if as_json:
        sys.stdout.write(msgspec.json.encode(document(found, play.killed, seed, play.seconds)).decode() + "\n")
        sys.stdout.flush()
    else:
        print_reckoning(console, play.killed, found, seed)
    return found.ok


async def _reckoned(play: Play) -> Reckoning:
    held = sum(each.active for each in await play.stage.client.scanners())
    statuses = list(play.seen.values())
    return reckoning(statuses, len(play.submitted), await counted(play.stage.emulators), held)


async def _watch(play: Play, killing: asyncio.Task[None], stopping: asyncio.Event) -> None:
    """Until every kill was done and every scan is over; what the killing raised is raised."""
    told: dict[str, int | str] = {"kills": 0, "counts": ""}
    with Live(console=play.console, auto_refresh=False, transient=True) as live:
        while not (play.is_over and killing.done()):
            if stopping.is_set():
                raise DemoStopped
            if play.seconds > DEADLINE_S:
                raise DemoOverdue(f"after {DEADLINE_S:.0f} s not over: {counts(play.seen.values())}")
            if killing.done():
                killing.result()
            await play.look()
            if play.console.is_terminal:
                live.update(live_view(play.killed, list(play.seen.values()), play.seconds), refresh=True)
            else:
                _tell(play, told)
            await asyncio.sleep(REDRAW_S)


def _tell(play: Play, told: dict[str, int | str]) -> None:
    """Where there is no terminal: a line for each kill and each change."""
    for each in play.killed[int(told["kills"]) :]:
        play.console.print(each.line, markup=False, highlight=False)
    told["kills"] = len(play.killed)
    now = counts(play.seen.values())
    if now != told["counts"]:
        play.console.print(now, markup=False, highlight=False)
    told["counts"] = now


def document(found: Reckoning, killed: Sequence[Killed], seed: int, seconds: float) -> dict[str, Any]:
    """What `--json` prints."""
    limits = {each.instance: each.capacity for each in SCANNERS}
    return {
        "ok": found.ok,
        "seed": seed,
        "kills": [{"at_s": each.at_s, "what": each.victim, "pid": each.pid} for each in killed],
        "scans": {"submitted": found.submitted, "lost": found.lost, **found.ends},
        "launched_twice": found.launched_twice,
        "launches_taken_over": found.taken_over,
        "reports_fetched_again": found.fetched_again,
        "places_held": found.places_held,
        "max_concurrent": {name: {"limit": limit, "seen": found.most[name]} for name, limit in limits.items()},
        "duration_s": round(seconds, 1),
    }
