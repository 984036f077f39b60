"""Reads mutated reports until the time is over; nothing may crash, hang, or take more memory than is stated.

    python -m tests.fuzz.run [--seconds 600] [--inputs N] [--seed N] [--corpus DIR] [--keep DIR]

The seeds are templates of our own and, with `--corpus` or SCANPOOL_CORPUS, every file of that folder. Prints one JSON
line; ends with 1 on the first input that breaks a promise, after it was saved with the command that reads it again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import sqlite3
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from scanpool.report.findings.writing.writer import FindingsWriter
from scanpool.report.validate import validate
from scanpool_schemas.result import Result
from tests.fuzz.mutation import mutated, templates
from tests.support.report_cost import peak_bytes

LONGEST_S = 5.0
LONGEST_S_PER_MB = 2.0
"""CPU time."""
MOST_MEMORY_BYTES = 64 * 1024 * 1024
"""Over what the process held before."""
LARGEST_SEED_BYTES = 600_000
PIECE_BYTES = 50_000


class Broken(Exception):
    """A promise that was not kept; says which."""


@dataclass(frozen=True)
class Until:
    """When it ends: after so many seconds, or after so many inputs."""

    seconds: float
    inputs: int | None = None


@dataclass
class Tally:
    """What was read."""

    seed: int
    inputs: int = 0
    accepted: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    slowest_s: float = 0.0

    def add(self, result: Result, seconds: float) -> None:
        self.inputs += 1
        self.slowest_s = max(self.slowest_s, seconds)
        if result.error is None:
            self.accepted += 1
        else:
            self.refused[result.error.code] = self.refused.get(result.error.code, 0) + 1


def main() -> int:
    """Fuzz until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--inputs", type=int, default=None, help="end after so many, though there is time")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--corpus", type=Path, default=os.environ.get("SCANPOOL_CORPUS"))
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()), help="where a bad input is saved")
    parser.add_argument("--file", type=Path, default=None, help="read this one input and end")
    options = parser.parse_args()
    if options.file is not None:
        checked(options.file.read_bytes())
        return 0
    seed = secrets.randbelow(1 << 32) if options.seed is None else options.seed
    return fuzz(seed, Until(options.seconds, options.inputs), seeds(options.corpus), options.keep)


def seeds(corpus: Path | None) -> list[bytes]:
    """Templates, and the files of the corpus that are not too large to be read often."""
    files = sorted(Path(corpus).glob("*.nessus")) if corpus else []
    return templates() + [path.read_bytes() for path in files if path.stat().st_size <= LARGEST_SEED_BYTES]


def fuzz(seed: int, until: Until, given: list[bytes], keep: Path) -> int:
    """Mutate and read; answers the exit code."""
    chance, tally, ends = random.Random(seed), Tally(seed), time.monotonic() + until.seconds
    for each in given:
        checked(each)
    idle = peak_bytes()
    while time.monotonic() < ends and tally.inputs != until.inputs:
        data = mutated(chance, given)
        began = time.process_time()
        try:
            result = checked(data)
            tally.add(result, time.process_time() - began)
            promised(data, time.process_time() - began, peak_bytes() - idle)
        except Exception as error:  # noqa: BLE001  # whatever is raised breaks the promise
            path = keep / f"scanpool-fuzz-{seed}-{tally.inputs}.nessus"
            path.write_bytes(data)
            sys.stderr.write(f"{type(error).__name__}: {error}\npython -m tests.fuzz.run --file {path}\n")
            return 1
    sys.stdout.write(json.dumps(vars(tally)) + "\n")
    return 0


def checked(data: bytes) -> Result:
    """Read it as the validator does, and hold the file of findings against the result.

    Raises:
        Broken: they do not agree.
    """
    pieces = [data[at : at + PIECE_BYTES] for at in range(0, len(data), PIECE_BYTES)]
    with tempfile.TemporaryDirectory(prefix="scanpool-fuzz-") as folder, FindingsWriter(Path(folder)) as writer:
        result = validate(pieces, listener=writer)
        if result.error is None:
            file = Path(folder) / "findings.sqlite"
            writer.write(file, {})
            agreed(file, result)
    return result


def agreed(file: Path, result: Result) -> None:
    """Whether the file holds as much as the result counted.

    Raises:
        Broken: it does not.
    """
    database = sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)
    try:
        counts = [database.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in ("findings", "hosts")]
        compliance = database.execute("SELECT COUNT(*) FROM compliance").fetchone()[0]
    finally:
        database.close()
    summary = result.results_summary
    wanted = [summary.items, summary.hosts_total]
    if counts != wanted:
        raise Broken(f"findings and hosts are {counts} in the file, {wanted} in the result")
    results = summary.compliance
    counted = sum(getattr(results, name) for name in results.__struct_fields__)
    if compliance != counted:
        raise Broken(f"{compliance} compliance results in the file, {counted} in the result")


def promised(data: bytes, seconds: float, memory_bytes: int) -> None:
    """Whether it was quick and light.

    Raises:
        Broken: it was not.
    """
    if seconds > LONGEST_S + LONGEST_S_PER_MB * len(data) / 1e6:
        raise Broken(f"{len(data)} bytes took {seconds:.1f} s")
    if memory_bytes > MOST_MEMORY_BYTES + 4 * PIECE_BYTES:
        raise Broken(f"{memory_bytes / 1e6:.0f} MB over idle")


if __name__ == "__main__":
    sys.exit(main())
