"""What the pipeline adds to one scan alone on an idle system: from the request to its completed event.

    python -m tests.bench.bench_latency [--scans 50]

Prints one JSON line. The scanner is done with a scan once it has launched it, and the first look at a running scan
comes at once, so that no poll interval and no scan time is in it; reading a small report is.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time

from tests.bench.bench_throughput import completed
from tests.bench.support.cpu import Meter
from tests.bench.support.stand import Scanner, machine, quiet, standing


def main() -> None:
    """Run the scans, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--scans", type=int, default=50)
    quiet()
    asyncio.run(measured(parser.parse_args()))


async def measured(options: argparse.Namespace) -> None:
    """Start everything, time each scan, print."""
    async with standing({"lab": (Scanner("s1", 2),)}) as stand:
        services = await stand.services()
        await completed(stand, ["lab"], 5, "warm")
        meter, took_ms = Meter(nats=stand.nats.pid, services=services.pid), []
        for number in range(options.scans):
            began = time.monotonic()
            await completed(stand, ["lab"], 1, f"scan{number}")
            took_ms.append(1000 * (time.monotonic() - began))
        cost = meter.read()
    deciles = statistics.quantiles(took_ms, n=20)
    line = {
        "bench": "latency",
        "scans": options.scans,
        "least_ms": round(min(took_ms), 1),
        "median_ms": round(statistics.median(took_ms), 1),
        "p95_ms": round(deciles[-1], 1),
        "cpu_ms_per_scan": round(1000 * cost.total_s / options.scans, 1),
        "cpu_s": cost.cpu_s,
        **machine(),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
