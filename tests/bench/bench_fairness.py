"""Whether a flood in one pool delays another, and whether a flood of high priority starves the low lane.

    python -m tests.bench.bench_fairness [--scans 200] [--flood 1000] [--rounds 2]

Prints one JSON line. In turns, each scan of the idle pool is asked for alone, and while the other pool holds the flood
in its queue and its one scanner is full; what is measured is the time from request to `launching`. Then a third pool is
given a backlog of all lanes, and the least number of low ones in any ten launches in a row is counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from nats.aio.msg import Msg

from scanpool.runtime.jetstream import Write
from scanpool_schemas import subjects
from scanpool_schemas.request import Priority, ScanRequest
from scanpool_schemas.scan import lane_state
from tests.bench.support.stand import Scanner, Stand, machine, quiet, standing

QUIET, FLOODED, LANES = "quiet", "flooded", "lanes"
LARGEST = 1_000
"""Scans that a scanner may have at once."""
AT_ONCE = 64
WITHIN_S = 300.0
IN_A_ROW = 10


def main() -> None:
    """Run the rounds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--scans", type=int, default=200, help="of the idle pool, of each part of a round")
    parser.add_argument("--flood", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=2)
    quiet()
    asyncio.run(measured(parser.parse_args()))


async def measured(options: argparse.Namespace) -> None:
    """Take turns between a quiet system and a flooded one, then look at the lanes."""
    waits: dict[str, list[float]] = {"alone": [], "beside": []}
    async with standing(pools(2 * options.scans * options.rounds)) as stand:
        await stand.services("--endless")
        for number in range(options.rounds):
            await ask_and_wait(stand, options.scans, f"alone{number}", waits["alone"])
            await flood(stand, options.flood, f"flood{number}")
            await ask_and_wait(stand, options.scans, f"beside{number}", waits["beside"])
            await drain(stand)
        order = await launched_under_backlog(stand)
    p95 = {name: 1000 * statistics.quantiles(found, n=20)[-1] for name, found in waits.items()}
    median = {name: 1000 * statistics.median(found) for name, found in waits.items()}
    windows = [order[n : n + IN_A_ROW] for n in range(len(order) - IN_A_ROW + 1)]
    line = {
        "bench": "fairness",
        "scans": options.scans * options.rounds,
        "flood": options.flood,
        "median_ms": {name: round(value, 1) for name, value in median.items()},
        "p95_ms": {name: round(value, 1) for name, value in p95.items()},
        "p95_grows_percent": round(100 * (p95["beside"] / p95["alone"] - 1), 1),
        "launches_under_backlog": len(order),
        "least_low_in_ten": min(window.count("low") for window in windows),
        **machine(),
    }
    print(json.dumps(line))


def pools(idle: int) -> dict[str, tuple[Scanner, ...]]:
    """The pools, with room for all scans of the idle one: they do not end."""
    enough = tuple(Scanner(f"s{number}", LARGEST) for number in range(1 + idle // LARGEST))
    return {QUIET: enough, FLOODED: (Scanner("s0", 1),), LANES: (Scanner("s0", LARGEST),)}


async def ask(stand: Stand, pool: str, scan_id: str, priority: Priority = "normal") -> None:
    """Ask for a scan."""
    request = ScanRequest(targets=("10.0.0.0/28",), name="weekly", priority=priority)
    await stand.jetstream.publish(Write(subject=subjects.requested(pool, scan_id), body=msgspec.json.encode(request)))


async def ask_and_wait(stand: Stand, scans: int, name: str, waits: list[float]) -> None:
    """One scan of the idle pool after the other; adds the seconds until each launched."""
    async with hearing(stand, subjects.event(QUIET, "launching", "*")) as launched:
        for number in range(scans):
            began, scan_id = time.monotonic(), f"{name}-{number}"
            await ask(stand, QUIET, scan_id)
            async with asyncio.timeout(WITHIN_S):
                while await launched.get() != scan_id:
                    pass
            waits.append(time.monotonic() - began)


async def flood(stand: Stand, scans: int, name: str) -> None:
    """Fill the other pool's queue, and wait until all of it is admitted."""
    async with hearing(stand, subjects.event(FLOODED, "queued-normal", "*")) as queued:
        at_once = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> None:
            async with at_once:
                await ask(stand, FLOODED, f"{name}-{number}")

        await asyncio.gather(*(one(number) for number in range(scans)))
        async with asyncio.timeout(WITHIN_S):
            for _ in range(scans):
                await queued.get()


async def drain(stand: Stand) -> None:
    """Take the flood away, but for what holds the scanner's place."""
    await stand.jetstream.purge(
        subjects.pool_stream(FLOODED), subjects.event(FLOODED, "queued-normal", "*"), below=2**62
    )


async def launched_under_backlog(stand: Stand) -> list[str]:
    """The lanes of launches, in their order, while every lane still has some waiting."""
    lanes: dict[Priority, int] = {"low": 40, "normal": 60, "high": 120}
    await pause(stand, paused=True)
    for lane, scans in lanes.items():
        async with hearing(stand, subjects.event(LANES, lane_state(lane), "*")) as queued:
            await asyncio.gather(*(ask(stand, LANES, f"{lane}-{number}", lane) for number in range(scans)))
            async with asyncio.timeout(WITHIN_S):
                for _ in range(scans):
                    await queued.get()
    async with hearing(stand, subjects.event(LANES, "launching", "*")) as launched:
        await pause(stand, paused=False)
        order: dict[str, str] = {}  # a launch is told twice, as a claim and then with its intent
        async with asyncio.timeout(WITHIN_S):
            while list(order.values()).count("high") < lanes["high"]:
                scan_id = await launched.get()
                order[scan_id] = scan_id.partition("-")[0]
    return list(order.values())


async def pause(stand: Stand, *, paused: bool) -> None:
    """Hold the pool of lanes back, or let it go."""
    hold = {"by": "bench", "since": "2026-01-01T00:00:00Z"} if paused else None
    body = msgspec.json.encode({"paused": hold})
    await stand.jetstream.publish(Write(subject=subjects.key(LANES, subjects.CONTROL_KEY), body=body))


@asynccontextmanager
async def hearing(stand: Stand, subject: str) -> AsyncIterator[asyncio.Queue[str]]:
    """The ids of scans as their events come."""
    found: asyncio.Queue[str] = asyncio.Queue()

    async def heard(message: Msg) -> None:
        found.put_nowait(message.subject.rsplit(".", 1)[1])

    async with stand.jetstream.hearing(subject, heard):
        yield found


if __name__ == "__main__":
    main()
