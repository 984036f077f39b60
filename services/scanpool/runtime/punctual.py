"""How late deliveries come again that were put off."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from scanpool.runtime.delivery import Delivery
from scanpool.runtime.outcomes import Outcome, Snooze
from scanpool.runtime.worker import Handler

REMEMBERED = 20_000
"""Deliveries; as many as a consumer hands out before one of them is settled."""


@dataclass(frozen=True, slots=True)
class _Due:
    attempt: int
    at: float


class Punctual:
    """A handler that tells how late a delivery comes which it put off, as far as it comes to this process again.

    A delivery that another process had in between is not told: what made it late is not known here.
    """

    def __init__(
        self, handler: Handler, *, late: Callable[[float], None], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`late` is told seconds."""
        self._handler = handler
        self._late = late
        self._monotonic = monotonic
        self._due: OrderedDict[int, _Due] = OrderedDict()
        """By sequence: when the next handing-over is due."""

    async def __call__(self, delivery: Delivery) -> Outcome:
        """Handle it, and tell how late it came."""
        due = self._due.pop(delivery.sequence, None)
        if due is not None and due.attempt == delivery.attempt:
            self._late(max(self._monotonic() - due.at, 0.0))
        outcome = await self._handler(delivery)
        if isinstance(outcome, Snooze):
            self._put_off(delivery, outcome)
        return outcome

    def _put_off(self, delivery: Delivery, outcome: Snooze) -> None:
        at = self._monotonic() + outcome.delay.total_seconds()
        self._due[delivery.sequence] = _Due(delivery.attempt + 1, at)
        while len(self._due) > REMEMBERED:
            self._due.popitem(last=False)
