"""How long a token is believed: what goes on after a call was let in ends with the token that let it in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from mcp.server.auth.provider import AccessToken, TokenVerifier

RECHECK_S = 30.0
"""How often a token is verified again while something goes on with it: its key may not be accepted any more."""
_SOON_S = 0.05
"""When to look again at a token that was to have expired by now, by a clock that runs apart."""


class Lasting:
    """Knows when tokens end."""

    def __init__(
        self, verifier: TokenVerifier | None, now: Callable[[], datetime], *, recheck_s: float = RECHECK_S
    ) -> None:
        """Without a verifier nobody signs in, and nothing ends."""
        self._verifier = verifier
        self._now = now
        self._recheck_s = recheck_s

    @asynccontextmanager
    async def ending(self, access: AccessToken | None, stopping: asyncio.Event) -> AsyncIterator[asyncio.Event]:
        """While entered, what is yielded is set once the token is believed no more, or `stopping` is set."""
        if access is None or self._verifier is None:
            yield stopping
            return
        over = asyncio.Event()
        ends = [asyncio.ensure_future(each) for each in (self._end(access, self._verifier), stopping.wait())]
        for each in ends:
            each.add_done_callback(lambda done: None if done.cancelled() else over.set())
        try:
            yield over
        finally:
            for each in ends:
                each.cancel()

    async def _end(self, access: AccessToken, verifier: TokenVerifier) -> None:
        """The token was believed a moment ago; returns when it is not."""
        while True:
            await asyncio.sleep(self._next_s(access))
            if await verifier.verify_token(access.token) is None:
                return

    def _next_s(self, access: AccessToken) -> float:
        if access.expires_at is None:
            return self._recheck_s
        return min(max(access.expires_at - self._now().timestamp(), _SOON_S), self._recheck_s)
