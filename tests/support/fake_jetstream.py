"""JetStream in memory, with the promises that the pipeline rests on; held to them by a contract test.

One sequence a stream, conditions over the last sequence of a filter, atomic batches, one message a subject where the
stream says so. `pause` is awaited wherever a call is on its way, so that a test can interleave, delay and kill.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from enum import Enum, auto
from functools import cache
from typing import Any, TypeVar

import msgspec

from scanpool.runtime.errors import (
    BrokerUnavailable,
    PublishUnknown,
    SequenceMoved,
    SubjectFull,
    TopologyMissing,
)
from scanpool.runtime.jetstream import JetStream, Stored, Write
from scanpool_schemas import subjects

Pause = Callable[[str], Awaitable[None]]

_T = TypeVar("_T")


class Trouble(Enum):
    """What befalls the next publish."""

    LOST = auto()
    """It never arrives; the sender cannot know."""
    ANSWER_LOST = auto()
    """It is stored; the sender cannot know."""
    REFUSED = auto()
    """No stream takes it now; the sender knows."""


async def no_pause(_what: str) -> None:
    """Calls are on their way for no time at all."""


class FakeJetStream(JetStream):
    """The streams of some pools, in memory."""

    def __init__(
        self,
        pools: Iterable[str],
        *,
        pause: Pause = no_pause,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_store: Callable[[Sequence[Stored]], None] = lambda _batch: None,
    ) -> None:
        """`on_store` is told each batch when all of it is there."""
        self._pause = pause
        self._on_store = on_store
        self._now = now
        kept = [subjects.pool_stream(pool) for pool in pools]
        self._last_only = {*kept, f"KV_{subjects.PROGRESS_BUCKET}", subjects.SCAN_REQUESTS}
        self._streams: dict[str, list[Stored]] = {
            name: [] for name in (*self._last_only, subjects.SCAN_DLQ, subjects.SCANNER_EVENTS)
        }
        self._sequences = dict.fromkeys(self._streams, 0)
        self._spent: dict[str, Stored] = {}
        self.troubles: deque[Trouble] = deque()
        """Befall the next publishes, one each."""
        self.stale_reads = 0
        """That many reads of a subject's last message answer what a deposed leader still has."""

    @property
    def server(self) -> None:
        """It is connected to none."""
        return

    async def last(self, stream: str, subject: str) -> Stored | None:
        found = self._last(stream, subject)
        if self.stale_reads and subject in self._spent:
            self.stale_reads -= 1
            found = self._spent[subject]
        await self._pause(f"answer to a read of {subject}")
        return found

    async def at(self, stream: str, sequence: int) -> Stored | None:
        return next((each for each in self._messages(stream) if each.sequence == sequence), None)

    async def next_from(self, stream: str, sequence: int, subject: str) -> Stored | None:
        fits = _filter(subject)
        return next((m for m in self._messages(stream) if m.sequence >= sequence and fits(m.subject)), None)

    async def publish(self, write: Write) -> int:
        return await self.publish_together([write])

    async def publish_together(self, writes: Sequence[Write]) -> int:
        what = writes[-1].subject
        await self._pause(f"publish to {what}")
        trouble = self.troubles.popleft() if self.troubles else None
        if trouble is Trouble.REFUSED:
            raise BrokerUnavailable(f"{what}: no leader")
        if trouble is Trouble.LOST:
            raise PublishUnknown(f"{what}: no answer")
        sequence = self._store(writes)
        await self._pause(f"answer to a publish to {what}")
        if trouble is Trouble.ANSWER_LOST:
            raise PublishUnknown(f"{what}: no answer")
        return sequence

    async def tell(self, subject: str, body: bytes) -> None:
        """Nobody listens."""

    async def api(self, operation: str, request: object, answer: type[_T]) -> _T:
        match operation:
            case "STREAM.NAMES":
                names = sorted(self._streams)
                return msgspec.convert({"streams": names, "total": len(names)}, answer)
            case _:
                raise NotImplementedError(operation)

    async def purge(self, stream: str, subject: str, below: int) -> int:
        fits, messages = _filter(subject), self._messages(stream)
        spent = [each for each in messages if fits(each.subject) and each.sequence < below]
        self._streams[stream] = [each for each in messages if each not in spent]
        return len(spent)

    async def delete(self, stream: str, sequence: int) -> None:
        self._streams[stream] = [each for each in self._messages(stream) if each.sequence != sequence]

    def messages(self, stream: str, subject: str = ">") -> list[Stored]:
        """What the stream holds now, without any call being on its way."""
        fits = _filter(subject)
        return [each for each in self._messages(stream) if fits(each.subject)]

    def _messages(self, stream: str) -> list[Stored]:
        if stream not in self._streams:
            raise TopologyMissing(f"stream {stream} does not exist; run `scanpool topology apply`")
        return self._streams[stream]

    def _last(self, stream: str, subject: str) -> Stored | None:
        fits = _filter(subject)
        return next((each for each in reversed(self._messages(stream)) if fits(each.subject)), None)

    def _store(self, writes: Sequence[Write]) -> int:
        """All of them or none: every condition is looked at before anything is stored."""
        placed = [(self._stream_of(write.subject), write) for write in writes]
        for stream, write in placed:
            self._check(stream, write)
        kept = [self._keep(stream, write) for stream, write in placed]
        self._on_store(kept)
        return kept[-1].sequence

    def _check(self, stream: str, write: Write) -> None:
        if stream == subjects.SCAN_REQUESTS and self._last(stream, write.subject):
            raise SubjectFull(write.subject)
        if write.expected_sequence is None:
            return
        last = self._last(stream, write.expected_over or write.subject)
        if (last.sequence if last else 0) != write.expected_sequence:
            raise SequenceMoved(f"{write.subject}: last sequence is {last.sequence if last else 0}")

    def _keep(self, stream: str, write: Write) -> Stored:
        over = write.expected_over or write.subject
        before = self._last(stream, over)
        if before is not None:
            self._spent[over] = before
        if stream in self._last_only:
            self._streams[stream] = [each for each in self._streams[stream] if each.subject != write.subject]
        self._sequences[stream] += 1
        stored = Stored(
            subject=write.subject,
            sequence=self._sequences[stream],
            body=write.body,
            headers=write.all_headers(),
            time=self._now(),
        )
        self._streams[stream].append(stored)
        return stored

    def _stream_of(self, subject: str) -> str:
        match subject.split("."):
            case ["$KV", bucket, *_]:
                stream = f"KV_{bucket}"
            case ["scan", _, "requested" | "cancel", _]:
                stream = subjects.SCAN_REQUESTS
            case ["scan", pool, _, _]:
                stream = subjects.pool_stream(pool)
            case ["dlq", *_]:
                stream = subjects.SCAN_DLQ
            case _:
                stream = subjects.SCANNER_EVENTS
        if stream not in self._streams:
            raise BrokerUnavailable(f"nothing answers {subject}: no stream has it")
        return stream


@cache
def _filter(subject: str) -> Callable[[str], Any]:
    """A NATS subject filter as a predicate."""
    pattern = re.escape(subject).replace(r"\*", "[^.]+").replace(r"\>", ".+").replace(">", ".+")
    return re.compile(pattern).fullmatch
