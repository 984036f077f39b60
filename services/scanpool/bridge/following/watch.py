"""Waiting for scans, shared: one subscription a process, one reader a scan, however many wait for it.

What is told live wakes the reader of that scan, which reads it once and wakes whoever waits. A live event that was
missed is found by a look every few seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

import msgspec
import structlog
from nats.aio.msg import Msg

from scanpool.client.listing import decoded
from scanpool.runtime.errors import BrokerError, BrokerUnavailable
from scanpool.runtime.jetstream import JetStream
from scanpool_schemas import decoding, subjects
from scanpool_schemas.events import ScanProgress
from scanpool_schemas.scan import STRUCT_OF, Running
from scanpool_schemas.status import ScanStatus, describe

LOOK_EVERY_S = 5.0
"""How often a scan that is waited for is read, should a live event have been missed."""
LOOK_SOON_S = 0.05
"""When to read again after a live event, which is heard when it is sent and may not be stored yet."""
LOOK_AFTER_LOSS_S = 0.5
"""When to read again after NATS did not answer."""
EVERY_SCAN = "scan.*.*.*"

Find: TypeAlias = Callable[[str], Awaitable[tuple[ScanStatus, ...]]]
"""The scans of an id; several pools may have one."""

log = structlog.get_logger(__name__)


class Watch:
    """A scan that somebody waits for."""

    def __init__(self, scan_id: str, jetstream: JetStream, find: Find) -> None:
        self.scan_id = scan_id
        self.waiters = 0
        self.found: tuple[ScanStatus, ...] | None = None
        """The scans of the id as they are now; None until they were first read."""
        self.lost: BrokerError | None = None
        """Why the last read failed; what was found is from before."""
        self.lost_since = 0.0
        """When reads began to fail, by the loop's clock."""
        self.broken: BaseException | None = None
        """Why the scan cannot be followed at all."""
        self._jetstream = jetstream
        self._find = find
        self._changed = asyncio.Event()
        self._sign = asyncio.Event()
        self._heard: list[str] = []
        """Subjects of events that were told and not seen stored yet."""

    def change(self) -> asyncio.Event:
        """Set at the next change of any of it."""
        return self._changed

    def hear(self, message: Msg, about: subjects.ScanSubject) -> None:
        """Something was told of the scan."""
        if about.kind == "progress":
            self._progressed(about.pool, message.data)
        elif about.kind in STRUCT_OF:
            self._heard.append(message.subject)
            self._sign.set()

    def ended(self, reader: asyncio.Task[None]) -> None:
        """Its reader is done."""
        self.broken = None if reader.cancelled() else reader.exception()
        if self.broken is not None:
            self._tell()

    async def follow(self, heard_from_now_on: asyncio.Event) -> None:
        """Read the scan whenever it may have changed, until it is over."""
        await heard_from_now_on.wait()
        patience = LOOK_EVERY_S
        while True:
            self._sign.clear()
            patience = self._after(await self._looked(), patience)
            if self._is_over():
                return
            if await _within(self._sign, patience):
                patience = 0.0

    def _is_over(self) -> bool:
        return self.found is not None and all(each.is_over for each in self.found)

    def _after(self, answered: bool, patience: float) -> float:
        """How long to wait for a sign: short while something that was told is not stored yet."""
        if not answered:
            return LOOK_AFTER_LOSS_S
        if not self._heard:
            return LOOK_EVERY_S
        longer = max(LOOK_SOON_S, 2 * patience)
        if longer > LOOK_EVERY_S:  # what was told never came about: somebody else was faster
            self._heard.clear()
        return min(longer, LOOK_EVERY_S)

    async def _looked(self) -> bool:
        """Read the scan; answers whether NATS did."""
        try:
            self._settle(await self._read())
        except BrokerError as error:
            self._lose(error)
            return False
        return True

    async def _read(self) -> tuple[ScanStatus, ...]:
        if not self._jetstream.client.is_connected:
            raise BrokerUnavailable("there is no connection to NATS now")
        if self.found is None or any(each.state == "requested" for each in self.found):
            return await self._find(self.scan_id)
        again = [await self._again(each) for each in self.found]
        return tuple(each for each in again if each is not None)

    async def _again(self, known: ScanStatus) -> ScanStatus | None:
        """The scan by its last event; its progress is heard."""
        stored = await self._jetstream.last(
            subjects.pool_stream(known.pool), subjects.events_of(known.pool, self.scan_id)
        )
        if stored is None:
            return None
        scan = decoded(stored)
        return describe(scan, self._progress_in(known.pool) if isinstance(scan, Running) else None)

    def _progress_in(self, pool: str) -> ScanProgress | None:
        """What was told meanwhile, too."""
        return next((each.progress for each in self.found or () if each.pool == pool), None)

    def _settle(self, found: tuple[ScanStatus, ...]) -> None:
        for scan in found:
            self._seen(scan)
        if self.lost is not None:
            self.lost = None
            self._tell()
        self._put(found)

    def _put(self, found: tuple[ScanStatus, ...]) -> None:
        if found != self.found:
            self.found = found
            self._tell()

    def _seen(self, scan: ScanStatus) -> None:
        """What was told up to this event is stored, or never will be."""
        if scan.state == "requested":
            return
        subject = subjects.event(scan.pool, scan.state, scan.id)
        if subject in self._heard:
            last = max(place for place, each in enumerate(self._heard) if each == subject)
            del self._heard[: last + 1]

    def _lose(self, error: BrokerError) -> None:
        log.info("NATS does not answer; the wait goes on", scan_id=self.scan_id, error=str(error))
        if self.lost is None:
            self.lost, self.lost_since = error, asyncio.get_running_loop().time()
            self._tell()

    def _progressed(self, pool: str, body: bytes) -> None:
        if self.found is None:
            return
        with suppress(msgspec.DecodeError):
            told = decoding.decode(body, ScanProgress)
            self._put(tuple(_with_progress(each, pool, told) for each in self.found))

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _with_progress(scan: ScanStatus, pool: str, told: ScanProgress) -> ScanStatus:
    if scan.pool != pool or scan.state != "running":
        return scan
    return msgspec.structs.replace(scan, progress=told, paused=told.paused_since is not None)


