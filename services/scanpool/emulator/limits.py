"""How much a scanner lets its clients ask: the waits that it told them, and the calls that did not wait. Pure."""

from math import ceil, floor

JUST_SENT_S = 0.25
"""A call that arrives so soon after a wait was told was on its way before."""


class Limits:
    """The 429s of a scanner."""

    def __init__(self) -> None:
        self.refused = 0
        """Calls answered 429."""
        self.too_early = 0
        """Calls that came while a wait that had been told was not over."""
        self._told_at = 0.0
        self._until = 0.0
        self._windows: dict[int, tuple[float, int]] = {}

    def arrived(self, now: float) -> None:
        """Count a call that should have waited."""
        self.too_early += self._told_at + JUST_SENT_S <= now < self._until

    def refuse(self, now: float, seconds: float, *, as_date: bool = False) -> int:
        """Count a call answered 429, and answer the wait that it is told, in whole seconds."""
        wait = ceil(seconds)
        self.refused += 1
        if now >= self._until:
            self._told_at = now
        until = now + wait
        self._until = max(self._until, floor(until) if as_date else until)  # a date has no fractions
        return wait

    def within(self, limit: int, allowed: int, window_s: float, now: float) -> bool:
        """Whether one more call is within what a limit, known by its number, allows in each of its windows."""
        begun, used = self._windows.get(limit, (now, 0))
        if now - begun >= window_s:
            begun, used = now, 0
        self._windows[limit] = (begun, used + 1)
        return used < allowed
