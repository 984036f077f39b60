"""What a hop costs: a delivery pulled, its scan read, the next event committed, the delivery settled.

    python -m tests.bench.bench_hop [--scans 500] [--rounds 3] [--at-once 64]

Prints one JSON line a round: CPU milliseconds per scan and stage, of all processes, nats-server included.
`bare` is nats-py alone: jobs of 560 bytes through three durables, pulled in batches, published without waiting for
each, acked. `plain` takes scans through two stages whose commits are one publish (exporting, validating), `placed`
through one whose commit gives a place back as well (running), an atomic batch. The three take turns.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import TypeVar

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig

from scanpool.coordination import transitions
from scanpool.coordination.ledger import Ledger
from scanpool.coordination.stage import Answer, Clockwork, Move, Stage
from scanpool.coordination.transitions import Mark
from scanpool.runtime.backoff import Backoff
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.jetstream import JetStream, Write
from scanpool.runtime.pull import Puller
from scanpool.runtime.settle import Settler
from scanpool.runtime.worker import Handler, Job, Worker
from scanpool_schemas import subjects
from scanpool_schemas.keys import Load
from scanpool_schemas.scan import AnyScan, By, Exporting, Running, StateName, Validating, state_of
from tests.bench.support.cpu import Meter
from tests.bench.support.stand import Scanner, Stand, machine, quiet, standing
from tests.support.builders import a_result, a_running_scan, an_export, an_exporting_scan

POOL = "lab"
PAYLOAD = b"x" * 560
STAGES = 3
BATCH = 100
WITHIN_S = 600.0

_ScanT = TypeVar("_ScanT", bound=AnyScan)


def main() -> None:
    """Run the rounds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--scans", type=int, default=500, help="jobs or scans of each part of a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=64, help="deliveries handled at a time by each stage")
    quiet()
    asyncio.run(measured(parser.parse_args()))


async def measured(options: argparse.Namespace) -> None:
    """Print each round."""
    async with standing({POOL: (Scanner("a", 1),)}) as stand:
        await (await staged(stand, [an_exporting_scan(id=f"warm-{n}") for n in range(50)], options.at_once))()
        for number in range(options.rounds):
            bare = await cost_ms(stand, options.scans * STAGES, await bare_jobs(stand, options.scans, number))
            exporting = [an_exporting_scan(id=f"p{number}-{n}") for n in range(options.scans)]
            plain = await cost_ms(stand, options.scans * 2, await staged(stand, exporting, options.at_once))
            running = [a_running_scan(id=f"r{number}-{n}") for n in range(options.scans)]
            placed = await cost_ms(stand, options.scans, await staged(stand, running, options.at_once))
            line = {
                "bench": "hop",
                "scans": options.scans,
                "bare_ms": round(bare, 3),
                "plain_ms": round(plain, 3),
                "placed_ms": round(placed, 3),
                "ratio_plain": round(plain / bare, 2),
                "ratio_placed": round(placed / bare, 2),
                **machine(),
            }
            print(json.dumps(line), flush=True)


async def cost_ms(stand: Stand, hops: int, work: Callable[[], Awaitable[None]]) -> float:
    """CPU milliseconds a hop of this process and the server."""
    meter = Meter(nats=stand.nats.pid, ours=os.getpid())
    async with asyncio.timeout(WITHIN_S):
        await work()
    return 1000 * meter.read().total_s / hops


async def bare_jobs(stand: Stand, jobs: int, number: int) -> Callable[[], Awaitable[None]]:
    """A stream with the jobs in it, and what takes them through its stages."""
    client = stand.jetstream.client
    context = client.jetstream(timeout=30, publish_async_max_pending=4000)
    name = f"bare{number}"
    await context.add_stream(name=name, subjects=[f"{name}.*"])
    for stage in range(STAGES):
        config = ConsumerConfig(
            durable_name=f"stage{stage}",
            filter_subject=f"{name}.{stage}",
            ack_policy=AckPolicy.EXPLICIT,
            max_ack_pending=20_000,
        )
        await context.add_consumer(name, config)
    for _ in range(jobs):
        await context.publish_async(f"{name}.0", PAYLOAD)
    await context.publish_async_completed()

    async def work() -> None:
        await asyncio.gather(*(bare_stage(client, context, name, stage, jobs) for stage in range(STAGES)))

    return work


