"""Spans of calls to a scanner, by OpenTelemetry's conventions for HTTP clients: nothing of what is sent is in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from opentelemetry.trace import SpanKind

from scanpool.runtime.message_spans import SCANNER
from scanpool.runtime.tracing import failed, is_recorded, note, span
from scanpool.scanners.nessus.calls import Call

_WORDS = frozenset(
    {"server", "status", "properties", "session", "editor", "scan", "templates", "policies", "scans", "file", "upload"}
    | {"folders", "latest-status", "progress", "history", "launch", "stop", "pause", "resume", "export", "download"}
    | {"tokens"}
)
"""Parts of addresses that mean the same in every call. All others are numbers, names or tokens, and not told."""
_FAILURE = 400
_PORTS = {"http": 80, "https": 443}


class CallSpan:
    """Makes the spans of the calls to one scanner, where they are part of work of which spans are kept."""

    def __init__(self, scanner: str, url: str) -> None:
        """`scanner` is `<pool>.<scanner>`."""
        parts = urlsplit(url)
        self._more: dict[str, str | int | float | bool] = {
            "server.address": parts.hostname or "",
            "server.port": parts.port or _PORTS.get(parts.scheme, 0),
            "url.scheme": parts.scheme,
            SCANNER: scanner.partition(".")[2],
        }

    @contextmanager
    def around(self, call: Call) -> Iterator[None]:
        """The exchange of the call."""
        if not is_recorded():
            yield
            return
        path = url_template(call.path)
        own = {"http.request.method": call.method, "url.template": path, "scanpool.operation": call.operation}
        with span(f"{call.method} {path}", kind=SpanKind.CLIENT, attributes={**self._more, **own}):
            yield


def answered(call: Call, status: int) -> None:
    """A status came; one that is no answer to the call is a failure."""
    if not is_recorded():
        return
    note({"http.response.status_code": status})
    if status >= _FAILURE and status not in call.accepts:
        failed(str(status))


def unanswered(kind: str) -> None:
    """No status came; `kind` says what happened instead, in a word."""
    if is_recorded():
        failed(kind)


def url_template(path: str) -> str:
    """The path without its query, every part but known words left open: an export's address holds its token."""
    parts = path.partition("?")[0].split("/")
    return "/".join(part if not part or part in _WORDS else "{id}" for part in parts)
