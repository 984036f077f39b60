"""Reading reports: CPU seconds a GB and memory, ours beside other readers and the limit, `xmllint --stream`.

    python -m tests.bench.bench_report [--megabytes 10 200 1000] [--items-per-host 1000] [--rounds 3]

Prints one JSON line for each size. The runs are interleaved, so that a busy machine slows all, and the least of each
counts. Readers that hold the whole report, or take minutes, read no more than `--others-up-to` megabytes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.report_cost import READERS
from tests.support.reports import large_report

ROOT = Path(__file__).parents[2]
GB = 1_000_000_000
MIB = 1024 * 1024
OURS = ("validate", "extract", "store")
"""Judged; judged and every finding read; judged and the file of findings written."""
LIMIT = "xmllint"


@dataclass(frozen=True)
class Run:
    """What one run took."""

    cpu_s: float
    memory_bytes: int
    """The most that it held over what it held before it began to read."""


def main() -> None:
    """Make reports, read them in turns, print the outcome."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--megabytes", type=int, nargs="+", default=[10, 200])
    parser.add_argument("--items-per-host", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--others-up-to", type=int, default=200, metavar="MEGABYTES")
    options = parser.parse_args()
    for megabytes in options.megabytes:
        others = [name for name in READERS if name not in OURS and megabytes <= options.others_up_to]
        with tempfile.TemporaryDirectory(prefix="scanpool-bench-") as folder:
            path = Path(folder) / "report.nessus"
            with path.open("wb") as file:
                file.writelines(large_report(megabytes * 1_000_000, items_per_host=options.items_per_host))
            print(json.dumps(compared(path, options.rounds, others)), flush=True)


def compared(path: Path, rounds: int, others: Sequence[str]) -> dict[str, object]:
    """The least CPU time and the most memory of several turns, by reader."""
    names = [*OURS, *([LIMIT] if shutil.which(LIMIT) else []), *others]
    runs: dict[str, list[Run]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            runs[name].append(xmllint(path) if name == LIMIT else reading(name, path))
    size = path.stat().st_size
    least = {name: min(run.cpu_s for run in done) for name, done in runs.items()}
    return {
        "bench": "report",
        "size_bytes": size,
        "rounds": rounds,
        "cpu_s_per_gb": {name: round(seconds / size * GB, 2) for name, seconds in least.items()},
        "memory_mib": {name: round(max(run.memory_bytes for run in done) / MIB, 1) for name, done in runs.items()},
        "ratio_to_xmllint": {name: round(least[name] / least[LIMIT], 2) for name in OURS} if LIMIT in least else None,
    }


def reading(name: str, path: Path) -> Run:
    """A reading in a process of its own; its start and imports do not count."""
    command = [sys.executable, "-m", "tests.support.report_cost", "--reader", name, str(path)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    if found.get("error"):
        raise SystemExit(f"{path}: {found['error']}")
    return Run(found["cpu_s"], found["peak_bytes"] - found["idle_bytes"])


def xmllint(path: Path) -> Run:
    """The limit: parse as a stream, and do nothing."""
    process = subprocess.Popen([LIMIT, "--stream", "--noout", "--huge", str(path)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{LIMIT} ended with {process.returncode}")
    return Run(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


if __name__ == "__main__":
    main()
