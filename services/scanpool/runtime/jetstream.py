"""The few JetStream calls the pipeline makes, with answers and errors that say what a caller can do.

They go over the raw API: nats-py hides what decides here (error codes, sequences, batch headers).
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from scanpool.runtime.delivery import Server, server_of
from scanpool.runtime.errors import AnswerMissing, BrokerError, BrokerUnavailable, MessageTooLarge, PublishUnknown
from scanpool.runtime.jetstream_answers import ABSENT, NO_LEADER, Answer, GetAnswer, PubAck, RawMessage, publish_refusal
from scanpool_schemas import decoding

EXPECTED_SEQUENCE = "Nats-Expected-Last-Subject-Sequence"
EXPECTED_OVER = "Nats-Expected-Last-Subject-Sequence-Subject"

_HEADER_OVERHEAD_BYTES = 32


class _NoAnswer(BrokerUnavailable):
    """A request was sent, and whether it was carried out is not known."""


class ApiRefused(BrokerError):
    """The JetStream API answered a call with an error."""

    def __init__(self, operation: str, code: int, description: str) -> None:
        super().__init__(f"{operation}: {description} (JetStream error {code})")
        self.code = code

    @property
    def is_absence(self) -> bool:
        """There is no such stream, or no such consumer."""
        return self.code in ABSENT


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """A message as the stream holds it."""

    subject: str
    sequence: int
    body: bytes
    headers: dict[str, str]
    time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """One message to store, and the condition on which it is stored."""

    subject: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    expected_sequence: int | None = None
    """The last sequence that the subject must have; 0 is none at all; None asks for nothing."""
    expected_over: str | None = None
    """The subject filter over which the sequence is meant, where it is not the message's own."""

    def all_headers(self) -> dict[str, str]:
        """The message's headers with those of its condition."""
        headers = dict(self.headers)
        if self.expected_sequence is not None:
            headers[EXPECTED_SEQUENCE] = str(self.expected_sequence)
        if self.expected_over is not None:
            headers[EXPECTED_OVER] = self.expected_over
        return headers


_T = TypeVar("_T")


