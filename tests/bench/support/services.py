"""Runs the services with scanners that answer at once, as a process of its own, until SIGTERM.

    python -m tests.bench.support.services --nats URL --config FILE [--endless] [--profile FILE]

Prints `ready` when every job pulls. It logs as services do.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import anyio

from scanpool.cli.running.assembly import SERVICES, ServiceName, global_jobs, pool_work
from scanpool.cli.running.counting import count_delivery
from scanpool.cli.running.process import Host, host_of
from scanpool.coordination import registry
from scanpool.runtime import logs
from scanpool.runtime.configuration import LiveConfiguration, rules_of
from scanpool.runtime.connection import NatsAddress, connect
from scanpool.runtime.process import every, signals
from scanpool.runtime.settings import Settings
from scanpool.runtime.span_export import record_spans
from scanpool.runtime.worker import Job, Worker
from scanpool.scanners.guard import Guarded
from scanpool.scanners.nessus import ExportLimits
from scanpool.scanners.scanner import Scanner
from tests.bench.support.instant_scanner import InstantFleet


def main() -> None:
    """Run until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--nats", required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--pools", default="")
    parser.add_argument("--services", default=",".join(SERVICES))
    parser.add_argument("--endless", action="store_true")
    parser.add_argument("--profile", type=Path)
    options = parser.parse_args()
    logs.configure()
    pools = tuple(pool for pool in options.pools.split(",") if pool)
    settings = Settings(nats=NatsAddress(url=options.nats), pools=pools)
    chosen = tuple(name for name in SERVICES if name in options.services.split(","))
    work = run(chosen, settings, LiveConfiguration(options.config, {}), endless=options.endless)
    if options.profile is None:
        asyncio.run(work)
        return
    with cProfile.Profile(time.process_time) as profile:
        asyncio.run(work)
    profile.dump_stats(options.profile)


async def run(services: tuple[ServiceName, ...], settings: Settings, live: LiveConfiguration, *, endless: bool) -> None:
    """The services' jobs, and their looks at scanners, as the runner of `scanpool run` starts them."""
    record_spans()
    client = await connect(settings.nats, name="scanpool bench")
    host = host_of(client, settings, live)
    fleet = _fleet(host, live)
    fleet.endless = endless
    host = replace(host, fleet=fleet)
    pools, stopping = fleet.pools(), asyncio.Event()
    for pool in pools:
        await registry.register(host.jetstream, pool, rules_of(pool, live.current))
    with signals(stopping):
        async with anyio.create_task_group() as tasks:
            for service in services:
                for job in global_jobs(service, host, lambda: pools):
                    tasks.start_soon(_work, host, job, stopping)
                for pool in pools:
                    work = pool_work(service, host, pool)
                    for job in work.jobs:
                        tasks.start_soon(_work, host, job, stopping)
                    if work.look is not None:
                        await work.look()
                        tasks.start_soon(_keep_looking, work.look, settings.readiness_every.total_seconds(), stopping)
                    if work.probe is not None:
                        tasks.start_soon(_keep_looking, work.probe, 1.0, stopping)
            print("ready", flush=True)
    await client.close()


def _fleet(host: Host, live: LiveConfiguration) -> InstantFleet:
    settings = host.settings

    def guarded(pool: str, name: str, scanner: Scanner) -> Scanner:
        return Guarded(scanner, host.breakers, pool, name, settings.breaker.counted)

    return InstantFleet(
        lambda: live.current,
        pools=settings.pools,
        timeout=settings.scanner_timeout,
        exports=ExportLimits(),
        observe=lambda *_: None,
        guard=guarded,
    )


async def _work(host: Host, job: Job, stopping: asyncio.Event) -> None:
    await Worker(
        job,
        host.settler,
        observe=lambda delivery, outcome: count_delivery(host.metrics, delivery, outcome),
    ).run(stopping, host.settings.grace)


async def _keep_looking(look: Callable[[], Awaitable[None]], seconds: float, stopping: asyncio.Event) -> None:
    while await every(seconds, stopping):
        await look()


if __name__ == "__main__":
    main()
