"""The one place where a handler's answer becomes JetStream calls."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum, auto

import msgspec
import structlog

from scanpool.runtime.backoff import Backoff
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.errors import SequenceMoved
from scanpool.runtime.jetstream import JetStream, Write
from scanpool.runtime.message_spans import Message, publishing
from scanpool.runtime.outcomes import DeadLetter, Done, Outcome, Retry, Snooze
from scanpool_schemas import subjects
from scanpool_schemas.events import DeadLetter as DeadLetterEvent

log = structlog.get_logger(__name__)


class Settled(Enum):
    """What became of a delivery."""

    YES = auto()
    DECIDE_AGAIN = auto()
    """The commit conflicted; the delivery is still in hand."""


class Settler:
    """Turns outcomes into commits, acks, delays and dead letters."""

    def __init__(
        self,
        jetstream: JetStream,
        *,
        jitter: Callable[[], float],
        now: Callable[[], datetime],
        backoff: Backoff | None = None,
    ) -> None:
        self._jetstream = jetstream
        self._jitter = jitter
        self._now = now
        self._backoff = backoff or Backoff()

    async def settle(self, delivery: Delivery, outcome: Outcome) -> Settled:
        """Settle the delivery as the outcome says.

        Raises:
            BrokerError: it could not be settled; it will be delivered again.
        """
        match outcome:
            case Done():
                return await self._done(delivery, outcome)
            case Snooze(delay=delay):
                await delivery.nak(delay)
            case Retry(code=code, message=message):
                await self._retry(delivery, code, message)
            case DeadLetter():
                await self._dead_letter(delivery, outcome)
        return Settled.YES

    async def _done(self, delivery: Delivery, done: Done) -> Settled:
        stored = await done.commit() if done.commit is not None else None
        if done.commit is not None and stored is None:
            return Settled.DECIDE_AGAIN
        await delivery.ack()
        if done.then is not None:
            await done.then(stored)
        return Settled.YES

    async def _retry(self, delivery: Delivery, code: str, message: str) -> None:
        delay = self._backoff.delay(delivery.attempt, self._jitter())
        log.warning("will be tried again", code=code, reason=message, delay_s=round(delay.total_seconds(), 3))
        await delivery.nak(delay)

    async def _dead_letter(self, delivery: Delivery, letter: DeadLetter) -> None:
        subject = subjects.dead_letter(letter.pool, delivery.consumer, letter.scan_id, delivery.sequence)
        event = dead_letter_event(delivery, letter, self._now())
        body = msgspec.json.encode(event)
        message = Message(subject=subject, size_bytes=len(body), server=self._jetstream.server)
        with publishing(message) as headers, contextlib.suppress(SequenceMoved):  # kept, by one whose ack was lost
            write = Write(subject=subject, body=body, headers=headers, expected_sequence=0)
            await self._jetstream.publish(write)
        log.error("dead letter", reason=letter.reason, message=letter.message, dlq_subject=subject)
        await delivery.ack()


def dead_letter_event(delivery: Delivery, letter: DeadLetter, now: datetime) -> DeadLetterEvent:
    """The dead letter of a delivery: its message whole, byte for byte, and why it was given up."""
    text = _short_text(delivery.body)
    encoded = base64.b64encode(delivery.body).decode("ascii") if text is None else None
    return DeadLetterEvent(
        reason=letter.reason,
        message=letter.message,
        stage=delivery.consumer,
        stream=delivery.stream,
        sequence=delivery.sequence,
        subject=delivery.subject,
        headers=delivery.headers,
        body=text,
        body_base64=encoded,
        attempts=delivery.attempt,
        first_at=delivery.stored_at.astimezone(UTC),
        last_at=now,
        errors=(letter.message,),
    )


def _short_text(body: bytes) -> str | None:
    """The body as text; None where it is none, or where JSON would make it longer than base64 does.

    Control characters take six bytes in JSON: a message of them would be too large to be kept as a dead letter.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if 3 * len(msgspec.json.encode(text)) <= 4 * len(body) + 8 else None
