"""The two ways to sign in, as headers for a call: a key pair, or the token of a web session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import anyio
import structlog

from scanpool.scanners.errors import ScannerError, SignInFailed
from scanpool.scanners.nessus import calls
from scanpool.scanners.nessus.faults import decode, describe, fault
from scanpool.scanners.nessus.replies import SignedIn
from scanpool.scanners.nessus.sessions import Session
from scanpool.scanners.nessus.settings import ApiKeys, UserPassword
from scanpool.scanners.nessus.wire import Answer, Wire

SIGN_OUT_S = 5.0

Headers = dict[str, str]

log = structlog.get_logger(__name__)


class SignIn(Protocol):
    """What a call needs of a way to sign in."""

    async def headers(self, deadline: float) -> Headers:
        """The headers that identify us; may sign in first."""
        ...

    async def renewed(self, refused: Headers, deadline: float) -> Headers | None:
        """New headers in place of those that the scanner refused; None if there are no others."""
        ...

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not appear in any text."""
        ...

    async def close(self) -> None: ...


class KeySignIn:
    """A key pair with every call. A refused one stays refused."""

    def __init__(self, keys: ApiKeys) -> None:
        self._headers = {"X-ApiKeys": f"accessKey={keys.access_key}; secretKey={keys.secret_key}"}
        self.secrets = (keys.access_key, keys.secret_key)

    async def headers(self, deadline: float) -> Headers:  # noqa: ARG002 - nothing to wait for
        return self._headers

    async def renewed(self, refused: Headers, deadline: float) -> Headers | None:  # noqa: ARG002
        return None

    async def close(self) -> None:
        """Keys have nothing to give back."""


class SessionSignIn:
    """The token of a web session, shared with every other client of that user on that scanner."""

    def __init__(
        self, scanner: str, user: UserPassword, session: Session, wire: Wire, now: Callable[[], datetime]
    ) -> None:
        self._scanner = scanner
        self._user = user
        self._session = session
        self._wire = wire
        self._now = now
        session.join()

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self._user.password, self._session.current or "")

    async def headers(self, deadline: float) -> Headers:
        return _cookie(await self._session.token(lambda: self._fetch(deadline), self._now))

    async def renewed(self, refused: Headers, deadline: float) -> Headers | None:
        stale = refused["X-Cookie"].removeprefix("token=")
        return _cookie(await self._session.token(lambda: self._fetch(deadline), self._now, stale=stale))

    async def _fetch(self, deadline: float) -> str:
        """Sign in, once: a second try with a wrong password is a step towards a locked account."""
        call = calls.sign_in(self._user.username, self._user.password)
        answer = await self._wire.exchange(call, {}, deadline)
        error = fault(self._scanner, call, answer, now=self._now(), secrets=self.secrets)
        if error is not None:
            raise error
        assert isinstance(answer, Answer)
        if not answer.ok:
            raise SignInFailed(self._scanner, call.operation, describe(answer, self.secrets))
        return decode(self._scanner, call, answer, SignedIn).token

    async def close(self) -> None:
        """Sign out, unless somebody else still uses the session."""
        token = self._session.leave()
        if token is None:
            return
        call = calls.sign_out()
        exchange = await self._wire.exchange(call, _cookie(token), anyio.current_time() + SIGN_OUT_S)
        error: ScannerError | None = fault(self._scanner, call, exchange, now=self._now())
        if error is not None:
            log.warning(
                "not signed out; the scanner ends the session when it idles",
                scanner=self._scanner,
                code=error.code,
            )


def _cookie(token: str) -> Headers:
    return {"X-Cookie": f"token={token}"}
