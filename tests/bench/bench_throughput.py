"""Scans a second from request to completed, on scanners that answer at once: all that is left is the pipeline.

    python -m tests.bench.bench_throughput [--scans 500] [--pools 1] [--capacity 64] [--rounds 3]

Prints one JSON line a round. With several pools each has a process of services; requests are published by this one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from nats.aio.msg import Msg

from scanpool.runtime.jetstream import Write
from scanpool_schemas import subjects
from scanpool_schemas.request import ScanRequest
from tests.bench.support.cpu import Meter
from tests.bench.support.stand import Scanner, Stand, machine, quiet, standing

REQUEST = msgspec.json.encode(ScanRequest(targets=("10.0.0.0/28",), name="weekly"))
AT_ONCE = 64
"""Requests under way at a time."""
WITHIN_S = 600.0


def main() -> None:
    """Run the rounds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--scans", type=int, default=500, help="a round, over all pools")
    parser.add_argument("--pools", type=int, default=1)
    parser.add_argument("--capacity", type=int, default=64, help="places of each pool's one scanner")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", help="file for the profile of the services (with one pool)")
    quiet()
    asyncio.run(measured(parser.parse_args()))


async def measured(options: argparse.Namespace) -> None:
    """Start everything, then print each round."""
    pools = [f"pool{number}" for number in range(options.pools)]
    extra = ["--profile", options.profile] if options.profile else []
    async with standing({pool: (Scanner("s1", options.capacity),) for pool in pools}) as stand:
        processes = [await stand.services("--pools", pool, *extra) for pool in pools]
        pids = {f"services{number or ''}": each.pid for number, each in enumerate(processes)}
        await completed(stand, pools, 10, "warm")
        for number in range(options.rounds):
            meter = Meter(nats=stand.nats.pid, **pids)
            await completed(stand, pools, options.scans, f"round{number}")
            cost = meter.read()
            line = {
                "bench": "throughput",
                "scans": options.scans,
                "pools": options.pools,
                "capacity": options.capacity,
                "scans_per_s": round(options.scans / cost.wall_s, 1),
                "cpu_ms_per_scan": round(1000 * cost.total_s / options.scans, 2),
                "wall_s": round(cost.wall_s, 2),
                "cpu_s": cost.cpu_s,
                "scans_per_s_if_two_cores_were_ours": round(2 * options.scans / cost.total_s, 1),
                **machine(),
            }
            print(json.dumps(line), flush=True)


async def completed(stand: Stand, pools: list[str], scans: int, name: str) -> None:
    """Ask for the scans and wait until the last has completed."""
    async with ends(stand, scans) as over:
        at_once = asyncio.Semaphore(AT_ONCE)

        async def ask(number: int) -> None:
            async with at_once:
                subject = subjects.requested(pools[number % len(pools)], f"{name}-{number}")
                await stand.jetstream.publish(Write(subject=subject, body=REQUEST))

        await asyncio.gather(*(ask(number) for number in range(scans)))
        async with asyncio.timeout(WITHIN_S):
            await over.wait()


@asynccontextmanager
async def ends(stand: Stand, scans: int) -> AsyncIterator[asyncio.Event]:
    """Set once that many scans have completed; one that fails ends the benchmark."""
    over, left = asyncio.Event(), scans

    async def heard(message: Msg) -> None:
        nonlocal left
        left -= 1
        if ".failed." in message.subject:
            print(json.dumps({"failed": message.subject, "body": message.data.decode()[:2000]}))
        if left == 0:
            over.set()

    done = await stand.jetstream.client.subscribe("scan.*.completed.*", cb=heard)
    failed = await stand.jetstream.client.subscribe("scan.*.failed.*", cb=heard)
    await stand.jetstream.client.flush()
    try:
        yield over
    finally:
        await done.unsubscribe()
        await failed.unsubscribe()


if __name__ == "__main__":
    main()
