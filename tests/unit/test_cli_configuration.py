"""`scanpool init` and `scanpool config`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from scanpool.cli.app import app
from scanpool.cli.frame.exits import ExitCode
from scanpool.runtime.configuration import TEMPLATE
from tests.support.scanners_file import ENVIRON, a_configuration, of_scanner, written


def invoked(*words: str, environ: dict[str, str] | None = None) -> Any:
    return CliRunner().invoke(app, list(words), env={"SCANPOOL_CONFIG": None, **(environ or {})})


def test_init_writes_the_commented_file_and_prints_its_name(tmp_path: Path) -> None:
    path = tmp_path / "scanners.yaml"
    ended = invoked("init", str(path))
    assert ended.exit_code == ExitCode.DONE
    assert ended.stdout == f"{path}\n"
    assert path.read_text() == TEMPLATE


def test_init_overwrites_a_file_only_when_told_to(tmp_path: Path) -> None:
    path = tmp_path / "scanners.yaml"
    path.write_text("mine")
    refused = invoked("init", str(path), "--json")
    assert refused.exit_code == ExitCode.USAGE
    assert "overwrite it with --force" in json.loads(refused.stdout)["error"]["message"]
    assert path.read_text() == "mine"
    assert json.loads(invoked("init", str(path), "--force", "--json").stdout) == {"path": str(path)}
    assert path.read_text() == TEMPLATE


def test_init_names_the_folder_that_it_was_given_for_a_file(tmp_path: Path) -> None:
    refused = invoked("init", str(tmp_path))
    assert refused.exit_code == ExitCode.USAGE
    assert f"{tmp_path} is a folder; name a file in it" in refused.stderr


def test_init_into_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    ended = invoked("init", str(tmp_path / "none" / "scanners.yaml"))
    assert ended.exit_code == ExitCode.ERROR
    assert "No such file or directory" in ended.stderr


def test_a_good_configuration_is_good(tmp_path: Path) -> None:
    path = written(tmp_path, a_configuration())
    ended = invoked("config", "check", "--config", str(path), environ=ENVIRON)
    assert (ended.exit_code, ended.stdout, ended.stderr) == (ExitCode.DONE, f"{path}: good\n", "")


def test_a_warning_is_told_and_does_not_make_a_configuration_bad(tmp_path: Path) -> None:
    path = written(tmp_path, of_scanner(access_key="literal"))
    ended = invoked("config", "check", "--config", str(path), "--json", environ=ENVIRON)
    assert ended.exit_code == ExitCode.DONE
    assert ended.stderr.startswith(f"warning: {path}:")
    assert [problem["is_warning"] for problem in json.loads(ended.stdout)["problems"]] == [True]


def test_check_tells_every_problem_with_its_place_and_remedy(tmp_path: Path) -> None:
    path = written(tmp_path, of_scanner(url="nessus1", colour="red", secret_key={"env": "ABSENT"}))
    ended = invoked("config", "check", "--config", str(path), environ=ENVIRON)
    assert ended.exit_code == ExitCode.USAGE
    lines = ended.stderr.splitlines()
    assert len(lines) >= 2
    assert all(line.startswith(f"error: {path}:") for line in lines)
    assert any("pools.internal.scanners[0].colour" in line for line in lines)


def test_check_tells_of_secrets_that_cannot_be_read(tmp_path: Path) -> None:
    path = written(tmp_path, a_configuration())
    ended = invoked("config", "check", "--config", str(path), environ={"ACCESS_KEY": "x"})
    assert ended.exit_code == ExitCode.USAGE
    assert "SECRET_KEY" in ended.stderr


def test_a_bad_configuration_is_an_error_of_every_command_that_reads_it(tmp_path: Path) -> None:
    path = written(tmp_path, of_scanner(url="nessus1", colour="red"))
    for words in (["config", "show"], ["topology", "diff"], ["run", "poller"], ["up"]):
        ended = invoked(*words, "--config", str(path), "--json", environ=ENVIRON)
        assert ended.exit_code == ExitCode.USAGE
        error = json.loads(ended.stdout)["error"]
        assert error["code"] == "configuration_invalid"
        assert {problem["path"] for problem in error["problems"]} == {
            "pools.internal.scanners[0].url",
            "pools.internal.scanners[0].colour",
        }
        assert ended.stderr.count("error: ") == 2


def test_services_start_only_with_every_secret_in_reach(tmp_path: Path) -> None:
    path = written(tmp_path, a_configuration())
    for words in (["run", "dispatcher"], ["up"]):
        ended = invoked(*words, "--config", str(path), environ={"ACCESS_KEY": "x"})
        assert ended.exit_code == ExitCode.USAGE
        assert "variable SECRET_KEY is not set" in ended.stderr


def test_a_pool_to_serve_that_the_configuration_has_not_is_a_mistake(tmp_path: Path) -> None:
    path = written(tmp_path, a_configuration())
    for words in (["run", "dispatcher"], ["up"]):
        ended = invoked(*words, "--config", str(path), "--pools", "internal,dmz", environ=ENVIRON)
        assert ended.exit_code == ExitCode.USAGE
        assert ended.stderr == f"error: {path}: pools: there is no pool dmz to serve; name some of: internal\n"


@pytest.mark.parametrize("words", [["config", "show"], ["run", "all"], ["up"]])
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("none.yaml", "there is no such file; name one with --config, or write one with `scanpool init`"),
        ("folder", "cannot be read: Is a directory; name the file in it"),
        ("empty.yaml", "is empty; write one with `scanpool init`"),
    ],
)
def test_a_file_that_holds_no_configuration_is_named_with_the_remedy(
    tmp_path: Path, words: list[str], name: str, told: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.yaml").touch()
    ended = invoked(*words, "--config", str(tmp_path / name))
    assert (ended.exit_code, ended.stderr) == (ExitCode.USAGE, f"error: {tmp_path / name}: {told}\n")


def test_show_prints_the_configuration_without_secrets(tmp_path: Path) -> None:
    path = written(tmp_path, of_scanner(secret_key="hush-hush"))
    for words, read in ((["--json"], json.loads), ([], yaml.safe_load)):
        ended = invoked("config", "show", "--config", str(path), *words, environ=ENVIRON)
        (scanner,) = read(ended.stdout)["pools"]["internal"]["scanners"]
        assert scanner["access_key"] == {"env": "ACCESS_KEY"}
        assert scanner["secret_key"] == "***"
        assert scanner["max_concurrent_scans"] == 2
        assert "hush-hush" not in ended.stdout + ended.stderr


def test_the_file_is_named_by_the_option_before_the_variable(tmp_path: Path) -> None:
    path = written(tmp_path, a_configuration())
    environ = {**ENVIRON, "SCANPOOL_CONFIG": str(tmp_path / "other.yaml")}
    assert invoked("config", "check", environ=environ).exit_code == ExitCode.USAGE
    assert invoked("config", "check", "--config", str(path), environ=environ).exit_code == ExitCode.DONE
    assert invoked("--config", str(path), "config", "check", environ=environ).exit_code == ExitCode.DONE


@pytest.mark.parametrize("words", [["config", "show"], ["run", "all"], ["up"]])
def test_without_a_configuration_the_ways_to_have_one_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = invoked(*words, environ={"HOME": str(tmp_path)})
    assert ended.exit_code == ExitCode.USAGE
    assert "scanpool init" in ended.stderr
