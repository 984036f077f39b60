"""Draws docs/images/demo.svg from a real run of the demonstration: a moment of its live table, then its summary.

    .venv/bin/python docs/images/make_demo_picture.py

Exits 1, and writes nothing, where a scan did not end as planned.
"""

from __future__ import annotations

import asyncio
import io
import re
import sys
import tempfile
from pathlib import Path

from rich.console import Console, RenderableType
from rich.terminal_theme import MONOKAI

from scanpool.cli.demo.plan import SCANS, Outcome
from scanpool.cli.demo.run import Play
from scanpool.cli.demo.show import live_table, print_summary
from scanpool.cli.demo.stage import staged
from scanpool.runtime import logs

PICTURE = Path(__file__).with_name("demo.svg")
COLUMNS = 100
LOOK_EVERY_S = 0.25
MOST_LOOKS = 480


async def main() -> int:
    """Play the demonstration and draw it; answers the exit code."""
    with tempfile.TemporaryDirectory(prefix="scanpool-picture-") as name:
        folder = Path(name)
        with (folder / "scanpool.log").open("w") as log:
            logs.configure(stream=log)
            table, outcomes, most = await _played(folder)
    mistakes = [mistake for outcome in outcomes for mistake in outcome.mistakes()]
    if mistakes:
        sys.stderr.write(f"not drawn: {'; '.join(mistakes)}\n")
        return 1
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print("$ make demo", style="bold", highlight=False)
    console.print(table)
    console.print()
    print_summary(console, outcomes, most)
    PICTURE.write_text(_without_fetched_fonts(console.export_svg(title="make demo", theme=MONOKAI)))
    return 0


async def _played(folder: Path) -> tuple[RenderableType, list[Outcome], dict[str, int]]:
    """The table at its fullest moment, how every scan ended, and the most that ran at once."""
    async with staged(folder) as stage:
        play = Play(stage)
        await play.submit_all()
        fullest, table = -1, None
        for _ in range(MOST_LOOKS):
            await play.look()
            if (fullness := _fullness(play)) > fullest:
                fullest, table = fullness, live_table(play.rows, play.began)
            if play.is_over:
                break
            await asyncio.sleep(LOOK_EVERY_S)
        else:
            raise TimeoutError(f"not over after {MOST_LOOKS} looks")
        assert table is not None
        return table, play.outcomes(), await stage.most_at_once()


def _fullness(play: Play) -> int:
    """How many different things there are to see: stages, and verdicts beside scans that still run."""
    seen = [status for _, status in play.rows if status is not None]
    running = [status for status in seen if status.state == "running" and status.progress]
    if not running:
        return 0
    return 10 * len({status.state for status in seen}) + len(running) + sum(s.progress.percent for s in running if s.progress) // 50


def _without_fetched_fonts(svg: str) -> str:
    """The picture without the fonts that would be fetched from elsewhere: it names the reader's own."""
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL).replace("Fira Code", "DejaVu Sans Mono, Menlo, Consolas")


if len(SCANS) and __name__ == "__main__":
    sys.exit(asyncio.run(main()))