async def bare_stage(client: Client, context: JetStreamContext, name: str, stage: int, jobs: int) -> None:
    """Pull batches; publish each job to the next stage and ack it."""
    subscription = await context.pull_subscribe_bind(durable=f"stage{stage}", stream=name)
    done = 0
    while done < jobs:
        try:
            messages = await subscription.fetch(BATCH, timeout=1)
        except nats.errors.TimeoutError:
            continue
        for message in messages:
            await context.publish_async(f"{name}.{stage + 1}", message.data)
            await message.ack()
        done += len(messages)
    await context.publish_async_completed()
    await client.flush()


async def staged(stand: Stand, scans: Sequence[AnyScan], at_once: int) -> Callable[[], Awaitable[None]]:
    """Scans as they are stored, and what takes them to where no stage of these goes on."""
    jetstream = stand.jetstream
    for scan in scans:
        subject = subjects.event(POOL, state_of(scan), scan.id)
        await jetstream.publish(Write(subject=subject, body=msgspec.json.encode(scan)))
    load = Load(capacity=len(scans), holders=tuple(f"other-{n}" for n in range(16)))
    await jetstream.publish(Write(subject=subjects.key(POOL, subjects.load_key("a")), body=msgspec.json.encode(load)))
    begins: StateName = state_of(scans[0])
    states: tuple[StateName, ...] = ("exporting", "validating") if begins == "exporting" else ("running",)

    async def work() -> None:
        await Stages(jetstream, at_once).run(states, len(scans))

    return work


class Stages:
    """The pipeline's own machinery, with handlers that only decide."""

    def __init__(self, jetstream: JetStream, at_once: int) -> None:
        self._jetstream = jetstream
        self._at_once = at_once
        self._ledger = Ledger(jetstream, source="scanpool/bench")
        self._settler = Settler(jetstream, jitter=lambda: 0.5, now=_now)
        self._clockwork = Clockwork(
            now=_now,
            jitter=lambda: 0.5,
            nonce=lambda: token_hex(8),
            backoff=Backoff(first=timedelta(seconds=1), cap=timedelta(seconds=1), attempts=3),
        )

    async def run(self, states: tuple[StateName, ...], scans: int) -> None:
        """Until that many scans have left the last of the states."""
        stopping, left = asyncio.Event(), scans

        def observe(delivery: Delivery, _outcome: str) -> None:
            nonlocal left
            left -= delivery.consumer == states[-1]
            if left == 0:
                stopping.set()

        workers = [Worker(self._job(state), self._settler, observe=observe) for state in states]
        await asyncio.gather(*(worker.run(stopping, timedelta(seconds=10)) for worker in workers))

    def _job(self, state: StateName) -> Job:
        source = Puller(self._jetstream.client, subjects.pool_stream(POOL), state, credit=self._at_once)
        return Job(name="bench", source=source, handler=self._handler(state), concurrency=self._at_once)

    def _handler(self, state: StateName) -> Handler:
        match state:
            case "running":
                return self._stage(Running, self._scanned)
            case "exporting":
                return self._stage(Exporting, self._exported)
            case _:
                return self._stage(Validating, self._completed)

    def _stage(self, kind: type[_ScanT], handle: Callable[[_ScanT], Awaitable[Answer]]) -> Stage[_ScanT]:
        return Stage(self._ledger, self._clockwork, kind, handle)

    async def _scanned(self, scan: Running) -> Answer:
        return Move(change=transitions.scanned(scan, _mark("poller")))

    async def _exported(self, scan: Exporting) -> Answer:
        return Move(change=transitions.exported(scan, an_export(), _mark("poller")))

    async def _completed(self, scan: Validating) -> Answer:
        return Move(change=transitions.completed(scan, a_result(), _mark("validator")))


def _mark(by: By) -> Mark:
    return Mark(at=_now(), by=by, nonce=token_hex(8))


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
