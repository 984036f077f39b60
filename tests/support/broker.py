"""A real nats-server with scanpool's topology, which tests may kill, freeze and start again."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio

from scanpool.runtime.backoff import Backoff
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.embedded_nats import EmbeddedNats, EmbeddedOptions
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.pull import Puller
from scanpool.runtime.settle import Settler
from scanpool.runtime.topology.apply import apply
from scanpool.runtime.topology.definitions import topology
from tests.support.pipeline import connected_jetstream
from tests.support.ports import own_port

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Broker:
    """A nats-server on a store and port of its own."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._nats = EmbeddedNats(EmbeddedOptions(store=store, port=own_port()))

    async def __aenter__(self) -> Broker:
        await self._nats.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._nats.__aexit__(None, None, None)

    @property
    def url(self) -> str:
        return self._nats.url

    @property
    def port(self) -> int:
        return self._nats.port

    async def restart(self) -> None:
        """Kill it (SIGKILL) and start it again on the same store and port."""
        await self.kill()
        await self.start_again()

    async def kill(self) -> None:
        """End it as a power cut would."""
        os.kill(self._nats.pid, signal.SIGKILL)
        await self._nats.ended()
        await self._nats.__aexit__(None, None, None)

    async def stop(self) -> None:
        """End it as an operator would (SIGTERM)."""
        await self._nats.__aexit__(None, None, None)

    async def start_again(self) -> None:
        """Start it after a `kill` or a `stop`, on the same store and port."""
        self._nats = EmbeddedNats(EmbeddedOptions(store=self._store, port=self._nats.port))
        await self._nats.__aenter__()

    async def keeps(self, consumer: str, *, acknowledged: int) -> None:
        """Wait until it is on disk that so many deliveries are acknowledged: that is written a moment later."""
        (state,) = self._store.glob(f"**/obs/{consumer}/o.dat")
        with anyio.fail_after(60):
            while _ack_floor(state.read_bytes()) < acknowledged:
                await anyio.sleep(0.02)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It does not answer while entered (SIGSTOP)."""
        os.kill(self._nats.pid, signal.SIGSTOP)
        try:
            deadline = time.monotonic() + 60
            while not _all_stopped(self._nats.pid):  # threads on other cores run on for a moment
                assert time.monotonic() < deadline, "nats-server does not stop"
                time.sleep(0.001)
            yield
        finally:
            os.kill(self._nats.pid, signal.SIGCONT)


def _ack_floor(state: bytes) -> int:
    """Of a consumer's file: it is the first number after two bytes, with seven bits a byte, the lowest first."""
    floor = 0
    for place, byte in enumerate(state[2:]):
        floor |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            break
    return floor


def _all_stopped(pid: int) -> bool:
    tasks = Path(f"/proc/{pid}/task").glob("*/stat")
    return all(task.read_text().rpartition(") ")[2].startswith("T") for task in tasks)


@dataclass
class Stand:
    """A broker and a connection to it."""

    broker: Broker
    jetstream: JetStream
    stack: AsyncExitStack = field(repr=False)

    async def connection(self) -> JetStream:
        """One more connection."""
        return await self.stack.enter_async_context(connected_jetstream(self.broker.url))

    async def puller(self, stream: str, consumer: str, **options: Any) -> Puller:
        """A puller that pulls already."""
        puller = Puller(self.jetstream.client, stream, consumer, **options)
        await puller.start()
        self.stack.push_async_callback(puller.stop)
        return puller

    async def stream(self, name: str, **config: Any) -> None:
        """A stream with subjects `<name>.>`."""
        config = {"name": name, "subjects": [f"{name}.>"], **config}
        await self.jetstream.api(f"STREAM.CREATE.{name}", config, dict[str, Any])

    async def consumer(self, stream: str, name: str, **config: Any) -> None:
        """A durable consumer."""
        config = {"name": name, "durable_name": name, "ack_policy": "explicit", "max_deliver": -1, **config}
        request = {"stream_name": stream, "config": config, "action": ""}
        await self.jetstream.api(f"CONSUMER.CREATE.{stream}.{name}", request, dict[str, Any])

    async def info(self, stream: str, consumer: str) -> dict[str, Any]:
        """The consumer's state."""
        return await self.jetstream.api(f"CONSUMER.INFO.{stream}.{consumer}", None, dict[str, Any])


@asynccontextmanager
async def running_broker() -> AsyncIterator[Broker]:
    """A nats-server whose store is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="scanpool-test-") as folder:
        async with Broker(Path(folder)) as broker:
            yield broker


@asynccontextmanager
async def standing(pools: Sequence[str] = ()) -> AsyncIterator[Stand]:
    """A broker with the topology of the pools (none at all without pools), and a connection to it."""
    async with running_broker() as broker, AsyncExitStack() as stack:
        jetstream = await stack.enter_async_context(connected_jetstream(broker.url))
        if pools:
            await apply(jetstream, topology(pools, replicas=1))
        yield Stand(broker, jetstream, stack)


def settler(jetstream: JetStream) -> Settler:
    """A settler whose waits are as short as can be."""
    backoff = Backoff(first=timedelta(milliseconds=100), cap=timedelta(milliseconds=100))
    return Settler(jetstream, jitter=lambda: 1.0, now=lambda: NOON, backoff=backoff)


async def within(seconds: float, puller: Puller) -> Delivery:
    """The puller's next delivery, `TimeoutError` if it takes longer."""
    with anyio.fail_after(seconds):
        return await puller.next()
