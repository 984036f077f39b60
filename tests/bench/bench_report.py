"""Reading reports: CPU seconds a GB and memory, against bare expat and, where it is installed, `xmllint --stream`.

    python -m tests.bench.bench_report [--megabytes 200] [--items-per-host 1000] [--rounds 3]

Prints one JSON line. The runs are interleaved, so that a busy machine slows all, and the least of each counts.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.support.reports import large_report

# Parses and does nothing else.
EXPAT = """
import sys, time
from xml.parsers import expat
begin, parser = time.process_time(), expat.ParserCreate()
with open(sys.argv[1], "rb") as file:
    while piece := file.read(262144):
        parser.Parse(piece, False)
parser.Parse(b"", True)
print(time.process_time() - begin)
"""
ROOT = Path(__file__).parents[2]
GB = 1_000_000_000
MIB = 1024 * 1024


@dataclass(frozen=True)
class Run:
    """What one run took."""

    cpu_s: float
    over_idle_bytes: int


def main() -> None:
    """Make a report, read it in turns, print the outcome."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--items-per-host", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="scanpool-bench-") as folder:
        path = Path(folder) / "report.nessus"
        with path.open("wb") as file:
            file.writelines(large_report(options.megabytes * 1_000_000, items_per_host=options.items_per_host))
        print(json.dumps(compared(path, options.rounds)))


def compared(path: Path, rounds: int) -> dict[str, object]:
    """The least CPU time of several turns, ours beside the others'."""
    size_bytes = path.stat().st_size
    xmllint = shutil.which("xmllint")
    ours: list[Run] = []
    others: dict[str, list[float]] = {"expat": [], **({"xmllint": []} if xmllint else {})}
    for _ in range(rounds):
        ours.append(validated(path))
        others["expat"].append(float(output([sys.executable, "-c", EXPAT, str(path)])))
        if xmllint:
            others["xmllint"].append(cpu_s([xmllint, "--stream", "--noout", "--huge", str(path)]))
    least = min(run.cpu_s for run in ours)
    found: dict[str, object] = {
        "bench": "report",
        "size_bytes": size_bytes,
        "rounds": rounds,
        "cpu_s_per_gb": round(least / size_bytes * GB, 2),
        "memory_over_idle_mib": round(max(run.over_idle_bytes for run in ours) / MIB, 1),
    }
    for name, turns in others.items():
        found[f"{name}_cpu_s_per_gb"] = round(min(turns) / size_bytes * GB, 2)
        found[f"ratio_to_{name}"] = round(least / min(turns), 2)
    return found


def validated(path: Path) -> Run:
    """Our reading, in a process of its own; its start and imports do not count."""
    found = json.loads(output([sys.executable, "-m", "tests.support.report_cost", str(path)]))
    if found["error"]:
        raise SystemExit(f"{path}: {found['error']}")
    return Run(found["cpu_s"], found["peak_bytes"] - found["idle_bytes"])


def output(command: list[str]) -> str:
    """What a program prints."""
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def cpu_s(command: list[str]) -> float:
    """CPU seconds of a program."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
