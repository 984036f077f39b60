"""The leased steps of a launch on the scanner: find or create, fix by a commit, launch, commit running.

Whoever holds the lease of a `launching` event does them, and before each call to the scanner looks whether the
lease still holds. Where the outcome of a call is unknown the launch is left as it is: when the lease is over,
the `launching` event is delivered again, and whoever takes over looks first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from scanpool.coordination import transitions
from scanpool.coordination.ledger import Held, Ledger
from scanpool.coordination.stage import Clockwork
from scanpool.coordination.telling import described
from scanpool.coordination.transitions import Change, Mark
from scanpool.dispatcher.decide import named, to_launch
from scanpool.runtime.errors import BrokerError
from scanpool.runtime.tracing import span
from scanpool.scanners.errors import (
    FingerprintMismatch,
    OutcomeUnknown,
    RateLimited,
    ScanApiNotLicensed,
    ScanConflict,
    ScannerError,
    ScannerRefused,
    ScannerUnavailable,
    ScanNotFound,
    SignInFailed,
)
from scanpool.scanners.naming import OurName
from scanpool.scanners.scanner import Activity, Scanner, ScanSpec
from scanpool_schemas.scan import Intent, Launching, ScanError

TRIES_ON_ONE_SCANNER = 2
"""A launch that was taken over so often, and of which the scanner has no scan, goes back to wait for any scanner."""

log = structlog.get_logger(__name__)


class LeaseOver(Exception):
    """The lease does not cover another call to the scanner; whoever takes over goes on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """The holder's own view of its lease, by a clock that nobody sets."""

    ends: float
    """By the monotonic clock, counted from before the commit that took the lease."""
    monotonic: Callable[[], float]

    def check(self) -> None:
        """Call before every call to the scanner.

        Raises:
            LeaseOver: too late for another call.
        """
        if self.monotonic() >= self.ends:
            raise LeaseOver


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A launch to carry out."""

    held: Held
    scan: Launching
    scanner: Scanner
    ours: OurName
    lease: Lease
    fresh: bool
    """Nobody tried this launch before: no create can be on its way to the scanner."""


class Launcher:
    """Carries launches out."""

    def __init__(
        self,
        ledger: Ledger,
        clockwork: Clockwork,
        spec: Callable[[Launching, OurName], ScanSpec],
        scanner_failed: Callable[[str, str, ScannerError], Awaitable[object]],
    ) -> None:
        self._ledger = ledger
        self._clockwork = clockwork
        self._spec = spec
        self._scanner_failed = scanner_failed

    async def carry_out(self, order: Order) -> None:
        """Do the steps that are left of the launch; what cannot be done now is left to the lease's end."""
        try:
            with span("launch", attributes=described(order.scan)):
                intended = await self._intended(order)
                if intended is not None:
                    await self._launched(intended)
        except LeaseOver:
            log.warning("the lease ended before the launch was done; it will be taken over")
        except BrokerError as error:
            log.warning("launch interrupted by NATS; it will be taken over", error=str(error))

    async def _intended(self, order: Order) -> Order | None:
        """The order with its intent committed; None where the scan left launching or the steps stop here."""
        if order.scan.intent is not None:
            return order
        number = await self._found_or_created(order)
        if number is None:
            return None
        held = await self._ledger.commit(order.held, transitions.intended(order.scan, number, self._mark()))
        if held is None:
            log.info("somebody else decided about this launch; stopping")
            return None
        assert isinstance(held.scan, Launching)
        return Order(
            held=held,
            scan=held.scan,
            scanner=order.scanner,
            ours=order.ours,
            lease=order.lease,
            fresh=False,
        )

    async def _found_or_created(self, order: Order) -> int | None:
        try:
            order.lease.check()
            found = named(await order.scanner.scans(), order.ours)
        except ScannerError as error:
            await self._note(order, error)
            if order.fresh:
                await self._back_for(order, error)
            return None
        if len(found) > 1:
            log.warning("several scans bear our name; one is launched", scanner_scan_ids=[each.id for each in found])
        if found:
            return to_launch(found).id
        if not order.fresh and order.scan.stage_attempts.get("launch", 0) >= TRIES_ON_ONE_SCANNER:
            await self._back(order, "the scanner made no scan of it", "scanner_outcome_unknown")
            return None
        return await self._created(order)

    async def _created(self, order: Order) -> int | None:
        try:
            order.lease.check()
            return await order.scanner.create(self._spec(order.scan, order.ours))
        except OutcomeUnknown as error:
            log.warning("created or not? the next holder of the launch looks again", error=str(error))
            return None
        except (SignInFailed, ScanApiNotLicensed, ScannerUnavailable, FingerprintMismatch) as error:
            await self._note(order, error)
            await self._back_for(order, error)
            return None
        except ScannerError as error:
            await self._end(order, error)
            return None
        except CredentialUnusable as error:
            await self._commit(order, _failed(order, error.code, str(error), self._mark()))
            return None

    async def _launched(self, order: Order) -> None:
        """With the intent committed: look, launch if it was never launched, commit running."""
        intent = order.scan.intent
        assert intent is not None
        try:
            launched = await self._was_launched(order, intent)
        except ScanNotFound as error:
            await self._end(order, error)
            return
        except ScannerError as error:
            await self._note(order, error)
            log.warning("launched or not? the next holder of the launch looks again", error=str(error))
            return
        if launched or await self._launch(order, intent):
            await self._commit(order, transitions.runs(order.scan, intent, self._mark()))

    async def _launch(self, order: Order, intent: Intent) -> bool:
        """Launch it; False where it is not known to be launched: it ended, or the next holder looks again."""
        try:
            order.lease.check()
            await order.scanner.launch(intent.scanner_scan_id)
        except ScanConflict:
            return await self._was_launched_after_all(order, intent)
        except (ScanNotFound, ScannerRefused) as error:
            await self._note(order, error)
            if not isinstance(error, SignInFailed):
                await self._end(order, error)
            return False
        except ScannerError as error:
            await self._note(order, error)
            log.warning("launched or not? the next holder of the launch looks again", error=str(error))
            return False
        return True

    async def _was_launched(self, order: Order, intent: Intent) -> bool:
        order.lease.check()
        progress = await order.scanner.progress(intent.scanner_scan_id)
        return progress.activity is not Activity.EMPTY

    async def _was_launched_after_all(self, order: Order, intent: Intent) -> bool:
        try:
            return await self._was_launched(order, intent)
        except ScannerError as error:
            log.warning("conflict on launch, then no answer; left to the next holder", error=str(error))
            return False

    async def _back_for(self, order: Order, error: ScannerError) -> None:
        """Back to the queue after an error; a scanner that is only busy costs no try."""
        if not isinstance(error, RateLimited):
            await self._back(order, str(error), error.code)
            return
        mark = self._mark()
        wait = max(self._clockwork.backoff.first, timedelta(seconds=error.retry_after_s or 0))
        why = f"back in the queue: {error}"
        await self._commit(order, transitions.back_in_queue(order.scan, why, mark.at + wait, mark, counted=False))

    async def _back(self, order: Order, why: str, code: str) -> None:
        """Give the place back and wait for a scanner; given up when the tries are used up."""
        clock = self._clockwork
        tries = order.scan.stage_attempts.get("launch", 0) + 1
        if tries >= clock.backoff.attempts:
            message = f"given up after {tries} tries to launch: {why}"
            gone = ScanError(code=code, message=message, retryable=True)
            await self._commit(order, transitions.dead(order.scan, gone, self._mark()))
            return
        mark = self._mark()
        wait = clock.backoff.delay(tries, clock.jitter())
        await self._commit(
            order, transitions.back_in_queue(order.scan, f"back in the queue: {why}", mark.at + wait, mark)
        )

    async def _end(self, order: Order, error: ScannerError) -> None:
        await self._commit(order, _failed(order, error.code, str(error), self._mark()))

    async def _commit(self, order: Order, change: Change) -> None:
        if await self._ledger.commit(order.held, change) is None:
            log.info("somebody else decided about this launch; leaving it")

    async def _note(self, order: Order, error: ScannerError) -> None:
        await self._scanner_failed(order.scan.pool, order.scan.scanner, error)

    def _mark(self) -> Mark:
        return Mark(at=self._clockwork.now(), by="dispatcher", nonce=self._clockwork.nonce())


class CredentialUnusable(Exception):
    """The credential that the request names cannot be resolved now; says which and why, never its value."""

    code = "credential_unusable"


def _failed(order: Order, code: str, message: str, mark: Mark) -> Change:
    return transitions.failed(order.scan, ScanError(code=code, message=message), mark)
