"""The one user of the scanner: API keys, sessions with idle expiry, lock-out. Pure but for random tokens."""

import hmac
import re
import secrets
from collections.abc import Callable

from scanpool.emulator.errors import INVALID_CREDENTIALS, LOG_IN_FIRST, ApiError
from scanpool.emulator.options import Options

_KEYS = re.compile(r"accessKey=(?P<access>[^;\s]+)\s*;\s*secretKey=(?P<secret>[^;\s]+)", re.IGNORECASE)
_TOKEN = re.compile(r"token=(?P<token>[^;\s]+)", re.IGNORECASE)


class Accounts:
    """Who may use the API."""

    def __init__(self, options: Options, now: Callable[[], float]) -> None:
        self.username = options.username
        self.access_key = options.access_key
        self.secret_key = options.secret_key
        self.failures = 0
        """Logins with a wrong password and requests with wrong keys, so far."""
        self._password = options.password
        self._idle_s = options.session_idle_timeout.total_seconds()
        self._max_failed = options.max_failed_logins
        self._failed_in_a_row = 0
        self._sessions: dict[str, float] = {}
        self._now = now

    def log_in(self, username: object, password: object) -> str:
        """Open a session and answer its token.

        Raises:
            ApiError: 400 for what is no user name, 401 for wrong credentials or a locked account.
        """
        if not isinstance(username, str) or not username or not isinstance(password, str):
            raise ApiError(400, "Invalid username format")
        right = username == self.username and hmac.compare_digest(password.encode(), self._password.encode())
        if not right or self._locked:
            self._failed_in_a_row += 1
            self.failures += 1
            raise ApiError(401, INVALID_CREDENTIALS)
        self._failed_in_a_row = 0
        token = secrets.token_hex(24)
        self._sessions[token] = self._now()
        return token

    @property
    def _locked(self) -> bool:
        return 0 < self._max_failed <= self._failed_in_a_row

    def log_out(self, cookie: str | None) -> None:
        """Close the session of a request.

        Raises:
            ApiError: 401 where it has none.
        """
        self.check_session(cookie)
        self.end_session(cookie)

    def end_session(self, cookie: str | None) -> None:
        """Forget the session of a request, if it has one."""
        self._sessions.pop(_token(cookie), None)

    def check(self, api_keys: str | None, cookie: str | None) -> None:
        """See that a request comes from the user; keys count before a session.

        Raises:
            ApiError: 401 where it does not.
        """
        if api_keys is not None:
            self._check_keys(api_keys)
        else:
            self.check_session(cookie)

    def check_session(self, cookie: str | None) -> None:
        """See that a request carries a session that has not been idle for too long, and keep it alive.

        Raises:
            ApiError: 401 where it does not.
        """
        token, now = _token(cookie), self._now()
        last_used = self._sessions.get(token)
        if last_used is None or now - last_used > self._idle_s:
            self._sessions.pop(token, None)
            raise ApiError(401, LOG_IN_FIRST)
        self._sessions[token] = now

    def _check_keys(self, header: str) -> None:
        given = _KEYS.search(header)
        wanted = f"{self.access_key};{self.secret_key}".encode()
        if given is None or not hmac.compare_digest(f"{given['access']};{given['secret']}".encode(), wanted):
            self.failures += 1
            raise ApiError(401, INVALID_CREDENTIALS)

    def renew_keys(self) -> tuple[str, str]:
        """Replace the pair of API keys; the old pair is void at once."""
        self.access_key, self.secret_key = secrets.token_hex(32), secrets.token_hex(32)
        return self.access_key, self.secret_key


def _token(cookie: str | None) -> str:
    found = _TOKEN.search(cookie or "")
    return found["token"] if found else ""
