"""What stands in `deploy/`, as tests read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.support.pages import ROOT

DEPLOY = ROOT / "deploy"
POOLS, WORKERS = ("internal", "dmz"), ("dmz",)
"""What the shipped users of NATS are for."""
IMAGE = re.compile(r"[a-z0-9./-]+:v?[0-9]+\.[0-9]+(?:\.[0-9]+)?(?:-[a-z0-9.-]+)?(?:@sha256:[0-9a-f]{64})?")
"""An image of one version."""
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?::-(?P<default>[^}]*))?\}")


def compose() -> dict[str, Any]:
    """The compose file, its variables as they stand there."""
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return document


def services() -> dict[str, dict[str, Any]]:
    """The services of the compose file by their names."""
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def filled(text: str) -> str:
    """The text with the defaults of its variables."""
    return VARIABLE.sub(lambda match: match["default"] or "", text)


def env_example(path: Path = DEPLOY / ".env.example") -> dict[str, str]:
    """The variables of an example and their values."""
    lines = path.read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def instructions() -> Iterator[tuple[str, str]]:
    """The Dockerfile's instructions, each with its arguments on one line."""
    text = re.sub(r"\\\n", " ", (DEPLOY / "Dockerfile").read_text())
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            word, _, rest = line.strip().partition(" ")
            yield word, re.sub(r"\s+", " ", rest)


def build_steps() -> list[tuple[str, str]]:
    """The instructions of the stage that builds."""
    stages = "\n".join(f"{word} {rest}" for word, rest in instructions()).split("\nFROM ")
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in stages[1].splitlines()[1:])]
