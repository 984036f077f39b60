"""Every command of the tutorial does what the page says, run as a reader runs it: in shells, against a real stack."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.ports import own_port
from tests.support.tutorial import Block, blocks, squeezed

pytestmark = pytest.mark.long

PAGE = (Path(__file__).parents[2] / "docs/tutorial.md").read_text(encoding="utf-8")
EMULATOR_PORT = re.compile(r"(?<=127\.0\.0\.1:)8834|(?<=--port )8834")
DEADLINE_S = 60.0


class Reader:
    """Somebody who follows the page in a folder of their own, with a free port for the emulator."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._port = str(own_port())
        self._environ = _environ(folder)

    def follow(self, block: Block) -> None:
        """Do what the block says."""
        match block.mark:
            case "append":
                with (self._folder / block.argument).open("a") as file:
                    file.write(self._own(block.body))
            case "run":
                self._run(block)
            case "stays":
                self._start(block)
            case other:
                pytest.fail(f"the tutorial has a block marked {other!r}")

    def _run(self, block: Block) -> None:
        done = subprocess.run(
            self._shell(block),
            cwd=self._folder,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
        )
        assert done.returncode == block.exit_code, f"{block.commands}: {done.stdout}{done.stderr}"
        _assert_shown(block, done.stdout)

    def _start(self, block: Block) -> None:
        output = self._folder / f"{len(list(self._folder.iterdir()))}.out"
        with output.open("w") as stdout, output.with_suffix(".err").open("w") as stderr:
            process = subprocess.Popen(
                self._shell(block),
                cwd=self._folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        self._stack.enter_context(_ended(process))
        text = _until(block.argument, output, process)
        _assert_shown(block, text)
        if nats := re.search(r"nats://\S+", text):
            self._environ["SCANPOOL_NATS_URL"] = nats[0]

    def _shell(self, block: Block) -> list[str]:
        return ["bash", "-e", "-c", self._own("\n".join(block.commands))]

    def _own(self, text: str) -> str:
        return EMULATOR_PORT.sub(self._port, text)


def test_the_tutorial_can_be_followed_to_its_end(tmp_path: Path) -> None:
    steps = list(blocks(PAGE))
    assert sum(len(step.commands) for step in steps if step.mark != "append") >= 10
    with ExitStack() as stack:
        reader = Reader(tmp_path, stack)
        for step in steps:
            reader.follow(step)


def _assert_shown(block: Block, output: str) -> None:
    printed = [squeezed(line) for line in output.splitlines()]
    missing = [line for line in block.shown if line not in printed]
    assert not missing, f"{block.commands} printed:\n{output}"


def _until(text: str, output: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline and process.poll() is None:
        if text in (printed := output.read_text()):
            return printed
        time.sleep(0.05)
    errors = output.with_suffix(".err").read_text()
    return pytest.fail(f"{process.args!r} did not print {text!r}: {output.read_text()}{errors}")


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Ctrl-C in that terminal: what runs in it must end by itself."""
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise


def _environ(folder: Path) -> dict[str, str]:
    scripts = sysconfig.get_path("scripts")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SCANPOOL_", "XDG_"))}
    return {**kept, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder)}
