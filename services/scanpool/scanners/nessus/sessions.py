"""The web sessions of this process: one a scanner and user, whoever asks.

A scanner locks an account after a few failed sign-ins and has room for few sessions, so that a token is
shared, fetched by one task at a time, and a refused password is not offered again for a while.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import anyio

from scanpool.scanners.errors import SignInFailed
from scanpool.scanners.nessus.settings import UserPassword

REST_AFTER_REFUSAL = timedelta(minutes=30)
"""How long a refused password is not offered again; a scanner locks the account at the fifth."""


class Session:
    """The session of one user on one scanner."""

    def __init__(self) -> None:
        self._turn = anyio.Lock()
        self._token: str | None = None
        self._refused: tuple[SignInFailed, datetime] | None = None
        self._members = 0

    @property
    def current(self) -> str | None:
        """The token in use, if there is one."""
        return self._token

    def join(self) -> None:
        """Count one more user of the session."""
        self._members += 1

    def leave(self) -> str | None:
        """Count one fewer; the last one gets the token, to sign out with."""
        self._members -= 1
        if self._members:
            return None
        token, self._token = self._token, None
        return token

    async def token(
        self, sign_in: Callable[[], Awaitable[str]], now: Callable[[], datetime], *, stale: str | None = None
    ) -> str:
        """The shared token, signing in if there is none or only the stale one.

        Raises:
            SignInFailed: the scanner refused the password, now or a short while ago.
        """
        async with self._turn:
            if self._token is None or self._token == stale:
                self._token = None
                self._check_rest(now())
                try:
                    self._token = await sign_in()
                except SignInFailed as error:
                    self._refused = (error, now() + REST_AFTER_REFUSAL)
                    raise
                self._refused = None
            return self._token

    def _check_rest(self, now: datetime) -> None:
        if self._refused is None or now >= self._refused[1]:
            return
        error, until = self._refused
        raise SignInFailed(
            error.scanner,
            error.operation,
            f"{error.message}; not tried again before {until:%Y-%m-%d %H:%M:%S %Z}, so as not to lock the account",
        )


class Sessions:
    """Hands out the shared sessions; give one object to every client of the process."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, UserPassword], Session] = {}

    def of(self, url: str, user: UserPassword) -> Session:
        """The session of this user, with this password, on the scanner at this address."""
        return self._sessions.setdefault((url.rstrip("/"), user), Session())
