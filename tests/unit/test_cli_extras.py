"""The core alone: what works without the extras, and what is said where one is needed."""

from __future__ import annotations

import json
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.reports import host, report, scan_info

EXTRAS = (
    "httpx",
    "opentelemetry.sdk",
    "prometheus_client",
    "starlette",
    "uvicorn",
    "cryptography",
    "python_multipart",
    "multipart",
    "pyarrow",
    "mcp",
    "jwt",
)


def run_with_the_core_alone(*words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """A process in which no module of an extra can be imported, as where they are not installed."""
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({EXTRAS!r}))\n"
        f"sys.argv[1:] = {list(words)!r}\n"
        "from scanpool.cli import main; main()"
    )
    return subprocess.run([sys.executable, "-c", code], input=stdin, capture_output=True, timeout=60)


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (("run", "all"), "server"),
        (("up",), "server"),
        (("demo",), "embedded"),
        (("emulator",), "embedded"),
        (("bridge",), "bridge"),
        (("up", "--bridge-port", "8765"), "server"),
        (("results", "export", "weekly", "--format", "parquet", "--output", "weekly.parquet"), "parquet"),
    ],
)
def test_a_command_whose_extra_is_absent_names_it(words: tuple[str, ...], extra: str) -> None:
    ended = run_with_the_core_alone(*words, "--json")
    assert ended.returncode == 2
    error = json.loads(ended.stdout)["error"]
    assert error["code"] == "extra_missing"
    assert error["message"].endswith(f"install 'scanpool[{extra}]'")
    assert ended.stderr == f"error: {error['message']}\n".encode()


def test_reports_are_validated_by_the_core_alone() -> None:
    stdin = report(host("10.0.0.1", scan_info("yes, as 'audit' via ssh")))
    ended = run_with_the_core_alone("validate", "-", "--credentials", "yes", stdin=stdin)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.parametrize("words", [("scan", "10.0.0.1"), ("events", "--follow")])
def test_clients_work_with_the_core_alone(words: tuple[str, ...]) -> None:
    with an_old_nats_server() as url:
        ended = run_with_the_core_alone(*words, "--nats", url, "--json")
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["error"]["code"] == "server_unsuitable"


@contextmanager
def an_old_nats_server() -> Iterator[str]:
    """Greets as NATS does, with a version that will not do, and knows nothing more than PING."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Greeting) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"nats://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class _Greeting(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        information = {"server_id": "old", "version": "2.9.0", "max_payload": 1048576, "headers": True}
        self.wfile.write(f"INFO {json.dumps(information)}\r\n".encode())
        for line in self.rfile:
            if line.startswith(b"PING"):
                self.wfile.write(b"PONG\r\n")
