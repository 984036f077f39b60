"""Makes tokens."""

from __future__ import annotations

import hashlib
import secrets

TOKEN_BYTES = 32
PREFIX = "scanpool_"
"""So that scanners of secrets, and people, know one when they see it."""


def new_token() -> str:
    """A random token of 256 bits."""
    return PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> str:
    """SHA-256 in hex. The token is random in all its bits, so a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).hexdigest()
