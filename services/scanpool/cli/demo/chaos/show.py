"""What the play shows: what was killed, how the scans stand, and the reckoning at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.text import Text

from scanpool.cli.demo.chaos.plan import SCANNERS, SCANS, Reckoning
from scanpool_schemas.status import ScanStatus

_LINES = 14
_BAR = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Killed:
    """A process that was killed and started again."""

    at_s: float
    victim: str
    pid: int

    @property
    def line(self) -> str:
        """It in words."""
        return f"{self.at_s:5.1f} s  killed {self.victim} (pid {self.pid}, SIGKILL), started again"


def counts(scans: Iterable[ScanStatus]) -> str:
    """How many scans stand where, in words."""
    known: Counter[str] = Counter(scan.status if scan.is_over else scan.state for scan in scans)
    known["submitted"] = SCANS - known.total()
    return ", ".join(f"{count} {state}" for state, count in sorted(known.items()) if count)


def live_view(killed: Sequence[Killed], scans: Sequence[ScanStatus], seconds: float) -> RenderableType:
    """What was killed last, and how the scans stand now; fits a terminal of 80 columns."""
    over = sum(scan.is_over for scan in scans)
    full = over * _BAR // SCANS
    return Group(
        *(Text(each.line, "red") for each in killed[-_LINES:]),
        Text(),
        Text.assemble(("█" * full + "░" * (_BAR - full), "cyan"), f"  {over} of {SCANS} scans over, {seconds:.0f} s"),
        Text(counts(scans), "dim"),
    )


def print_reckoning(console: Console, killed: Sequence[Killed], found: Reckoning, seed: int) -> None:
    """What was killed, what survived, and the counts."""
    for each in killed:
        console.print(Text(each.line, "red"))
    console.print()
    ends = ", ".join(f"{count} {end}" for end, count in sorted(found.ends.items()))
    console.print(_line(not found.lost, f"{found.submitted} scans submitted, {found.lost} lost: {ends}"))
    console.print(_line(not found.launched_twice, f"{found.launched_twice} launched twice, as the scanners count"))
    console.print(_line(not found.places_held, f"{found.places_held} places still held"))
    for scanner in SCANNERS:
        seen = found.most[scanner.instance]
        text = f"{scanner.instance}: at most {seen} at once, limit {scanner.capacity}"
        console.print(_line(scanner.instance not in found.over_limit, text))
    console.print(
        Text(
            f"   {found.taken_over} launches taken over by another process, "
            f"{found.fetched_again} reports fetched or read again",
            "dim",
        )
    )
    console.print(Text(f"   the same kills again: scanpool demo --chaos --seed {seed}", "dim"))


def _line(good: bool, text: str) -> Text:
    return Text.assemble(("ok ", "green") if good else ("!! ", "bold red"), text)
