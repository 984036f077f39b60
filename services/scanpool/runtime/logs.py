"""Structured logs on stderr, without secrets: JSON lines, or a readable form on a terminal; those of libraries too.

What a line holds is made harmless as the last thing before it is written, whoever wrote it: values under the name of
a secret, and secrets in the forms in which they are sent, in texts, nested values and tracebacks alike. An object is
written as its `repr`, which of a `Secret` hides it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any, Literal, TextIO

import structlog
from structlog.types import EventDict, Processor

from scanpool.runtime.masking import STRUCK, is_name_of_secret, masked_line

Level = Literal["debug", "info", "warning", "error"]

DEEPEST = 8
"""Values nested deeper than this are written as text."""

_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure(*, level: Level = "info", stream: TextIO | None = None) -> None:
    """Set up logging for the whole process; called once, by `main`."""
    out = stream or sys.stderr
    rendering = _rendering(out)
    structlog.configure(
        processors=[*_SHARED, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_SHARED, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("nats").setLevel(logging.CRITICAL)  # says again what its callbacks tell us
    logging.getLogger("asyncio").addFilter(_is_news)


def harmless(_logger: object, _method: str, line: EventDict) -> EventDict:
    """The line without secrets; a processor."""
    return {name: _harmless(name, value, 0) for name, value in line.items()}


def _harmless(name: str, value: Any, depth: int) -> Any:
    """A value in the form that JSON has for it."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if is_name_of_secret(name):
        return STRUCK if value else value
    match value:
        case str():
            return masked_line(value)
        case bytes() | bytearray():
            return f"({len(value)} bytes)"
        case Mapping() if depth < DEEPEST:
            return {str(key): _harmless(str(key), each, depth + 1) for key, each in value.items()}
        case list() | tuple() | set() | frozenset() if depth < DEEPEST:
            return [_harmless("", each, depth + 1) for each in value]
        case _:
            return masked_line(repr(value))


def _is_news(record: logging.LogRecord) -> bool:
    """Not what asyncio says whenever nats-py closes a connection with TLS."""
    return not str(record.msg).startswith("returning true from eof_received()")


def _rendering(out: TextIO) -> list[Processor]:
    """Tracebacks become text first, without their frames' values."""
    shown: Processor = structlog.processors.JSONRenderer()
    if out.isatty():
        shown = structlog.dev.ConsoleRenderer(colors=True, exception_formatter=structlog.dev.plain_traceback)
    return [structlog.processors.format_exc_info, harmless, shown]
