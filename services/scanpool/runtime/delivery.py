"""One handing-over of a message by a consumer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from scanpool.runtime.errors import BrokerUnavailable

DEFAULT_PORT = 4222


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """The NATS server at the other end of a connection, without what was signed in with."""

    host: str
    port: int


def server_of(client: Client) -> Server | None:
    """The server that the client is connected to; None while it is to none."""
    url = client.connected_url
    return Server(host=url.hostname or "", port=url.port or DEFAULT_PORT) if url is not None else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """A message in hand, and what settles it."""

    client: Client
    reply: str
    subject: str
    body: bytes
    headers: dict[str, str]
    stream: str
    consumer: str
    sequence: int
    attempt: int
    """How often this consumer handed it over, snoozes included."""
    stored_at: datetime

    async def ack(self) -> None:
        """Settle it and wait until the server has it.

        Raises:
            BrokerUnavailable: no answer; it may be delivered again.
        """
        try:
            await self.client.request(self.reply, b"+ACK", timeout=5)
        except (nats.errors.Error, TimeoutError, OSError) as error:
            raise BrokerUnavailable(f"ack of {self.subject}: {str(error) or type(error).__name__}") from error

    async def nak(self, delay: timedelta) -> None:
        """Hand it back; it is delivered again after the delay."""
        nanoseconds = max(1, int(delay.total_seconds() * 1e9))
        await self._tell(b'-NAK {"delay": %d}' % nanoseconds)

    async def in_progress(self) -> None:
        """Keep it: starts the server's wait for the ack anew."""
        await self._tell(b"+WPI")

    async def _tell(self, word: bytes) -> None:
        try:
            await self.client.publish(self.reply, word)
        except (nats.errors.Error, OSError) as error:
            raise BrokerUnavailable(f"{self.subject}: {str(error) or type(error).__name__}") from error


def delivery_of(client: Client, message: Msg) -> Delivery:
    """Read the parts of a delivery off its reply subject (`$JS.ACK.…`, NATS ADR-15)."""
    tokens = message.reply.split(".")
    if len(tokens) > 9:
        tokens = tokens[:2] + tokens[4:]
    stream, consumer, attempt, sequence, _, stored_ns = tokens[2:8]
    return Delivery(
        client=client,
        reply=message.reply,
        subject=message.subject,
        body=message.data,
        headers=dict(message.headers or {}),
        stream=stream,
        consumer=consumer,
        sequence=int(sequence),
        attempt=int(attempt),
        stored_at=datetime.fromtimestamp(int(stored_ns) / 1e9, tz=UTC),
    )
