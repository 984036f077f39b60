"""The addresses of hostnames."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

Resolver: TypeAlias = Callable[[str], Awaitable[tuple[str, ...]]]
"""The addresses of a hostname; empty where it has none."""

RESOLVE_S = 5.0
_AT_ONCE = 32


async def resolve(hostname: str) -> tuple[str, ...]:
    """The addresses of a hostname by the system's resolver; empty where it has none or takes too long."""
    try:
        async with asyncio.timeout(RESOLVE_S):
            found = await asyncio.get_running_loop().getaddrinfo(hostname, None, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(address[4][0]) for address in found))


async def resolved(hostnames: Iterable[str], resolver: Resolver = resolve) -> dict[str, tuple[str, ...]]:
    """The addresses of each hostname, looked up at once."""
    at_once = asyncio.Semaphore(_AT_ONCE)
    names = tuple(dict.fromkeys(hostnames))

    async def one(name: str) -> tuple[str, ...]:
        async with at_once:
            return await resolver(name)

    found = await asyncio.gather(*map(one, names))
    return dict(zip(names, found, strict=True))
