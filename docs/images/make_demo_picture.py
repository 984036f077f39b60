"""Draws docs/images/demo.svg from a real run of the demonstration: a moment of its live table, then its summary.

    .venv/bin/python docs/images/make_demo_picture.py

Exits 1 and writes nothing where a scan did not end as planned.
"""

from __future__ import annotations

import asyncio
import io
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console, RenderableType
from rich.terminal_theme import MONOKAI

from scanpool.cli.demo.plan import Outcome
from scanpool.cli.demo.run import Play
from scanpool.cli.demo.show import live_table, print_summary
from scanpool.cli.demo.stage import Stage, staged
from scanpool.runtime import logs

PICTURE = Path(__file__).with_name("demo.svg")
COLUMNS = 80
LOOK_EVERY_S = 0.25
DEADLINE_S = 120.0


async def main() -> int:
    """Play the demonstration and draw it; answers the exit code."""
    with tempfile.TemporaryDirectory(prefix="scanpool-picture-") as name:
        folder = Path(name)
        with (folder / "scanpool.log").open("w") as log:
            logs.configure(stream=log)
            async with staged(folder) as stage, asyncio.timeout(DEADLINE_S):
                table, outcomes = await _played(stage)
                most = await stage.most_at_once()
    if mistakes := [mistake for outcome in outcomes for mistake in outcome.mistakes()]:
        sys.stderr.write(f"not drawn: {'; '.join(mistakes)}\n")
        return 1
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(table)
    console.print()
    print_summary(console, outcomes, most)
    svg = console.export_svg(title="make demo", theme=MONOKAI, unique_id="demo")
    PICTURE.write_text(_with_local_fonts(svg), encoding="utf-8")
    return 0


async def _played(stage: Stage) -> tuple[RenderableType, list[Outcome]]:
    """The live table when it had most to show, and how every scan ended."""
    play, began = Play(stage), datetime.now(UTC)
    await play.submit_all()
    most, table = -1, live_table(play.rows, began)
    while not play.is_over:
        await play.look()
        if (sights := _sights(play)) > most:
            most, table = sights, live_table(play.rows, began)
        await asyncio.sleep(LOOK_EVERY_S)
    return table, play.outcomes()


def _sights(play: Play) -> int:
    """How many different stages there are to see while scans run."""
    seen = [status for _, status in play.rows if status is not None]
    runs = any(each.state == "running" and each.progress is not None for each in seen)
    return len({each.state for each in seen}) if runs else 0


def _with_local_fonts(svg: str) -> str:
    """The picture with the reader's own fonts in place of one that would be fetched from elsewhere."""
    without = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    without = without.replace("<svg ", '<svg xml:space="preserve" ', 1)
    return without.replace("Fira Code, monospace", "DejaVu Sans Mono, Menlo, Consolas, monospace")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
