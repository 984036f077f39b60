"""Reads all that a stream holds under a subject, as fast as the server sends it.

One ephemeral consumer without acks, pulled in batches, whose deliveries are counted: what was lost on the way is
noticed, never passed over. In a cluster the server may place the consumer on a replica that is a moment behind: what
is decided by a sweep is held against the stream's last word by a condition, or by a read, before it is acted on.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from scanpool.runtime.errors import BrokerError, BrokerUnavailable
from scanpool.runtime.jetstream import JetStream, Stored

BATCH = 250
"""Messages of one pull: few enough to hold in memory when each is as large as a message can be."""
ANSWER_S = 10.0
AGAIN_S = 0.05
"""When to pull again where nobody answers: in a cluster a consumer that was just made is not known everywhere yet."""
_NOBODY = "503"
_PULL = msgspec.json.encode({"batch": BATCH, "no_wait": True})
_NOTHING_LEFT = {"404", "408"}
_TOKENS = 9
"""Of a reply subject without domain and account."""
_UNUSED_NS = 30_000_000_000
"""How long the server keeps a consumer of ours that nobody pulls from any more."""


async def sweep(jetstream: JetStream, stream: str, subject: str, first: int = 1) -> AsyncIterator[Stored]:
    """Each message from the sequence on that fits the filter, in the order of their sequences, up to the last.

    Raises:
        ApiRefused: there is no such stream.
        BrokerUnavailable: NATS did not answer, or a message was lost on the way; what came before it was in order.
    """
    async with _consumer(jetstream, stream, subject, first) as pulls:
        expected = 1
        while batch := await pulls.next():
            for message in batch:
                stored, place = _read(message)
                if place != expected:
                    raise BrokerUnavailable(f"reading {stream}: message {expected} was lost on the way")
                expected += 1
                yield stored


class _Pulls:
    """Batches of one consumer; one pull is under way at a time."""

    def __init__(self, client: Client, subject: str) -> None:
        self._client = client
        self._subject = subject
        self._inbox = client.new_inbox()
        self._batch: list[Msg] = []
        self._over = asyncio.Event()
        self._at_end = False
        self._nobody = False

    async def next(self) -> list[Msg]:
        """What the consumer has next; nothing where it has no more.

        Raises:
            BrokerUnavailable: it did not answer.
        """
        if self._at_end:
            return []
        try:
            async with asyncio.timeout(ANSWER_S):
                while not await self._is_answered():
                    await asyncio.sleep(AGAIN_S)
        except (nats.errors.Error, TimeoutError, OSError) as error:
            raise BrokerUnavailable(f"{self._subject}: {str(error) or type(error).__name__}") from error
        return self._batch

    async def _is_answered(self) -> bool:
        self._batch, self._nobody = [], False
        self._over.clear()
        await self._client.publish(self._subject, _PULL, reply=self._inbox)
        await self._over.wait()
        return not self._nobody

    async def received(self, message: Msg) -> None:
        """A message of the batch, or the word that there is no more."""
        if message.reply:
            self._batch.append(message)
            if len(self._batch) == BATCH:
                self._over.set()
            return
        status = (message.headers or {}).get("Status", "")
        self._nobody = status == _NOBODY
        self._at_end = status in _NOTHING_LEFT
        if self._nobody or self._at_end:
            self._over.set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[_Pulls]:
        """Listening for what is pulled."""
        subscription = await self._client.subscribe(
            self._inbox, cb=self.received, pending_msgs_limit=-1, pending_bytes_limit=-1
        )
        try:
            yield self
        finally:
            with suppress(nats.errors.Error):  # the connection is closed, or going to be
                await subscription.unsubscribe()


@asynccontextmanager
async def _consumer(jetstream: JetStream, stream: str, subject: str, first: int) -> AsyncIterator[_Pulls]:
    name = f"sweep-{secrets.token_hex(8)}"
    config = {
        "name": name,
        "description": "A reader that is gone in a moment",
        "deliver_policy": "by_start_sequence",
        "opt_start_seq": max(1, first),
        "ack_policy": "none",
        "filter_subject": subject,
        "inactive_threshold": _UNUSED_NS,
        "mem_storage": True,
        "num_replicas": 1,
    }
    request = {"stream_name": stream, "config": config, "action": "create"}
    await jetstream.api(f"CONSUMER.CREATE.{stream}.{name}.{subject}", request, dict[str, Any])
    try:
        async with _Pulls(jetstream.client, f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}").open() as pulls:
            yield pulls
    finally:
        with suppress(BrokerError):  # the server removes it by itself
            await jetstream.api(f"CONSUMER.DELETE.{stream}.{name}", None, dict[str, Any])


def _read(message: Msg) -> tuple[Stored, int]:
    """The message as the stream holds it, and which of the consumer's messages it is (`$JS.ACK.…`, NATS ADR-15)."""
    tokens = message.reply.split(".")
    if len(tokens) > _TOKENS:
        tokens = tokens[:2] + tokens[4:]
    sequence, place, stored_ns = (int(token) for token in tokens[5:8])
    stored = Stored(
        subject=message.subject,
        sequence=sequence,
        body=message.data,
        headers=dict(message.headers or {}),
        time=datetime.fromtimestamp(stored_ns / 1e9, tz=UTC),
    )
    return stored, place
