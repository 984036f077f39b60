"""Exports a file of findings in a process of its own and prints, as JSON, what that took.

python -m tests.support.export_cost FORMAT FILE
"""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from pathlib import Path

from scanpool.cli.results.export import Format, pieces
from scanpool.report.findings.filters import Filters
from scanpool.report.findings.store import Store
from tests.support.report_cost import cost


def exported(format: Format, path: Path) -> dict[str, object]:
    """Written to nowhere, piece by piece."""
    written = 0
    with Store(path) as store, open(os.devnull, "wb") as target:  # noqa: PTH123  # no path of ours
        for piece in pieces(format, store, Filters(), "full"):
            written += target.write(piece)
        return {"bytes": written, "findings": store.counts.findings}


def main(arguments: list[str]) -> None:
    """Export what the arguments name and print its cost."""
    name, path = arguments
    with Store(Path(path)) as store:
        # What every export loads is no cost of this one.
        deque(pieces(name, store, Filters(plugin_id=(1,)), "full"), maxlen=0)  # type: ignore[arg-type]  # named so
    print(json.dumps(cost(lambda: exported(name, Path(path)))))  # type: ignore[arg-type]  # named so


if __name__ == "__main__":
    main(sys.argv[1:])
