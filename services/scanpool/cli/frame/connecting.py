"""Commands that talk to NATS: connect, do the work, close."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from scanpool.cli.frame.failures import client_failures
from scanpool.cli.frame.invocation import Invocation
from scanpool.cli.frame.traced import traced

if TYPE_CHECKING:
    from scanpool.client import ScanPool
    from scanpool.runtime.connection import NatsAddress
    from scanpool.runtime.jetstream import JetStream
    from scanpool.runtime.logs import Level

CONNECT_S = 4.0
"""A person waits for the answer: shorter than what a service allows."""

_T = TypeVar("_T")


def with_client(call: Invocation, work: Callable[[ScanPool], Awaitable[_T]]) -> _T:
    """Do the work with the client library.

    Raises:
        Failure: NATS cannot be reached, or what the library refuses.
    """

    async def done(jetstream: JetStream) -> _T:
        from scanpool.client import ScanPool

        return await work(ScanPool(jetstream))

    return with_jetstream(call, done)


def with_jetstream(call: Invocation, work: Callable[[JetStream], Awaitable[_T]], *, log_level: Level = "warning") -> _T:
    """Do the work with JetStream itself; what is logged from `log_level` on is told beside the answer.

    Raises:
        Failure: NATS cannot be reached, or refuses.
    """
    address = call.settings().nats
    call.configure_logs(log_level)
    with client_failures(), traced(call):
        return asyncio.run(_connected(address, work))


async def _connected(address: NatsAddress, work: Callable[[JetStream], Awaitable[_T]]) -> _T:
    from scanpool.runtime.connection import connect
    from scanpool.runtime.jetstream import JetStream

    client = await connect(address, name="scanpool cli", timeout_s=CONNECT_S)
    try:
        return await work(JetStream(client))
    finally:
        if client.is_connected:
            await client.drain()
        else:
            await client.close()
