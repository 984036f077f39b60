"""Tokens that the configuration knows by their SHA-256."""

from __future__ import annotations

import hmac
import math
from collections.abc import Callable, Sequence
from datetime import datetime

from mcp.server.auth.provider import AccessToken

from scanpool.bridge.configuration.model import Token
from scanpool.bridge.gate.identity.minting import token_hash


class KnownTokens:
    """Verifies tokens by their hashes."""

    def __init__(self, tokens: Sequence[Token], *, resource: str | None, now: Callable[[], datetime]) -> None:
        """`resource` is the bridge's public URL: a token that it knows is one for it."""
        self._tokens = tuple(tokens)
        self._resource = resource
        self._now = now

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whose token it is; None for one that is unknown or has expired."""
        found = self._found(token_hash(token))
        if found is None or (found.expires is not None and found.expires <= self._now()):
            return None
        return AccessToken(
            token=token,
            client_id=found.subject,
            subject=found.subject,
            scopes=list(found.scopes),
            expires_at=None if found.expires is None else math.ceil(found.expires.timestamp()),
            resource=self._resource,
        )

    def _found(self, digest: str) -> Token | None:
        """Looks at every one, in a time that says nothing of how near the token came."""
        found = None
        for each in self._tokens:
            if hmac.compare_digest(each.sha256.lower(), digest):
                found = each
        return found
