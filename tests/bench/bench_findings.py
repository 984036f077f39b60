"""Queries over a large file of findings: milliseconds cold (a new process each) and warm, p50 and p95.

    python -m tests.bench.bench_findings [--findings 1000000] [--plugins 5000] [--hosts 2000] [--rounds 40] [--drop]

Prints one JSON line. `cpu` is what the process used, `wall` what it took, which a busy machine makes long. Cold is from
opening the file to the last line of the answer; starting Python and importing are apart, as `import_ms`. `first` is the
first time in a process that runs already. `diff_s` is the CPU that a comparison takes with a scan that has a fiftieth
of the findings less, `diff_same_s` with the same scan. With `--drop` the system is asked to forget the file before each
cold run.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.findings_file import Size, write

ROOT = Path(__file__).parents[2]
COLD_ROUNDS = 8
ONE_GONE_IN = 50
MIDDLE = -1
"""In place of a page number."""
QUERIES: dict[str, dict[str, Any]] = {
    "first page": {},
    "page in the middle": {"page": MIDDLE},
    "minimal": {"fields": "minimal"},
    "full": {"fields": "full"},
    "one plugin": {"filters": ["plugin_id=10007"]},
    "CVE": {"filters": ["cve=CVE-2017-1021"]},
    "one host": {"filters": ["host=10.0.1.7"]},
    "one host, full": {"filters": ["host=10.0.1.7"], "fields": "full"},
    "network of 256": {"filters": ["host=10.0.3.0/24"]},
    "network of 256, middle": {"filters": ["host=10.0.3.0/24"], "page": MIDDLE},
    "network of 8": {"filters": ["host=10.0.3.8/29"]},
    "network of 256 and severity": {"filters": ["host=10.0.3.0/24", "severity>=high"]},
    "severity and family": {"filters": ["severity>=high", "family=Web Servers"]},
    "text in name": {"filters": ["name~openssl"]},
    "scores": {"filters": ["cvss3>7", "epss>=0.5", "exploit_available=true"]},
    "port": {"filters": ["port=443"]},
    "text in output": {"filters": ["output~installed version : 1.50"]},
    "text in most outputs": {"filters": ["output~version"]},
    "text that each host prints in its own words": {"filters": ["output~.example, ou="]},
    "text in no output": {"filters": ["output~segmentation fault"]},
    "digits in output": {"filters": ["output~1.5"]},
    "text in name or output": {"filters": ["text~openssl"]},
    "text in output, and port": {"filters": ["output~installed version : 1.50", "port=443"]},
    "text in output, and network of 256": {"filters": ["output~installed version : 1.50", "host=10.0.3.0/24"]},
    "text in output of one plugin": {"filters": ["output~installed version : 1.50", "plugin_id=10007"]},
    "by plugin": {"by": "plugin"},
    "by host": {"by": "host"},
    "by CVE": {"by": "cve"},
    "by family": {"by": "family"},
    "by host, of high and critical": {"by": "host", "filters": ["severity>=high"]},
    "by plugin, of a text in output": {"by": "plugin", "filters": ["output~installed version : 1.50"]},
    "by host, of a text in output": {"by": "host", "filters": ["output~installed version : 1.50"]},
    "by plugin, in a network of 256": {"by": "plugin", "filters": ["host=10.0.3.0/24"]},
}
COLD = """
import json, sys, time
begin = time.process_time()
from tests.bench.bench_findings import run
from scanpool.report.findings import groups, jsonlines, query, store
wall, cpu = time.perf_counter(), time.process_time()
with store.Store(__import__("pathlib").Path(sys.argv[1])) as opened:
    run(opened, json.loads(sys.argv[2]))
