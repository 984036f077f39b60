"""Reads one report in a process of its own and prints, as JSON, what that took.

python -m tests.support.report_cost FILE
python -m tests.support.report_cost --generate BYTES ITEMS_PER_HOST
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from scanpool.report.reader import pieces_of
from scanpool.report.validate import validate
from tests.support.reports import large_report

STATUS = Path("/proc/self/status")


def peak_bytes() -> int:
    """The most memory this process has held so far."""
    if STATUS.exists():
        # getrusage would also count what the process held before it became this program.
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def cost(pieces: Iterable[bytes]) -> dict[str, object]:
    """CPU seconds and memory that validating the pieces takes, making them not included where they are a file."""
    idle, begin = peak_bytes(), time.process_time()
    result = validate(pieces)
    return {
        "cpu_s": time.process_time() - begin,
        "idle_bytes": idle,
        "peak_bytes": peak_bytes(),
        "size_bytes": result.results_summary.size_bytes,
        "hosts": result.results_summary.hosts_total,
        "items": result.results_summary.items,
        "error": result.error.message if result.error else None,
    }


def main(arguments: list[str]) -> None:
    """Read what the arguments name and print its cost."""
    if arguments[0] == "--generate":
        found = cost(large_report(int(arguments[1]), items_per_host=int(arguments[2])))
    else:
        with Path(arguments[0]).open("rb") as file:
            found = cost(pieces_of(file))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
