"""What it costs to follow many running scans with the default intervals: CPU share of services and server.

    python -m tests.bench.bench_running [--scans 10000] [--seconds 120]

Prints one JSON line. The scans have run for 20 minutes, so each is looked at once a minute; they are spread over ten
scanners that answer at once: what a scanner's own API costs to call is not in it. The first looks at all scans, which
come at once as after a restart of everything, are waited for and told apart. Since looks come in waves after it,
`cores` is the cost of a look times the looks of a minute.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from scanpool.runtime.jetstream import Write
from scanpool_schemas import subjects
from scanpool_schemas.keys import Load
from tests.bench.support.cpu import Meter
from tests.bench.support.stand import Scanner, Stand, machine, quiet, standing
from tests.support.builders import a_running_scan

POOL = "lab"
SCANNERS = 10
AGE = timedelta(minutes=20)
AT_ONCE = 256
EVERY_S = 60.0
"""Between two looks at a scan of this age."""
ONE_ROUND_S = 70.0
"""After this every scan has been looked at again, jitter included."""


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--scans", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=120.0, help="how long to measure the steady state")
    quiet()
    asyncio.run(measured(parser.parse_args()))


async def measured(options: argparse.Namespace) -> None:
    """Store the scans, start the services, measure the first round and then the steady state."""
    each = options.scans // SCANNERS
    async with standing({POOL: tuple(Scanner(f"s{n}", each) for n in range(SCANNERS))}) as stand:
        await store(stand, each)
        services = await stand.services("--endless")
        pids = {"nats": stand.nats.pid, "services": services.pid}
        first, looks = Meter(**pids), await naks(stand)
        await asyncio.sleep(ONE_ROUND_S)
        first_cost = first.read()
        meter, looks = Meter(**pids), await naks(stand)
        await asyncio.sleep(options.seconds)
        cost = meter.read()
        looks = await naks(stand) - looks
    line = {
        "bench": "running",
        "scans": options.scans,
        "cores": round(cost.total_s / looks * options.scans / EVERY_S, 3),
        "cores_in_the_window": round(cost.total_s / cost.wall_s, 3),
        "looks_per_s": round(looks / cost.wall_s, 1),
        "cpu_ms_per_look": round(1000 * cost.total_s / looks, 2),
        "cpu_s": cost.cpu_s,
        "seconds": round(cost.wall_s, 1),
        "first_round_cpu_s": round(first_cost.total_s, 1),
        **machine(),
    }
    print(json.dumps(line))


async def store(stand: Stand, each: int) -> None:
    """Scans that run, and the keys that say that they hold their places."""
    at_once, began = asyncio.Semaphore(AT_ONCE), datetime.now(UTC) - AGE

    async def publish(subject: str, value: object) -> None:
        async with at_once:
            await stand.jetstream.publish(Write(subject=subject, body=msgspec.json.encode(value)))

    writes = []
    for scanner in (f"s{n}" for n in range(SCANNERS)):
        ids = tuple(f"{scanner}-{n}" for n in range(each))
        writes.append(publish(subjects.key(POOL, subjects.load_key(scanner)), Load(capacity=each, holders=ids)))
        for number, scan_id in enumerate(ids):
            scan = a_running_scan(
                id=scan_id, pool=POOL, scanner=scanner, scanner_scan_id=number, submitted_at=began, running_at=began
            )
            writes.append(publish(subjects.event(POOL, "running", scan_id), scan))
    await asyncio.gather(*writes)


async def naks(stand: Stand) -> int:
    """How many deliveries of running scans there were so far."""
    operation = f"CONSUMER.INFO.{subjects.pool_stream(POOL)}.running"
    info = await stand.jetstream.api(operation, None, dict[str, Any])
    return int(info["delivered"]["consumer_seq"])


if __name__ == "__main__":
    main()