class JetStream:
    """JetStream over one connection."""

    def __init__(
        self, client: Client, *, timeout_s: float = 5.0, away_s: float | None = None, batches_at_once: int = 16
    ) -> None:
        self.client = client
        self._timeout_s = timeout_s
        self._away_s = timeout_s if away_s is None else away_s
        """How long a request waits that is made while there is no connection: in case one comes."""
        self._batches = asyncio.Semaphore(batches_at_once)

    @property
    def server(self) -> Server | None:
        """The server that it is connected to; None while it is to none."""
        return server_of(self.client)

    async def last(self, stream: str, subject: str) -> Stored | None:
        """The last message of the subject, which may be a filter; read from the stream's leader.

        Raises:
            BrokerUnavailable: no answer.
            TopologyMissing: there is no such stream.
        """
        return await self._get(stream, {"last_by_subj": subject})

    async def at(self, stream: str, sequence: int) -> Stored | None:
        """The message with the sequence."""
        return await self._get(stream, {"seq": sequence})

    async def next_from(self, stream: str, sequence: int, subject: str) -> Stored | None:
        """The first message at or after the sequence whose subject fits the filter."""
        return await self._get(stream, {"seq": sequence, "next_by_subj": subject})

    async def publish(self, write: Write) -> int:
        """Store one message and answer its sequence.

        Raises:
            PublishUnknown: no answer; it may have been stored.
            BrokerUnavailable: no stream takes it now, or NATS is full (`StoreFull`); it was not stored.
            SequenceMoved, SubjectFull, MessageTooLarge, PublishRefused: it was not stored.
        """
        return await self._acknowledged(write.subject, write.body, write.all_headers())

    async def publish_together(self, writes: Sequence[Write]) -> int:
        """Store all messages or none, in one stream; answers the sequence of the last.

        Raises: as `publish`; a condition that fails in any of them stores none.
        """
        *members, final = _batch(writes)
        for member in (*members, final):
            self._check_size(member.body, member.headers)
        async with self._batches:
            for member in members:
                await self._sent(member.subject, member.body, dict(member.headers))
            return await self._acknowledged(final.subject, final.body, dict(final.headers))

    async def tell(self, subject: str, body: bytes) -> None:
        """Publish on core NATS: whoever listens now hears it, and nothing is kept.

        Raises:
            BrokerUnavailable: there is no connection to send it over.
            MessageTooLarge: it was not sent.
        """
        self._check_size(body, {})
        await self._sent(subject, body, {})

    async def ask(self, subject: str, body: bytes, *, timeout_s: float, headers: Mapping[str, str]) -> bytes | None:
        """Ask on core NATS whoever answers there; None where nobody does, so that nothing was done.

        Raises:
            AnswerMissing: it was sent and no answer came in time; it may have been carried out.
            MessageTooLarge: it was not sent.
        """
        self._check_size(body, headers)
        try:
            answer = await self.client.request(subject, body, timeout=timeout_s, headers=dict(headers))
        except nats.errors.NoRespondersError:
            return None
        except (nats.errors.Error, TimeoutError, OSError) as error:
            raise AnswerMissing(f"{subject}: {str(error) or type(error).__name__}") from error
        return bytes(answer.data)

    @asynccontextmanager
    async def hearing(
        self, subject: str, callback: Callable[[Msg], Awaitable[None]], *, group: str = ""
    ) -> AsyncIterator[None]:
        """Subscribed on core NATS; whatever is told while it is entered is heard, by one of those in the same group.

        Raises:
            BrokerUnavailable: there is no connection, or no answer.
        """
        async with contextlib.AsyncExitStack() as stack:
            try:
                subscription = await self.client.subscribe(subject, queue=group, cb=callback)
                stack.push_async_callback(_unsubscribed, subscription)
                await self.client.flush(timeout=math.ceil(self._timeout_s))
            except (nats.errors.Error, OSError) as error:
                raise BrokerUnavailable(f"{subject}: {str(error) or type(error).__name__}") from error
            yield

    async def api(self, operation: str, request: object, answer: type[_T]) -> _T:
        """Call `$JS.API.<operation>` and decode its answer.

        Raises:
            ApiRefused: it answered with an error.
            BrokerUnavailable: no answer, or the cluster is choosing who leads it.
        """
        body = msgspec.json.encode(request) if request is not None else b""
        raw = await self._request(f"$JS.API.{operation}", body, None)
        refusal = decoding.decode(raw, Answer).error
        if refusal is not None and refusal.err_code == NO_LEADER:
            raise BrokerUnavailable(f"{operation}: {refusal.description}")
        if refusal is not None:
            raise ApiRefused(operation, refusal.err_code, refusal.description)
        return decoding.decode(raw, answer)

    async def purge(self, stream: str, subject: str, below: int) -> int:
        """Remove messages that fit the filter and stand before the sequence; answers how many."""
        if below < 1:  # the server takes 0 for "all of them"
            return 0
        answer = await self.api(f"STREAM.PURGE.{stream}", {"filter": subject, "seq": below}, dict[str, Any])
        return int(answer.get("purged", 0))

    async def delete(self, stream: str, sequence: int) -> None:
        """Remove one message; one that is gone already is removed."""
        try:
            await self.api(f"STREAM.MSG.DELETE.{stream}", {"seq": sequence}, dict[str, Any])
        except ApiRefused:  # its code does not tell a message that is gone from one that may not be deleted
            if await self.at(stream, sequence) is not None:
                raise

    async def _get(self, stream: str, request: dict[str, Any]) -> Stored | None:
        raw = await self._request(f"$JS.API.STREAM.MSG.GET.{stream}", msgspec.json.encode(request), None)
        message = decoding.decode(raw, GetAnswer).found_in(stream)
        return _stored(message) if message else None

    async def _acknowledged(self, subject: str, body: bytes, headers: dict[str, str]) -> int:
        self._check_size(body, headers)
        try:
            raw = await self._request(subject, body, headers)
        except _NoAnswer as error:
            raise PublishUnknown(f"{error}; it may have been stored all the same") from error
        ack = decoding.decode(raw, PubAck)
        if ack.error is not None:
            raise publish_refusal(subject, ack.error)
        return ack.seq

    async def _sent(self, subject: str, body: bytes, headers: dict[str, str]) -> None:
        try:
            await self.client.publish(subject, body, headers=headers or None)
        except (nats.errors.Error, OSError) as error:
            raise BrokerUnavailable(f"{subject}: {str(error) or type(error).__name__}") from error

    async def _request(self, subject: str, body: bytes, headers: dict[str, str] | None) -> bytes:
        timeout_s = self._timeout_s if self.client.is_connected else self._away_s
        try:
            answer = await self.client.request(subject, body, timeout=timeout_s, headers=headers)
        except nats.errors.NoRespondersError as error:
            raise BrokerUnavailable(f"nothing answers {subject}: no stream has it, or no leader yet") from error
        except (nats.errors.Error, TimeoutError, OSError) as error:
            raise _NoAnswer(
                f"NATS does not answer {subject} now ({str(error) or type(error).__name__}); try again"
            ) from error
        return bytes(answer.data)

    def _check_size(self, body: bytes, headers: Mapping[str, str]) -> None:
        """An oversized publish makes the server cut the connection, so it is never sent."""
        size = len(body) + _HEADER_OVERHEAD_BYTES + sum(len(f"{k}: {v}\r\n".encode()) for k, v in headers.items())
        if size > self.client.max_payload:
            raise MessageTooLarge(f"{size} bytes; the server takes {self.client.max_payload}")


async def _unsubscribed(subscription: Subscription) -> None:
    with contextlib.suppress(nats.errors.Error):  # the connection is closed, or going to be
        await subscription.unsubscribe()


def _batch(writes: Sequence[Write]) -> list[Write]:
    """The writes as members of one atomic batch (NATS ADR-50)."""
    batch = secrets.token_hex(12)
    members = []
    for number, write in enumerate(writes, start=1):
        headers = {**write.all_headers(), "Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number)}
        if number == len(writes):
            headers["Nats-Batch-Commit"] = "1"
        members.append(Write(subject=write.subject, body=write.body, headers=headers))
    return members


def _stored(message: RawMessage) -> Stored:
    return Stored(
        subject=message.subject,
        sequence=message.seq,
        body=message.body,
        headers=message.headers,
        time=message.time,
    )
