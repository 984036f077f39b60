"""The bridge's one verifier of bearer tokens, and what the SDK is told of signing in."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings

from scanpool.bridge.configuration.model import Jwt
from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.bridge.gate.identity.issued import IssuedTokens
from scanpool.bridge.gate.identity.keyset import KeySet, fetched
from scanpool.bridge.gate.identity.known import KnownTokens

_NOBODY = "http://localhost"
"""The SDK wants an issuer where there is none; nobody is told of it."""


class AnyOf:
    """Believes what one of the verifiers believes."""

    def __init__(self, verifiers: Sequence[TokenVerifier]) -> None:
        self._verifiers = tuple(verifiers)

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whose token it is."""
        for verifier in self._verifiers:
            if (access := await verifier.verify_token(token)) is not None:
                return access
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class SignIn:
    """How callers over HTTP say who they are."""

    verifier: TokenVerifier
    auth: AuthSettings


def sign_in(settings: BridgeSettings, now: Callable[[], datetime]) -> SignIn | None:
    """How callers sign in; None where nobody has to."""
    if not settings.signs_in:
        return None
    verifiers: list[TokenVerifier] = [KnownTokens(settings.tokens, resource=settings.public_url, now=now)]
    if settings.jwt is not None:
        verifiers.append(IssuedTokens(settings.jwt, _keys(settings.jwt), resource=settings.public_url))
    return SignIn(verifier=AnyOf(verifiers), auth=_auth(settings))


def _keys(trust: Jwt) -> KeySet:
    return KeySet(partial(fetched, trust.jwks_url, trust.ca_bundle), clock=time.monotonic)


def _auth(settings: BridgeSettings) -> AuthSettings:
    """Where there is an issuer, clients find it by the metadata of RFC 9728; tokens of the file come from none."""
    resource = settings.public_url if settings.jwt else None
    return AuthSettings.model_validate(
        {
            "issuer_url": settings.jwt.issuer if settings.jwt else _NOBODY,
            "resource_server_url": resource,
            "validate_token_resource": resource is not None,
            "required_scopes": list(settings.required_scopes) or None,
        }
    )
