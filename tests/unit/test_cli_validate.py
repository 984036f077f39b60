"""`scanpool validate`: a report's verdict without NATS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scanpool.cli.app import app
from scanpool.cli.frame.exits import ExitCode
from tests.support.reports import host, item, policy, report, scan_info

LOGGED_IN = host("10.0.0.1", scan_info("yes, as 'audit' via ssh"))
NOT_LOGGED_IN = host("10.0.0.2", scan_info("no"), item(104410, "the host refused"))
NOT_TRIED = host("10.0.0.3", scan_info("no"))
HOSTILE = host("evil\x85\u202e[bold]host", scan_info("no"), item(104410, "said \u009b31m[/]"))


def validated(content: bytes, *words: str) -> Any:
    return CliRunner().invoke(app, ["validate", "-", *words], input=content)


@pytest.mark.parametrize(
    ("hosts", "words", "code", "verdict"),
    [
        ((LOGGED_IN,), ("--credentials", "yes"), ExitCode.DONE, "success"),
        ((LOGGED_IN, NOT_LOGGED_IN), ("--credentials", "yes"), ExitCode.DONE, "partial"),
        ((NOT_LOGGED_IN,), ("--credentials", "yes"), ExitCode.ENDED_BADLY, "failed"),
        ((NOT_TRIED,), ("--credentials", "no"), ExitCode.DONE, "not_applicable"),
    ],
)
def test_the_exit_code_says_whether_a_report_is_valid(
    hosts: tuple[str, ...], words: tuple[str, ...], code: ExitCode, verdict: str
) -> None:
    ended = validated(report(*hosts), *words, "--json")
    assert ended.exit_code == code
    assert json.loads(ended.stdout)["verdict"] == verdict


def test_people_see_the_verdict_and_every_host_with_its_evidence() -> None:
    lines = validated(report(LOGGED_IN, NOT_LOGGED_IN), "--credentials", "yes").stdout.splitlines()
    assert "login     partial" in lines
    assert "coverage  50%: 1 of 2 hosts logged in to" in lines
    (good,) = (line for line in lines if line.startswith("10.0.0.1 "))
    (bad,) = (line for line in lines if line.startswith("10.0.0.2 "))
    assert good.split()[1:3] == ["auth", "ssh"]
    assert "plugin 19506: Credentialed checks : yes via ssh" in good
    assert bad.split()[1:3] == ["noauth", "bad_credentials_or_protocol"]
    assert "plugin 104410 (login failed)" in bad


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_what_a_report_says_reaches_a_terminal_as_text_alone(words: tuple[str, ...]) -> None:
    out = validated(report(HOSTILE), "--credentials", "yes", *words).stdout
    assert "[bold]" in out
    assert "host" in out
    assert set("\x1b\x85\x9b\u202e").isdisjoint(out)


def test_a_report_that_is_refused_is_not_valid_and_its_remedy_is_told() -> None:
    ended = validated(report(LOGGED_IN)[:-40])
    assert ended.exit_code == ExitCode.ENDED_BADLY
    assert "report_truncated: truncated after host 0 of at least 1" in ended.stdout
    assert "Export or download the report again" in ended.stdout


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, ["validate", str(tmp_path / "none.nessus"), "--json"])
    assert ended.exit_code == ExitCode.ERROR
    assert ended.stderr == f"error: {tmp_path}/none.nessus: No such file or directory\n"
    assert json.loads(ended.stdout)["error"]["code"] == "file_unusable"


def test_a_report_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "weekly.nessus"
    path.write_bytes(report(LOGGED_IN))
    ended = CliRunner().invoke(app, ["validate", str(path), "--credentials", "yes", "--privileged", "--json"])
    assert json.loads(ended.stdout)["result"]["validation_stats"]["privileged"] is True


def test_programs_get_the_verdict_with_its_counts_in_one_document() -> None:
    ended = validated(report(LOGGED_IN, NOT_LOGGED_IN, policy=policy()), "--credentials", "yes", "--json")
    told = json.loads(ended.stdout)
    result = told.pop("result")
    assert result["authentication_status"] == "partial"
    assert told == {
        "file": "-",
        "valid": True,
        "verdict": "partial",
        "credential_proof": True,
        "coverage": 0.5,
        "hosts": {
            "total": 2,
            "authenticated": 1,
            "limited": 0,
            "login_only": 0,
            "not_authenticated": 1,
            "local": 0,
            "unknown": 0,
            "not_scanned": 0,
        },
        "severity": {"critical": 0, "high": 0, "medium": 0, "low": 0, "info": 3, "unrated": 0},
        "compliance": {"passed": 0, "failed": 0, "warning": 0, "error": 0, "skipped": 0, "other": 0},
        "warnings": told["warnings"],
        "error": None,
    }


@pytest.mark.parametrize(("share", "code"), [("0.5", ExitCode.DONE), ("60%", ExitCode.AUTHENTICATION)])
def test_a_report_below_the_share_that_is_required_ends_with_4(share: str, code: ExitCode) -> None:
    ended = validated(report(LOGGED_IN, NOT_LOGGED_IN), "--credentials", "yes", "--require-auth", share)
    assert ended.exit_code == code


def test_of_several_reports_each_has_a_line_and_the_worst_decides(tmp_path: Path) -> None:
    good, bad, none = (tmp_path / name for name in ("good.nessus", "bad.nessus", "none.nessus"))
    good.write_bytes(report(LOGGED_IN))
    bad.write_bytes(report(LOGGED_IN)[:-40])
    words = ["validate", "--credentials", "yes"]
    told = CliRunner().invoke(app, [*words, "--json", str(good), str(bad)])
    assert [(json.loads(line)["valid"], json.loads(line)["file"]) for line in told.stdout.splitlines()] == [
        (True, str(good)),
        (False, str(bad)),
    ]
    assert told.exit_code == ExitCode.ENDED_BADLY
    shown = CliRunner().invoke(app, [*words, str(good), str(none)])
    assert shown.exit_code == ExitCode.ERROR
    assert [line.split()[:3] for line in shown.stdout.splitlines()[2:]] == [
        [str(good), "yes", "success"],
        [str(none), "no", "unknown"],
    ]
    assert "No such file" in shown.stderr
