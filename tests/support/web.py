"""What tests ask over plain HTTP: to load the world's certificates takes longer than to ask."""

from __future__ import annotations

import ssl
from typing import Any

import httpx

NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""`verify` of a client that is not asked to speak TLS; it trusts nobody."""


def plain_http(**options: Any) -> httpx.AsyncClient:
    """A client of servers on this machine."""
    return httpx.AsyncClient(verify=NO_CERTIFICATES, trust_env=False, **options)
