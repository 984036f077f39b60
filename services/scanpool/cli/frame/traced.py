"""Commands whose spans are sent, where the environment asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from scanpool.cli.frame.invocation import Invocation

FLUSH_S = 2.0
"""How long a command may go on for the sake of its spans."""

log = structlog.get_logger(__name__)


@contextmanager
def traced(call: Invocation) -> Iterator[None]:
    """A command within which spans are made and sent; else what makes them is not even loaded, which takes a while."""
    from scanpool.runtime.otlp import is_installed, wish_of

    wish = wish_of(call.environ, installed=is_installed())
    if wish.problem:
        log.warning("traces are not exported", why=wish.problem)
    if not wish.export:
        yield
        return
    from scanpool.runtime.span_export import flush, record_spans

    record_spans("scanpool-cli")
    try:
        yield
    finally:
        flush(FLUSH_S)
