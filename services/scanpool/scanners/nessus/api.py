"""The scanner's API as typed calls: signed in, bounded in time, its errors translated, each call observed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import anyio

from scanpool.scanners.errors import RateLimited, ScannerError, ScannerUnavailable
from scanpool.scanners.nessus.calls import Call
from scanpool.scanners.nessus.faults import decode, describe, fault
from scanpool.scanners.nessus.sign_in import SignIn
from scanpool.scanners.nessus.wire import Answer, Exchange, Sink, Wire

Observe = Callable[[str, str, float], None]
"""Told each call: its operation, its outcome (ok, broken, interrupted or the error's code), its seconds."""

T = TypeVar("T")


class Api:
    """Makes calls to one scanner."""

    def __init__(
        self, scanner: str, wire: Wire, sign_in: SignIn, observe: Observe, now: Callable[[], datetime]
    ) -> None:
        self.scanner = scanner
        self._wire = wire
        self._sign_in = sign_in
        self._observe = observe
        self._now = now

    async def call(self, call: Call, reply: type[T], deadline: float) -> T:
        """Make the call and read its answer."""
        with self._observed(call.operation):
            return decode(self.scanner, call, await self._answer(call, deadline, None), reply)

    async def ask(self, call: Call, deadline: float, sink: Sink | None = None) -> Answer:
        """Make the call and answer what came, whole or not; a body with status 200 goes to the sink."""
        with self._observed(call.operation) as seen:
            answer = await self._answer(call, deadline, sink)
            seen.broken = bool(answer.broken)
            return answer

    def describe(self, answer: Answer) -> str:
        """The answer's status and the scanner's own words, without any secret of ours in them."""
        return describe(answer, self._sign_in.secrets)

    async def _answer(self, call: Call, deadline: float, sink: Sink | None) -> Answer:
        """The answer; a scanner that wants no more calls for now gets none, whoever calls."""
        try:
            return await self._sound(call, deadline, sink)
        except RateLimited as error:
            self._wire.leave_alone(error.retry_after_s)
            raise

    async def _sound(self, call: Call, deadline: float, sink: Sink | None) -> Answer:
        exchange = await self._exchange(call, deadline, sink)
        secrets = (*call.secrets, *self._sign_in.secrets)
        error = fault(self.scanner, call, exchange, now=self._now(), secrets=secrets)
        if error is not None:
            raise error
        assert isinstance(exchange, Answer)
        return exchange

    async def _exchange(self, call: Call, deadline: float, sink: Sink | None) -> Exchange:
        if not call.signed_in:
            return await self._wire.exchange(call, {}, deadline, sink)
        with self._in_time(call, deadline):
            headers = await self._sign_in.headers(deadline)
        exchange = await self._wire.exchange(call, headers, deadline, sink)
        if not isinstance(exchange, Answer) or exchange.status != 401:
            return exchange
        with self._in_time(call, deadline):
            renewed = await self._sign_in.renewed(headers, deadline)
        # A 401 means that the call was not carried out, so that any call may be replayed, once.
        return exchange if renewed is None else await self._wire.exchange(call, renewed, deadline, sink)

    @contextmanager
    def _in_time(self, call: Call, deadline: float) -> Iterator[None]:
        with anyio.CancelScope(deadline=deadline) as scope:
            yield
        if scope.cancelled_caught:
            raise ScannerUnavailable(self.scanner, call.operation, "there was no time left to sign in")

    @contextmanager
    def _observed(self, operation: str) -> Iterator[_Seen]:
        begun = anyio.current_time()
        seen = _Seen()
        outcome = "interrupted"
        try:
            yield seen
            outcome = "broken" if seen.broken else "ok"
        except ScannerError as error:
            outcome = error.code
            raise
        finally:
            self._observe(operation, outcome, anyio.current_time() - begun)


@dataclass(slots=True)
class _Seen:
    """What an observed call says of itself before it ends."""

    broken: bool = False
