"""Tokens that an authorization server signed: JSON Web Tokens, judged by the issuer's public keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
import structlog
from mcp.server.auth.provider import AccessToken

from scanpool.bridge.caller import SCOPES
from scanpool.bridge.configuration.model import Jwt
from scanpool.bridge.gate.identity.keyset import KeySet

MAX_SUBJECT_CHARS = 256
"""What a scan's `owner` and `client` hold."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Header:
    algorithm: str
    key_id: str | None


class IssuedTokens:
    """Verifies tokens by their signatures and claims."""

    def __init__(self, trust: Jwt, keys: KeySet, *, resource: str | None) -> None:
        """`resource` is the bridge's public URL."""
        audience = trust.audience or resource
        assert audience is not None, "the configuration is refused without one"
        self._trust = trust
        self._keys = keys
        self._audience = audience
        self._resource = resource

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whose token it is; None for one that is not to be believed, whatever the reason."""
        try:
            header = self._header(token)
            return self._access(token, self._claims(token, header, await self._keys.named(header.key_id)))
        except jwt.PyJWTError as error:
            log.info("a token was refused", reason=type(error).__name__)
            return None

    def _header(self, token: str) -> _Header:
        """What the token says of its signature; nothing else of it is followed, no URL and no key that it brings."""
        header = jwt.get_unverified_header(token)
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm not in self._trust.algorithms:
            raise jwt.InvalidAlgorithmError("an algorithm that is not taken")
        if "crit" in header:
            raise jwt.InvalidTokenError("has extensions that must be understood")
        return _Header(algorithm=algorithm, key_id=key_id)

    def _claims(self, token: str, header: _Header, keys: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The claims, once one of the keys proves them."""
        for key in (_usable(each, header.algorithm) for each in keys):
            if key is None:
                continue
            try:
                return self._decoded(token, header.algorithm, key)
            except jwt.InvalidSignatureError:
                continue
        raise jwt.InvalidSignatureError("no key of the issuer made the signature")

    def _decoded(self, token: str, algorithm: str, key: jwt.PyJWK) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=self._audience,
            issuer=self._trust.issuer,
            leeway=self._trust.leeway_s,
            options={"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True},
        )
        return claims

    def _access(self, token: str, claims: Mapping[str, Any]) -> AccessToken:
        subject = claims.get(self._trust.subject_claim)
        if not isinstance(subject, str) or not _is_subject(subject):
            raise jwt.InvalidTokenError("does not say who calls")
        client = claims.get("azp") or claims.get("client_id") or subject
        return AccessToken(
            token=token,
            client_id=str(client),
            subject=subject,
            scopes=_scopes(claims.get(self._trust.scope_claim)),
            expires_at=int(claims["exp"]) + self._trust.leeway_s,
            resource=self._resource,
            claims={"iss": claims["iss"]},
        )


def _usable(data: Mapping[str, Any], algorithm: str) -> jwt.PyJWK | None:
    """The key, where it is one for signatures of this algorithm; which kind of key it is decides, not the token."""
    if data.get("use", "sig") != "sig" or data.get("alg", algorithm) != algorithm:
        return None
    try:
        return jwt.PyJWK(dict(data), algorithm=algorithm)
    except (jwt.PyJWTError, TypeError, ValueError):
        return None


def _is_subject(subject: str) -> bool:
    return 0 < len(subject) <= MAX_SUBJECT_CHARS and bool(subject.strip()) and subject.isprintable()


def _scopes(claim: object) -> list[str]:
    """Those that the bridge knows, of words separated by blanks or of a list."""
    words = claim.split() if isinstance(claim, str) else claim
    return [each for each in SCOPES if each in words] if isinstance(words, list) else []
