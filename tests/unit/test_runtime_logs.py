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
from scanpool.runtime.configuration.secret import Origin, Secret


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


SECRET = "planted-3f5e0c1a9d"


class Careless:
    """An object whose repr says too much."""

    def __repr__(self) -> str:
        return f"<request Authorization: Bearer {SECRET}>"


@pytest.mark.parametrize(
    "value",
    [
        Secret(Origin.LITERAL, SECRET),
        [Secret(Origin.LITERAL, SECRET)],
        {"headers": {"Authorization": f"Bearer {SECRET}", "X-ApiKeys": f"accessKey={SECRET}; secretKey={SECRET}"}},
        {"deep": [{"er": ({"password": SECRET},)}]},
        f"GET / failed: Authorization: Basic {SECRET}",
        f"X-ApiKeys: accessKey={SECRET}; secretKey={SECRET}",
        f"X-Cookie: token={SECRET}",
        f"cannot connect to nats://user:{SECRET}@nats1:4222, nor to tls://{SECRET}@nats2",
        f'it answered {{"password": "{SECRET}", "username": "audit"}}',
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{SECRET}\n-----END OPENSSH PRIVATE KEY-----",
        f"Bearer {SECRET}",
        f"eyJhbGciOiJub25lIn0.{SECRET}.x",
        Careless(),
    ],
)
def test_no_secret_is_on_a_line_in_whatever_form_it_is_handed_over(value: object) -> None:
    out = io.StringIO()
    logs.configure(stream=out)
    structlog.get_logger("x").warning("it failed", value=value)
    logging.getLogger("some.library").warning("it failed: %s", value)
    try:
        raise LookupError(value)
    except LookupError:
        structlog.get_logger("x").exception("it failed")
        logging.getLogger("some.library").exception("it failed")
    assert len(lines(out)) == 4
    assert SECRET not in out.getvalue()


def test_of_bytes_a_line_tells_how_many() -> None:
    out = io.StringIO()
    logs.configure(stream=out)
    structlog.get_logger("x").info("it came", body=b"12345")
    assert lines(out)[0]["body"] == "(5 bytes)"


@pytest.mark.parametrize("name", ["password", "access_key", "Authorization", "x-cookie", "private_key", "passphrase"])
def test_what_stands_under_the_name_of_a_secret_is_struck_out(name: str) -> None:
    out = io.StringIO()
    logs.configure(stream=out)
    structlog.get_logger("x").info("it came", **{name: SECRET})
    assert lines(out)[0][name] == "…"


@pytest.mark.parametrize(
    "text",
    [
        "scanners.yaml:7: pools.lab.scanners[0].access_key: variable NESSUS1 is not set; set it",
        "password: is missing; add it, or name a file",
        "launched on s1 as scan 17",
        "http://127.0.0.1:8834 answers, 2026-11-26T20:00:00Z",
        "the token of the export was refused (401)",
    ],
)
def test_what_our_own_sentences_say_of_secrets_is_left(text: str) -> None:
    out = io.StringIO()
    logs.configure(stream=out)
    structlog.get_logger("x").info("told", problem=text)
    assert lines(out)[0]["problem"] == text


def test_a_terminal_gets_no_secret_either() -> None:
    out = Terminal()
    logs.configure(stream=out)
    try:
        raise LookupError(f"nats://user:{SECRET}@nats1")
    except LookupError:
        structlog.get_logger("x").exception("it failed", password=SECRET)
    assert "it failed" in out.getvalue()
    assert SECRET not in out.getvalue()


def test_a_library_s_line_says_whose_it_is_and_whose_scan_it_is_about() -> None:
    out = io.StringIO()
    logs.configure(stream=out)
    with bound_contextvars(scan_id="one", trace_id="f" * 32):
        logging.getLogger("some.library").warning("tried again")
    (line,) = lines(out)
    assert (line["logger"], line["scan_id"], line["trace_id"]) == ("some.library", "one", "f" * 32)
