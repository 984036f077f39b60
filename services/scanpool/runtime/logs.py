"""Structured logs on stderr: JSON lines, or a readable form on a terminal."""

from __future__ import annotations

import logging
import sys
from typing import Literal, TextIO

import structlog

Level = Literal["debug", "info", "warning", "error"]


def configure(*, level: Level = "info", stream: TextIO | None = None) -> None:
    """Set up logging for the whole process; called once, by `main`."""
    out = stream or sys.stderr
    number = getattr(logging, level.upper())
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer(colors=True) if out.isatty() else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=out)
    logging.getLogger("nats").setLevel(logging.CRITICAL)