print(cpu - begin, time.process_time() - cpu, time.perf_counter() - wall)
"""


def main() -> None:
    """Make the file, ask it everything, print the outcome."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--findings", type=int, default=1_000_000)
    parser.add_argument("--plugins", type=int, default=5_000)
    parser.add_argument("--hosts", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--file", type=Path, default=None, help="kept there, and used again where it is")
    parser.add_argument("--drop", action="store_true")
    options = parser.parse_args()
    size = Size(findings=options.findings, plugins=options.plugins, hosts=options.hosts)
    with tempfile.TemporaryDirectory(prefix="scanpool-bench-") as folder:
        path = options.file or Path(folder) / "findings.sqlite"
        written_s = 0.0
        if not path.exists():
            begin = time.process_time()
            write(path, size)
            written_s = time.process_time() - begin
        found = measured(path, size, options.rounds, written_s, drop=options.drop)
        print(json.dumps({**found, **compared(path, Path(folder) / "later.sqlite", size)}))


def measured(path: Path, size: Size, rounds: int, written_s: float, *, drop: bool) -> dict[str, Any]:
    """The figures of one file."""
    imports: list[float] = []
    cold = {name: _cold(path, query, imports, drop=drop) for name, query in QUERIES.items()}
    return {
        "findings": size.findings,
        "size_mb": round(path.stat().st_size / 1e6, 1),
        "write_us_per_row": round(written_s / size.findings * 1e6, 1),
        "import_ms": round(statistics.median(imports) * 1000, 1),
        "ms": {name: {**_warm(path, query, rounds), **cold[name]} for name, query in QUERIES.items()},
    }


def compared(before: Path, after: Path, size: Size) -> dict[str, float]:
    """The seconds that it takes to compare the file with another one, and with itself; the least of three."""
    write(after, dataclasses.replace(size, gone=ONE_GONE_IN))
    others = {"diff_s": after, "diff_same_s": before}
    return {name: round(min(_comparison(before, other) for _ in range(3)), 2) for name, other in others.items()}


def _comparison(before: Path, after: Path) -> float:
    from scanpool.report.findings.comparison import Comparison

    def compare() -> None:
        with Comparison(before, after) as comparison:
            comparison.summary()
            list(comparison.changes(limit=100))

    cpu, _wall = _timed(compare)
    return cpu


def run(store: Any, query: dict[str, Any]) -> int:
    """Ask it once, and make the answer's lines; says how many bytes."""
    from scanpool.report.findings.filter_syntax import parse
    from scanpool.report.findings.groups import groups
    from scanpool.report.findings.jsonlines import page_lines
    from scanpool.report.findings.query import findings, total

    filters = parse(query.get("filters", ()))
    if "by" in query:
        return len(groups(store, query["by"], filters).groups)
    page = query.get("page", 1)
    if page == MIDDLE:
        page = max(1, total(store, filters) // 80)
    shown = findings(store, filters, query.get("fields", "summary"), page=page)
    return sum(map(len, page_lines(store, shown)))


def _warm(path: Path, query: dict[str, Any], rounds: int) -> dict[str, Any]:
    from scanpool.report.findings.store import Store

    with Store(path) as store:
        first = _timed(lambda: run(store, query))
        times = [_timed(lambda: run(store, query)) for _ in range(rounds)]
    return {"first": _quantiles([first]), "warm": _quantiles(times)}


def _cold(path: Path, query: dict[str, Any], imports: list[float], *, drop: bool) -> dict[str, Any]:
    times = []
    for _ in range(COLD_ROUNDS):
        if drop:
            _forget(path)
        command = [sys.executable, "-c", COLD, str(path), json.dumps(query)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
        imported, cpu, wall = map(float, done.stdout.split())
        imports.append(imported)
        times.append((cpu, wall))
    return {"cold": _quantiles(times)}


def _forget(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _timed(ask: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall time, in seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    ask()
    return time.process_time() - cpu, time.perf_counter() - wall


def _quantiles(times: list[tuple[float, float]]) -> dict[str, list[float]]:
    """p50 and p95, in milliseconds."""
    found = {}
    for name, taken in zip(("cpu", "wall"), zip(*times, strict=True), strict=True):
        ordered = sorted(taken)
        places = (len(ordered) // 2, min(len(ordered) - 1, int(len(ordered) * 0.95)))
        found[name] = [round(ordered[place] * 1000, 2) for place in places]
    return found


if __name__ == "__main__":
    main()
