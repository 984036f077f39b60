"""Reads what a stream holds under a subject from its end: what is wanted mostly is there, however much came before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from scanpool.runtime.jetstream import JetStream, Stored
from scanpool.runtime.sweep import sweep

FIRST_WINDOW = 500
"""Sequences that are read first; each further stretch goes back twice as far."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The first and the last sequence of a stream."""

    first: int
    last: int


async def bounds(jetstream: JetStream, stream: str) -> Bounds:
    """The stream's bounds now.

    Raises:
        BrokerUnavailable, ApiRefused: they could not be read.
    """
    info: dict[str, Any] = await jetstream.api(f"STREAM.INFO.{stream}", None, dict[str, Any])
    return Bounds(int(info["state"]["first_seq"]), int(info["state"]["last_seq"]))


async def stretches(jetstream: JetStream, stream: str, subject: str, within: Bounds) -> AsyncIterator[list[Stored]]:
    """The messages within the bounds, the last stretch of them first; each stretch in the order of its sequences.

    Raises:
        BrokerUnavailable, ApiRefused: they could not be read.
    """
    end, window = within.last + 1, FIRST_WINDOW
    while end > within.first:
        begin = max(within.first, end - window)
        yield await stretch(jetstream, stream, subject, begin, end)
        end, window = begin, 2 * window


async def stretch(jetstream: JetStream, stream: str, subject: str, begin: int, end: int | None = None) -> list[Stored]:
    """The messages from the sequence `begin` on, up to what stands before `end`, or to the last.

    Raises:
        BrokerUnavailable, ApiRefused: they could not be read.
    """
    found: list[Stored] = []
    async with aclosing(sweep(jetstream, stream, subject, begin)) as events:  # type: ignore[type-var]
        async for stored in events:
            if end is not None and stored.sequence >= end:
                break
            found.append(stored)
    return found
