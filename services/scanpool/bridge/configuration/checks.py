"""What values of `bridge.yaml` must keep, beyond their types."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from scanpool.bridge.configuration.model import BridgeFile, Jwt, Local, Token
from scanpool.runtime.configuration.fieldchecks import secret_findings
from scanpool.runtime.configuration.problems import Finding, child, item
from scanpool.runtime.configuration.reading import Checks
from scanpool.runtime.configuration.secret import Secret

KEY_BYTES = 32
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:([0-9]{1,5}|\*))?")
_ORIGIN = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:([0-9]{1,5}|\*))?")
_MAKE_ONE = "`scanpool bridge token` makes a token with its entry"


def key_of(text: str) -> bytes | None:
    """The key that hex or base64 stands for; None where it is not one of 32 bytes."""
    plain = text.strip()
    if _SHA256.fullmatch(plain):
        return bytes.fromhex(plain)
    try:
        key = base64.b64decode(plain.replace("-", "+").replace("_", "/") + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        return None
    return key if len(key) == KEY_BYTES else None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _public_url(url: str | None, path: str) -> Iterator[Finding]:
    if url is None:
        return
    yield from _url(url, path)
    if "?" in url or "#" in url:
        yield Finding(path, "has a query or a fragment", "write it as https://scanpool.corp.example/mcp")


def _url(url: str, path: str) -> Iterator[Finding]:
    """That nobody on the way can read or change what goes there."""
    parts = _parts(url)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        yield Finding(path, "is no URL", "write it as https://sso.corp.example/...")
    elif parts.username or parts.password:
        yield Finding(path, "holds a user or a password", "remove them")
    elif parts.scheme == "http" and not is_loopback(parts.hostname):
        yield Finding(path, "is not encrypted: anybody on the way could read and change it", "use https")


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return None if any(each.isspace() or not each.isprintable() for each in url) else parts


def _hosts(hosts: Sequence[str], path: str) -> Iterator[Finding]:
    for index, host in enumerate(hosts):
        if not _HOST.fullmatch(host):
            remedy = "write it as scanpool.corp.example, or with a port: scanpool.corp.example:8443"
            yield Finding(item(path, index), f"{host!a} is no host", remedy)


def _origins(origins: Sequence[str], path: str) -> Iterator[Finding]:
    for index, origin in enumerate(origins):
        if not _ORIGIN.fullmatch(origin):
            remedy = "write it as https://console.corp.example, without a path"
            yield Finding(item(path, index), f"{origin!a} is no origin", remedy)


def _sha256(text: str, path: str) -> Iterator[Finding]:
    if not _SHA256.fullmatch(text):
        # It may be the token itself, so it is not repeated.
        yield Finding(path, "is no SHA-256 in hex (64 digits)", _MAKE_ONE)


def _token_scopes(scopes: Sequence[str], path: str) -> Iterator[Finding]:
    if not scopes:
        yield Finding(path, "names no scope, so the token would be good for nothing", "name some, as [scan:read]")


def _subject(subject: str, path: str) -> Iterator[Finding]:
    if not subject.isprintable() or not subject.strip():
        yield Finding(path, "is blank, or has characters that cannot be printed", "name who calls")


def _tokens(tokens: Sequence[Token], path: str) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for index, token in enumerate(tokens):
        place = item(path, index)
        if first.setdefault(token.sha256.lower(), place) != place:
            yield Finding(place, f"{first[token.sha256.lower()]} is the same token", "remove one of them")


def _algorithms(algorithms: Sequence[str], path: str) -> Iterator[Finding]:
    if not algorithms:
        yield Finding(path, "names no signature, so no token could be taken", "name some, as [RS256]")


def _whole(file: BridgeFile, path: str) -> Iterator[Finding]:
    if file.jwt is not None and file.jwt.audience is None and file.public_url is None:
        place = child(child(path, "jwt"), "audience")
        message = "missing, and there is no public_url: tokens for any other service would be taken"
        yield Finding(place, message, "name what claim `aud` of your tokens holds")
    if (file.tokens or file.jwt) and not file.keys:
        message = "without keys each process makes its own: what one sealed no other opens, nor itself after a restart"
        yield Finding(child(path, "keys"), message, "give one of 32 bytes: openssl rand -hex 32", is_warning=True)


def expiry_findings(file: BridgeFile, now: datetime) -> Iterator[Finding]:
    """Tokens that are refused by now."""
    for index, token in enumerate(file.tokens):
        if token.expires is not None and token.expires <= now:
            place = child(item("tokens", index), "expires")
            yield Finding(place, "the token has expired", "remove its entry, or make another", is_warning=True)


CHECKS = Checks(
    of_fields={
        (BridgeFile, "public_url"): _public_url,
        (BridgeFile, "allowed_hosts"): _hosts,
        (BridgeFile, "allowed_origins"): _origins,
        (BridgeFile, "tokens"): _tokens,
        (Token, "subject"): _subject,
        (Token, "sha256"): _sha256,
        (Token, "scopes"): _token_scopes,
        (Jwt, "issuer"): _url,
        (Jwt, "jwks_url"): _url,
        (Jwt, "algorithms"): _algorithms,
        (Local, "subject"): _subject,
    },
    of_types={BridgeFile: _whole, Secret: secret_findings},
)
"""Every check of the model."""
