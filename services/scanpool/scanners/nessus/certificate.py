"""The certificate that a scanner shows: whether it is trusted, and until when."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from scanpool.scanners.nessus.settings import Tls
from scanpool.scanners.nessus.tls import PinMismatch, context

HTTPS_PORT = 443
_EXPIRED = 10
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED."""

Verdict: TypeAlias = Literal["trusted", "expired", "untrusted", "not pinned", "unreachable", "not encrypted"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """What a scanner shows, and what we make of it."""

    verdict: Verdict
    why: str = ""
    """Of what is not trusted or not reached, in a sentence without anything that the scanner said."""
    fingerprint: str = ""
    """SHA-256 of the certificate, in hex; empty where it was not seen."""
    expires: datetime | None = None
    """None where it is not known."""
    is_over: bool = False
    """It has expired, and is trusted for its pin or since nothing is verified."""


async def look_at_certificate(url: str, tls: Tls) -> Certificate:
    """Make a connection as for a call, and look at what is shown; nothing is sent.

    Raises:
        ValueError: the CA bundle cannot be read.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or HTTPS_PORT
    if parts.scheme.lower() != "https":
        return Certificate(verdict="not encrypted")
    try:
        shown = await _shown(host, port, context(tls))
    except PinMismatch as error:
        return Certificate(verdict="not pinned", why="it is not the pinned one", fingerprint=error.found)
    except ssl.SSLCertVerificationError as error:
        verdict: Verdict = "expired" if error.verify_code == _EXPIRED else "untrusted"
        return Certificate(verdict=verdict, why=error.verify_message)
    except (OSError, ssl.SSLError) as error:
        return Certificate(verdict="unreachable", why=f"cannot connect: {error.strerror or error}")
    return await _dated(host, port, shown)


@dataclass(frozen=True, slots=True)
class _Shown:
    der: bytes
    until: str | None


async def _shown(host: str, port: int, how: ssl.SSLContext) -> _Shown:
    _reader, writer = await asyncio.open_connection(host, port, ssl=how, server_hostname=host)
    try:
        connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
        details = connection.getpeercert() or {}
        until = details.get("notAfter")
        return _Shown(connection.getpeercert(binary_form=True) or b"", until if isinstance(until, str) else None)
    finally:
        writer.transport.abort()


async def _dated(host: str, port: int, shown: _Shown) -> Certificate:
    """With the end of its validity, which Python tells only of what it verified: so it is verified against itself."""
    fingerprint = hashlib.sha256(shown.der).hexdigest()
    if shown.until is not None:
        return Certificate(verdict="trusted", fingerprint=fingerprint, expires=_instant(shown.until))
    itself = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    itself.check_hostname = False
    itself.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    itself.load_verify_locations(cadata=shown.der)
    seen = Certificate(verdict="trusted", fingerprint=fingerprint)
    try:
        again = await _shown(host, port, itself)
    except ssl.SSLCertVerificationError as error:
        return replace(seen, is_over=error.verify_code == _EXPIRED)
    except OSError:
        return seen
    return replace(seen, expires=_instant(again.until or ""))


def _instant(text: str) -> datetime | None:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), tz=UTC) if text else None
