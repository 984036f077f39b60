"""How long `list` takes, by the client library and as a command, and how much memory, in a pool of many scans.

    python -m tests.bench.bench_list [--scans 100000] [--rounds 3]

Prints one JSON line a question. Nine in ten scans have completed, the others wait, run or failed, all mixed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import time
from datetime import UTC, datetime

import msgspec

from scanpool.client import ScanPool
from scanpool.runtime.jetstream import Write
from scanpool_schemas import subjects
from scanpool_schemas.scan import AnyScan, state_of
from tests.bench.support.cpu import peak_mib
from tests.bench.support.stand import ROOT, Scanner, Stand, machine, quiet, standing
from tests.support.builders import a_completed_scan, a_failed_scan, a_queued_scan, a_running_scan
from tests.support.processes import SCANPOOL

POOL = "lab"
AT_ONCE = 1000
QUESTIONS: dict[str, dict[str, object]] = {
    "first page": {"limit": 50},
    "failed": {"limit": 50, "status": ["failed"]},
    "running": {"limit": 50, "status": ["running"]},
    "timeout (none)": {"limit": 50, "status": ["timeout"]},
}


def main() -> None:
    """Store the scans and ask."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--scans", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    quiet()
    asyncio.run(measured(parser.parse_args()))


async def measured(options: argparse.Namespace) -> None:
    """Print a line for each question."""
    async with standing({POOL: (Scanner("s1", 1),)}) as stand:
        await store(stand, options.scans)
        for name, question in QUESTIONS.items():
            taken = [await asked(stand, question) for _ in range(options.rounds)]
            told(options.scans, f"library: {name}", taken, peak_mib(os.getpid()))
        for name, arguments in (("first page", []), ("failed", ["--status", "failed"])):
            taken = [command(stand, arguments) for _ in range(options.rounds)]
            told(options.scans, f"command: {name}", taken, None)


async def asked(stand: Stand, question: dict[str, object]) -> tuple[float, float, int]:
    """Wall and CPU seconds of one `list`, and how many scans it answered."""
    async with await ScanPool.connect(stand.nats.url) as client:
        began, cpu = time.monotonic(), time.process_time()
        found = await client.list(pool=POOL, **question)  # type: ignore[arg-type]
        return time.monotonic() - began, time.process_time() - cpu, len(found)


def command(stand: Stand, arguments: list[str]) -> tuple[float, float, int]:
    """The same of `scanpool list` as a process of its own, its start included."""
    began, cpu = time.monotonic(), children_s()
    words = [str(SCANPOOL), "list", "--json", "--nats", stand.nats.url, *arguments]
    done = subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    return time.monotonic() - began, children_s() - cpu, len(json.loads(done.stdout))


def children_s() -> float:
    """CPU seconds of processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def told(scans: int, question: str, taken: list[tuple[float, float, int]], memory_mib: float | None) -> None:
    """Print the least of each."""
    line = {
        "bench": "list",
        "scans": scans,
        "question": question,
        "wall_s": round(min(wall for wall, _, _ in taken), 3),
        "cpu_s": round(min(cpu for _, cpu, _ in taken), 3),
        "answered": taken[0][2],
        **({} if memory_mib is None else {"peak_mib": round(memory_mib)}),
        **machine(),
    }
    print(json.dumps(line), flush=True)


async def store(stand: Stand, scans: int) -> None:
    """The scans, the oldest first."""
    at_once = asyncio.Semaphore(AT_ONCE)
    makers = [a_completed_scan()] * 9
    others: list[AnyScan] = [a_failed_scan(), a_queued_scan(), a_running_scan()]

    async def publish(number: int) -> None:
        kind = others[number // 10 % 3] if number % 10 == 9 else makers[number % 10]
        scan = msgspec.structs.replace(kind, id=f"scan-{number}", pool=POOL, submitted_at=datetime.now(UTC))
        subject = subjects.event(POOL, state_of(scan), scan.id)
        async with at_once:
            await stand.jetstream.publish(Write(subject=subject, body=msgspec.json.encode(scan)))

    for start in range(0, scans, AT_ONCE):
        await asyncio.gather(*(publish(number) for number in range(start, min(scans, start + AT_ONCE))))


if __name__ == "__main__":
    main()
