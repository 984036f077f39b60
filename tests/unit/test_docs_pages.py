"""What the pages point at exists: files, headings, commands and their options."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from scanpool.cli.app import app
from tests.support.pages import ROOT, Page, pages

COMMANDS = typer.main.get_command(app)


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize("page", pages(), ids=str)
def test_every_link_leads_somewhere(page: Page) -> None:
    dangling = [target for target in page.links if not _leads_somewhere(page, target)]
    assert dangling == []


@pytest.mark.parametrize("page", pages(), ids=str)
def test_every_command_and_option_that_is_named_exists(page: Page) -> None:
    assert [each for each in map(_mistake, page.commands) if each] == []


def test_commands_are_found_where_people_read_them() -> None:
    block = "```console\n$ id=$(scanpool scan 10.0.0.1 \\\n    --wait) | cat\nscanpool prints this\n```\n"
    text = f"Try `scanpool up --port 1`.\n{block}"
    assert Page(path=ROOT / "x.md", text=text).commands == [["up", "--port", "1"], ["scan", "10.0.0.1", "--wait"]]


@pytest.mark.parametrize(
    "words",
    [
        ["scans"],
        ["scan", "--wiat"],
        ["config", "chekc"],
        ["up", "--keep"],
        ["results", "weekly", "--format"],
        ["results", "export", "weekly", "--wait"],
    ],
)
def test_a_command_or_option_that_is_not_there_is_noticed(words: list[str]) -> None:
    assert _mistake(words)


@pytest.mark.parametrize(
    "words",
    [
        ["results", "weekly", "--hosts"],
        ["results", "--hosts", "ID"],
        ["results", "export", "weekly", "--format", "csv"],
    ],
)
def test_a_command_that_does_something_without_its_commands_is_known(words: list[str]) -> None:
    assert _mistake(words) is None


def _leads_somewhere(page: Page, target: str) -> bool:
    name, _, anchor = target.partition("#")
    path = (page.path.parent / name).resolve() if name else page.path
    if not path.exists():
        return False
    return not anchor or anchor in Page(path=path, text=path.read_text(encoding="utf-8")).anchors


def _mistake(words: list[str]) -> str | None:
    """What is wrong with the words after `scanpool`; None where all is there."""
    command, options = COMMANDS, set(_options(COMMANDS))
    for place, word in enumerate(words):
        known = getattr(command, "commands", None)
        if word.startswith("-") and word.strip("-"):
            if word.partition("=")[0] not in options:
                return f"scanpool {' '.join(words[: place + 1])}: no such option"
        elif known is not None and word[0].isalpha() and word.islower():
            default = getattr(command, "DEFAULT", None)
            if word not in known and default is None:
                return f"scanpool {' '.join(words[: place + 1])}: no such command"
            command = known.get(word) or known[default]
            options |= set(_options(command))
    return None


def _options(command: Any) -> list[str]:
    default = getattr(command, "DEFAULT", None)
    params = [*command.params, *(command.commands[default].params if default else ())]
    return [name for each in params for name in (*each.opts, *each.secondary_opts)] + ["--help", "-h"]
