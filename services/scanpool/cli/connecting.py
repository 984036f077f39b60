"""Commands that talk to NATS: connect, do the work, close."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from scanpool.cli.failures import client_failures
from scanpool.cli.invocation import Invocation

if TYPE_CHECKING:
    from scanpool.client import ScanPool
    from scanpool.runtime.connection import NatsAddress
    from scanpool.runtime.jetstream import JetStream

_T = TypeVar("_T")


def with_client(call: Invocation, work: Callable[[ScanPool], Awaitable[_T]]) -> _T:
    """Do the work with the client library.

    Raises:
        Failure: NATS cannot be reached, or what the library refuses.
    """
    return _done(call, lambda address: _with_client(address, work))


def with_jetstream(call: Invocation, work: Callable[[JetStream], Awaitable[_T]]) -> _T:
    """Do the work with JetStream itself.

    Raises:
        Failure: NATS cannot be reached, or refuses.
    """
    return _done(call, lambda address: _with_jetstream(address, work))


def _done(call: Invocation, work: Callable[[NatsAddress], Awaitable[_T]]) -> _T:
    async def done() -> _T:
        return await work(address)

    address = call.settings().nats
    call.configure_logs("warning")
    with client_failures():
        return asyncio.run(done())


async def _with_client(address: NatsAddress, work: Callable[[ScanPool], Awaitable[_T]]) -> _T:
    from scanpool.client import ScanPool

    async with await ScanPool.connect(address.url, credentials=address.credentials, name="scanpool cli") as client:
        return await work(client)


async def _with_jetstream(address: NatsAddress, work: Callable[[JetStream], Awaitable[_T]]) -> _T:
    from scanpool.runtime.connection import connect
    from scanpool.runtime.jetstream import JetStream

    client = await connect(address, name="scanpool cli")
    try:
        return await work(JetStream(client))
    finally:
        await client.drain()
