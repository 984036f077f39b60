"""Whose a message is: that of the subject of its token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp.server.auth.provider import AccessToken
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from scanpool.bridge.caller import SCOPES, Caller, called_by
from scanpool.bridge.configuration.settings import BridgeSettings

NOBODY = Caller(subject="", scopes=frozenset())
"""Whoever got past the door without a token, where one is needed: nobody does, and it would be of no use."""


class Identified:
    """Middleware: the handler runs as the request's caller."""

    def __init__(self, settings: BridgeSettings) -> None:
        self._settings = settings

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        with called_by(caller_of(ctx, self._settings)):
            return await call_next(ctx)


def caller_of(ctx: ServerRequestContext[Any, Any], settings: BridgeSettings) -> Caller:
    """The subject of the request's own token, never of the session's; the local caller where nobody signs in."""
    if ctx.request is None:
        return settings.local
    token = access_of(ctx.request.scope)
    if token is None:
        return NOBODY if settings.signs_in else settings.local
    scopes = frozenset(each for each in SCOPES if each in token.scopes)
    return Caller(subject=token.subject or token.client_id, scopes=scopes, access=token)


def access_of(scope: Mapping[str, Any]) -> AccessToken | None:
    """The token of a request over HTTP, once it was verified; None where it has none."""
    access: AccessToken | None = getattr(scope.get("user"), "access_token", None)
    return access
