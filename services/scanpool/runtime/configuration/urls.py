"""URLs of scanners."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from scanpool.runtime.configuration.problems import Finding
from scanpool_schemas.targets import InvalidTarget, read_scope

_EXAMPLE = "write it as https://nessus.corp.example:8834"
_CHARACTERS = re.compile(r"[!-~]+")
_HOST = re.compile(r"[A-Za-z0-9_.:-]+")


def url_findings(url: str, path: str) -> Iterator[Finding]:
    """What is wrong with a scanner's URL; it is not repeated, since it may hold a password by mistake."""
    fault = _fault(url)
    if fault is not None:
        yield Finding(path, *fault)
    elif urlsplit(url).scheme == "http" and not _is_loopback(urlsplit(url).hostname or ""):
        message = "http sends the scanner's keys in the clear"
        yield Finding(path, message, "use https", is_warning=True)


def normal_url(url: str) -> str:
    """A URL without findings, by which two that mean the same are equal."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def _fault(url: str) -> tuple[str, str] | None:
    if not _CHARACTERS.fullmatch(url):
        return "is empty, or has whitespace or characters outside ASCII", _EXAMPLE
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "has a malformed host or port", _EXAMPLE
    if parts.scheme not in ("https", "http"):
        return "begins with neither https:// nor http://", _EXAMPLE
    if "@" in parts.netloc:
        return "holds a user or a password", "use username and password, and keep the URL to the host"
    if not parts.hostname or not _HOST.fullmatch(parts.hostname) or port == 0:
        return "has no host, or a malformed one", _EXAMPLE
    return _unreadable(parts.hostname) or _surplus(parts)


def host_of(url: str) -> str:
    """The host of a URL without findings, as a target of a scan would name it."""
    return urlsplit(url).hostname or ""


def _unreadable(host: str) -> tuple[str, str] | None:
    # Scanners are protected from clients of the bridge, so their hosts have to be understood as targets are.
    try:
        read_scope([host])
    except InvalidTarget as error:
        return f"has no proper host: {error.problem}", error.remedy
    return None


def _surplus(parts: SplitResult) -> tuple[str, str] | None:
    if parts.query or parts.fragment:
        return "has a query or a fragment", "end it after the port"
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
