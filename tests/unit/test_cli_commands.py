"""The command line as a whole: help, the options of every command, mistakes."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from scanpool.cli.app import app
from scanpool.cli.frame.exits import MEANINGS, ExitCode
from scanpool.cli.frame.invocation import WithDefault
from scanpool.cli.frame.scan_options import OPTION_OF_FIELD
from scanpool.cli.running import run
from scanpool.cli.running.assembly import SERVICES
from scanpool.cli.scans import events
from scanpool.client.events import ALL_KINDS
from scanpool.emulator.options import PROFILES
from scanpool_schemas.request import ScanRequest
from tests.support.cli_reference import rendered
from tests.support.pages import ROOT

OF_THE_BRIDGE = {"client", "confirmed"}
"""Fields of a request that only the bridge fills in."""
HEAVY = ("mcp", "nats", "lxml", "uvicorn", "starlette", "httpx", "structlog", "opentelemetry", "yaml")


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, (*path, name))
        else:
            is_default = isinstance(group, WithDefault) and name == group.DEFAULT
            yield path if is_default else (*path, name), command


PROGRAM = get_command(app)
COMMANDS = dict(commands(PROGRAM))
PATHS = pytest.mark.parametrize("path", COMMANDS, ids=" ".join)


def examples(command: Any) -> list[str]:
    return [line.strip() for line in command.epilog.splitlines() if line.strip().startswith(("scanpool", "zcat"))]


def invoked(*words: str, environ: dict[str, str] | None = None) -> Any:
    blank = {"SCANPOOL_NATS_URL": None, "SCANPOOL_CONFIG": None, "SCANPOOL_LOG_LEVEL": None, **(environ or {})}
    return CliRunner().invoke(app, list(words), env=blank, prog_name="scanpool")


def parsed(words: list[str]) -> None:
    """Read the words as the command line would, without doing anything."""
    command, name = PROGRAM, "scanpool"
    while isinstance(command, TyperGroup):
        if isinstance(command, WithDefault) and (not words or words[0] not in command.commands):
            words = [command.DEFAULT, *words]
        name, command, words = words[0], command.commands[words[0]], words[1:]
    command.make_context(name, list(words))


@PATHS
def test_every_command_says_what_it_does_and_gives_examples(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    assert command.help
    assert examples(command)
    assert all(" ".join(("scanpool", *path)) in example for example in examples(command))
    shown = " ".join(invoked(*path, "--help", environ={"TERMINAL_WIDTH": "200"}).stdout.split())
    assert all(" ".join(example.split()) in shown for example in examples(command) if len(example) < 76)


@PATHS
def test_every_example_is_a_command_line_that_can_be_read(path: tuple[str, ...]) -> None:
    for example in examples(COMMANDS[path]):
        line = example.partition("scanpool ")[2].partition(" | ")[0].partition(" > ")[0]
        parsed(shlex.split(line))


@PATHS
def test_every_command_takes_the_options_that_all_take(path: tuple[str, ...]) -> None:
    options = {name for each in COMMANDS[path].params for name in each.opts}
    assert {"--nats", "--config", "--json", "--log-level", "--verbose"} <= options


def test_every_field_of_a_request_that_is_not_the_bridges_has_an_option() -> None:
    options = {name for each in COMMANDS["scan",].params for name in (*each.opts, each.name.upper())}
    assert set(OPTION_OF_FIELD) == {*ScanRequest.__struct_fields__, "pool", "id"} - OF_THE_BRIDGE
    assert set(OPTION_OF_FIELD.values()) <= options


def test_words_that_are_spelled_again_for_a_fast_start_are_those_of_the_code() -> None:
    (profile,) = (each for each in COMMANDS["emulator",].params if each.name == "profile")
    assert run.SERVICES == SERVICES
    assert events.KINDS == ALL_KINDS
    assert get_args(profile.type_descriptor.annotation) == PROFILES


@pytest.mark.parametrize("words", [("--version", "--json"), ("--json", "--version")])
def test_the_version_is_a_document_where_one_is_asked_for(words: tuple[str, ...]) -> None:
    told, shown = invoked(*words), invoked("--version").stdout
    assert (told.exit_code, f"scanpool {json.loads(told.stdout)['version']}\n") == (0, shown)


@pytest.mark.parametrize(
    "words", [["--version"], ["--version", "--json"], ["--help"], ["scan", "--help"], ["validate", "--help"]]
)
def test_help_and_version_load_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys; from scanpool.cli import main\n"
        f"sys.argv[1:] = {words!r}\n"
        "try: main()\n"
        f"finally: sys.stderr.write(' '.join(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout
    assert done.stderr == ""


def test_the_reference_page_is_what_the_commands_say() -> None:
    page = ROOT / "docs/reference/cli.md"
    assert page.read_text(encoding="utf-8") == rendered(), "run `python -m tests.support.cli_reference " + str(page)


def test_every_exit_code_has_a_meaning_that_help_gives() -> None:
    assert set(MEANINGS) == set(ExitCode)
    shown = " ".join(invoked("--help").stdout.split())
    assert all(f"{code:d} {' '.join(meaning.split()[:5])}" in shown for code, meaning in MEANINGS.items())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["scans"], "No such command 'scans'. Did you mean 'scan', "),
        (["scan", "--wiat", "10.0.0.1"], "No such option: --wiat"),
        (["scan"], "Invalid value for TARGETS: name at least one, or a file of them with --targets-file"),
        (["scan", "10.0.0.1", "--priority", "urgent"], "'urgent' is not one of 'high', 'normal', 'low'"),
        (["scan", "10.0.0.1", "--timeout", "5m"], "Invalid value for --timeout: says how long to --wait"),
        (["scan", "10.0.0.1", "--wait", "--timeout", "soon"], "Invalid value for '--timeout': 'soon' is no duration"),
        (["scan", "10.0.0.1", "--label", "x"], "Invalid value for --label: 'x' is not of the form NAME=VALUE"),
        (["list", "--status", "late"], "'late' is not one of queued, running"),
        (["events", "--durable", "x"], "Invalid value for --durable: is of --follow, which is missing"),
        (["validate", "x", "--credentials", "no", "--privileged"], "Invalid value for --privileged: needs credentials"),
        (["run", "everything"], "'everything' is not one of admission, dispatcher"),
        (["topology", "apply", "--pools", "Lab"], "--pools: 'Lab' is not a valid pool name"),
        (["list", "--nats", "nats:four"], "--nats (not a NATS URL): takes nats://HOST:PORT"),
        (["run", "validator", "--nats", "http://nats1:4222"], "--nats (not a NATS URL): takes nats://HOST:PORT"),
        (["--pool", "lab", "schema"], "`scanpool schema` takes no --pool, which stands before it"),
        (["--pool", "lab", "breaker", "reset", "lab.a"], "`scanpool breaker reset` takes no --pool"),
        (["stats", "--pool", "lab", "--all-pools"], "Invalid value for --pool: names a pool beside --all-pools"),
        (["cordon", "lab.a"], "Missing option '--reason'"),
        (["cordon", "a", "--reason", "x"], "'a' is not of the form POOL.SCANNER; `scanpool scanners` lists them"),
        (["pause", "lab", "--reason", " "], "Invalid value for '--reason': say why, in a sentence"),
        (["pause", "lab", "--reason", "x", "--for", "0m"], "Invalid value for '--for': '0m' lasts no time"),
        (["results", "weekly", "--report", "-"], "scanpool results export weekly --format nessus"),
        (["scan", "10.0.0.1", "--type", "full"], "Invalid value for '--type': 'full' is not one of 'untrusted', "),
        (["results", "export", "weekly"], "Missing option '--format'. Choose from: jsonl, csv, "),
        (["scan", "--targets-file", os.devnull], "Invalid value for --targets-file: /dev/null names no target"),
        (["schema", "compleeted"], "nothing is published as 'compleeted'; did you mean 'completed'?"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_exit_code_2(words: list[str], message: str) -> None:
    ended = invoked(*words)
    assert ended.exit_code == ExitCode.USAGE
    assert ended.stdout == ""
    assert ended.stderr.startswith("error: ")
    assert message in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [["--json", "scan"], ["scan", "--json"], ["--json", "scan", "10.0.0.1", "--wiat"]])
def test_with_json_a_mistake_is_a_document_too(words: list[str]) -> None:
    ended = invoked(*words)
    assert ended.exit_code == ExitCode.USAGE
    assert json.loads(ended.stdout)["error"]["code"] == "usage"
    assert ended.stderr.startswith("error: ")


@pytest.mark.parametrize("words", [[], ["config"], ["topology"]])
def test_a_command_line_without_a_command_shows_help(words: list[str]) -> None:
    ended = invoked(*words)
    assert ended.exit_code == ExitCode.USAGE
    assert "Usage: scanpool" in ended.stdout
    assert ended.stderr == ""


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"SCANPOOL_LEASE_S": "soon"}, "SCANPOOL_LEASE_S='soon': takes seconds"),
        ({"SCANPOOL_POOLS": "Lab"}, "SCANPOOL_POOLS='Lab': takes names of pools"),
        ({"SCANPOOL_LOG_LEVEL": "loud"}, "SCANPOOL_LOG_LEVEL='loud': takes debug, info"),
    ],
)
def test_a_variable_without_a_usable_value_is_named(environ: dict[str, str], message: str) -> None:
    ended = invoked("list", environ=environ)
    assert ended.exit_code == ExitCode.USAGE
    assert message in ended.stderr


@pytest.mark.parametrize(
    "words",
    [["--json", "schema"], ["schema", "--json"], ["--json", "schema", "--json"], ["--verbose", "schema", "--json"]],
)
def test_options_of_every_command_stand_before_or_after_it(words: list[str]) -> None:
    assert "scanpool.scan.completed.v1" in json.loads(invoked(*words).stdout)


def test_a_group_takes_the_options_of_every_command_before_its_own_commands(tmp_path: Any) -> None:
    for words in (["config", "--json", "check"], ["--json", "config", "check"]):
        ended = invoked(*words, "--config", str(tmp_path / "none.yaml"))
        assert json.loads(ended.stdout)["ok"] is False


def test_schema_prints_json_schema_and_asyncapi() -> None:
    assert json.loads(invoked("schema", "completed").stdout)["title"] == "Scan completed"
    assert invoked("schema", "asyncapi").stdout.startswith("asyncapi: 3.0.0\n")
    assert json.loads(invoked("schema", "asyncapi", "--json").stdout)["asyncapi"] == "3.0.0"
