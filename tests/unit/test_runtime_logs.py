"""Logs: JSON lines for machines, a readable form for people."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
import structlog
from structlog.contextvars import bound_contextvars

from scanpool.runtime import logs


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_level_time_and_what_is_bound() -> None:
    out = io.StringIO()
    logs.configure(stream=out)
    with bound_contextvars(scan_id="one", trace_id="f" * 32):
        structlog.get_logger("x").info("scan is running", scanner="s1")
    (line,) = lines(out)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "scan is running",
        "level": "info",
        "scanner": "s1",
        "scan_id": "one",
        "trace_id": "f" * 32,
    }


def test_a_line_of_a_library_is_json_too() -> None:
    out = io.StringIO()
    logs.configure(stream=out)
    logging.getLogger("some.library").warning("tried %s times", 3)
    (line,) = lines(out)
    assert (line["event"], line["level"]) == ("tried 3 times", "warning")


def test_an_exception_is_a_field_of_its_line() -> None:
    out = io.StringIO()
    logs.configure(stream=out)
    try:
        raise LookupError("no such thing")
    except LookupError:
        structlog.get_logger("x").exception("it failed")
    (line,) = lines(out)
    assert "LookupError: no such thing" in line["exception"]


@pytest.mark.parametrize(("level", "told"), [("debug", 3), ("info", 2), ("error", 1)])
def test_only_lines_of_the_level_and_above_are_told(level: logs.Level, told: int) -> None:
    out = io.StringIO()
    logs.configure(level=level, stream=out)
    logger = structlog.get_logger("x")
    logger.debug("a")
    logger.info("b")
    logger.error("c")
    assert len(lines(out)) == told


def test_a_terminal_gets_a_readable_form_exceptions_included() -> None:
    out = Terminal()
    logs.configure(stream=out)
    try:
        raise LookupError("no such thing")
    except LookupError:
        structlog.get_logger("x").exception("it failed")
    assert "it failed" in out.getvalue()
    assert "no such thing" in out.getvalue()
    assert not out.getvalue().startswith("{")
