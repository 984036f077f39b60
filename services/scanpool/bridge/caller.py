"""Who calls: the subject of the token, and what its scopes let it do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from mcp.server.auth.provider import AccessToken

Scope = Literal[
    "scan:read",
    "scan:read:all",
    "scan:run",
    "scan:run:auth",
    "scan:intrusive",
    "scan:cancel",
    "pool:read",
    "cred:list",
    "ops",
]
"""What a token may be good for; `scan:read:all` shows the scans of others too."""
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """A client of the bridge."""

    subject: str
    """Owns the scans that it asks for, and names its policy."""
    scopes: frozenset[Scope]
    access: AccessToken | None = field(default=None, repr=False, compare=False)
    """The token that it called with; None where nobody signs in."""

    def may(self, scope: Scope) -> bool:
        """Whether it has the scope."""
        return scope in self.scopes


_current: ContextVar[Caller] = ContextVar("caller")


def current_caller() -> Caller:
    """The caller of the request that is being answered."""
    return _current.get()


@contextmanager
def called_by(caller: Caller) -> Iterator[None]:
    """Answer a request of the caller's."""
    token = _current.set(caller)
    try:
        yield
    finally:
        _current.reset(token)
