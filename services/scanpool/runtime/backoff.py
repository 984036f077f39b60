"""How long to wait between tries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """Exponential with full jitter: a random share of `first * 2**(attempt - 1)`, at most `cap`.

    The formula is "full jitter" of Marc Brooker, "Exponential Backoff And Jitter", AWS 2015.
    """

    first: timedelta = timedelta(seconds=2)
    cap: timedelta = timedelta(minutes=2)
    attempts: int = 5
    """Tries of one stage, the first included; after them the work is given up."""

    def ceiling(self, attempt: int) -> timedelta:
        """The longest wait after the attempt, counted from 1."""
        growth = 1 << min(attempt - 1, 30)
        return self.cap if self.first > self.cap / growth else self.first * growth

    def delay(self, attempt: int, share: float) -> timedelta:
        """The wait after the attempt for a random share from 0 to 1; never under a tenth of a second."""
        return max(timedelta(milliseconds=100), self.ceiling(attempt) * share)