class Watcher:
    """All waits of a process."""

    def __init__(self, jetstream: JetStream, find: Find) -> None:
        self._jetstream = jetstream
        self._find = find
        self._watches: dict[str, tuple[Watch, asyncio.Task[None]]] = {}
        self._listening: asyncio.Task[None] | None = None
        self._heard_from_now_on = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return sum(watch.waiters for watch, _ in self._watches.values())

    def known(self, scan_id: str) -> Watch | None:
        """The scan of the id, where somebody waits for it."""
        return self._watches[scan_id][0] if scan_id in self._watches else None

    @asynccontextmanager
    async def watching(self, scan_id: str) -> AsyncIterator[Watch]:
        """Wait for the scans of the id while entered, together with whoever else does."""
        watch = self._joined(scan_id)
        watch.waiters += 1
        try:
            yield watch
        finally:
            watch.waiters -= 1
            self._leave(watch)

    def _joined(self, scan_id: str) -> Watch:
        if scan_id not in self._watches:
            watch = Watch(scan_id, self._jetstream, self._find)
            task = asyncio.create_task(watch.follow(self._listened()), name=f"watch of scan {scan_id}")
            task.add_done_callback(watch.ended)
            self._watches[scan_id] = (watch, task)
        return self._watches[scan_id][0]

    def _listened(self) -> asyncio.Event:
        if self._listening is None:
            self._heard_from_now_on = asyncio.Event()
            self._listening = asyncio.create_task(self._listen(self._heard_from_now_on), name="live events of scans")
        return self._heard_from_now_on

    def _leave(self, watch: Watch) -> None:
        if watch.waiters:
            return
        _, task = self._watches.pop(watch.scan_id)
        task.cancel()
        if not self._watches and self._listening is not None:
            self._listening.cancel()
            self._listening = None

    async def _listen(self, heard_from_now_on: asyncio.Event) -> None:
        """Subscribed until cancelled; where there is no connection yet, looks alone have to do."""
        while True:
            try:
                async with self._jetstream.hearing(EVERY_SCAN, self._hear):
                    heard_from_now_on.set()
                    await asyncio.Event().wait()
            except BrokerError as error:
                log.info("live events of scans are not heard yet", error=str(error))
                heard_from_now_on.set()
            await asyncio.sleep(LOOK_AFTER_LOSS_S)

    async def _hear(self, message: Msg) -> None:
        about = subjects.parse_scan_subject(message.subject)
        if about is not None and about.scan_id in self._watches:
            self._watches[about.scan_id][0].hear(message, about)


async def _within(sign: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await sign.wait()
    except TimeoutError:
        return False
