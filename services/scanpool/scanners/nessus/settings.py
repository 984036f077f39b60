"""What it takes to talk to one scanner: where it is, how to sign in, what to trust, and limits."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import httpx

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_HOST = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?|[0-9A-Fa-f:.]+")
_KEY = re.compile(r"[!-:<-~]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKeys:
    """A key pair of a Nessus user; it never expires until somebody makes a new one."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)

    def __post_init__(self) -> None:
        for name, key in (("access_key", self.access_key), ("secret_key", self.secret_key)):
            if not _KEY.fullmatch(key):
                raise ValueError(f"{name} must be printable ASCII without blanks and semicolons")


@dataclass(frozen=True, kw_only=True, slots=True)
class UserPassword:
    """A Nessus user who signs in to a web session."""

    username: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.username or not self.password:
            raise ValueError("username and password must not be empty")


SignIn = ApiKeys | UserPassword

Kind: TypeAlias = Literal["nessus", "tenable-vm"]
"""A Nessus of one's own, or Tenable Vulnerability Management."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tls:
    """What makes a scanner's certificate trusted. Everything that is named is checked."""

    verify: bool = True
    """Check the certificate and its host name, against the system's CAs unless others are named."""
    ca_bundle: Path | None = None
    """The CAs that count, in place of the system's."""
    fingerprint: str | None = None
    """SHA-256 of the scanner's own certificate; it replaces the CAs, unless a bundle is named as well."""

    def __post_init__(self) -> None:
        if self.ca_bundle is not None and not self.verify:
            raise ValueError("verify is off, but ca_bundle names what to verify against: drop one of them")
        if self.fingerprint is not None:
            object.__setattr__(self, "fingerprint", _plain_fingerprint(self.fingerprint))


def _plain_fingerprint(text: str) -> str:
    plain = text.strip().lower().removeprefix("sha256:").replace(":", "")
    if not _FINGERPRINT.fullmatch(plain):
        raise ValueError("fingerprint must be the SHA-256 of the certificate: 64 hex digits, colons allowed")
    return plain


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportLimits:
    """How large a report may be, and how long getting it may take."""

    max_report_bytes: int = 2 * 1024**3
    ready_within: timedelta = timedelta(minutes=30)
    """How long the scanner may take to write an export."""
    poll_interval: timedelta = timedelta(seconds=1)
    """How often it is asked whether the export is ready."""
    download_within: timedelta = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class NessusSettings:
    """One Nessus scanner. Raises `ValueError` for what can never work."""

    scanner_instance: str
    """`<pool>.<scanner>`, as errors and logs name it."""
    url: str
    kind: Kind = "nessus"
    network_scanner: str | None = None
    """Of `tenable-vm`: the linked scanner or scanner group that scans, by name; None leaves it to Tenable's cloud."""
    sign_in: SignIn
    tls: Tls = Tls()
    request_timeout: timedelta = timedelta(seconds=20)
    """The longest a call may take in all, signing in and looking up included; exports have their own limits."""
    connect_timeout: timedelta = timedelta(seconds=5)
    max_connections: int = 8
    """Requests under way at once; the others wait for their turn. At most half of them are downloads."""
    export: ExportLimits = ExportLimits()

    def __post_init__(self) -> None:
        problem = url_problem(self.url)
        if problem:
            raise ValueError(f"{self.scanner_instance}: url: {problem}")
        if self.tls.fingerprint and not self.url.lower().startswith("https:"):
            raise ValueError(
                f"{self.scanner_instance}: tls.fingerprint is set, but the url is not https: nothing shows one"
            )
        if self.kind == "tenable-vm" and not isinstance(self.sign_in, ApiKeys):
            raise ValueError(f"{self.scanner_instance}: Tenable Vulnerability Management takes API keys only")
        if self.kind != "tenable-vm" and self.network_scanner is not None:
            raise ValueError(f"{self.scanner_instance}: network_scanner is for the kind tenable-vm only")
        if self.max_connections < 2:
            raise ValueError(f"{self.scanner_instance}: max_connections must be 2 or more")


def url_problem(url: str) -> str | None:
    """Why this cannot be a scanner's address, or None."""
    try:
        parts = urlsplit(url)
        port = parts.port
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        return "is malformed: check its host and port"  # their texts repeat parts of it, a password perhaps
    if parts.scheme not in {"https", "http"}:
        return "must begin with https:// (or http://)"
    if parts.username is not None or parts.password is not None:
        return "must not carry a user or password: they have their own settings"
    if not parts.hostname or not _HOST.fullmatch(parts.hostname):
        return "names no valid host"
    if port == 0:
        return "port 0 is none"
    if parts.query or parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
        return "must be plain ASCII without blanks, query and fragment"
    return None
