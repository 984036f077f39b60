"""`scanpool diff` of two reports, without NATS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scanpool.cli.app import app
from scanpool.cli.frame.exits import ExitCode
from tests.support.reports import host, item, report, scan_info

LOGIN = scan_info("yes, as 'audit' via ssh")


@pytest.fixture
def reports(tmp_path: Path) -> tuple[str, str]:
    before, after = tmp_path / "march.nessus", tmp_path / "april.nessus"
    before.write_bytes(report(host("a", LOGIN, item(1, severity=3), item(2, severity=2)), host("gone", item(5))))
    after.write_bytes(report(host("a", LOGIN, item(1, severity=4), item(3, severity=1))))
    return str(before), str(after)


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["diff", *words])


def test_programs_get_counts_and_differences(reports: tuple[str, str]) -> None:
    told = json.loads(run(*reports, "--json").stdout)
    assert (told["before"], told["after"]) == reports
    assert told["summary"]["findings"] == {"new": 1, "fixed": 1, "unverified": 1, "changed": 1, "unchanged": 1}
    assert told["summary"]["unverified"] == {"host_not_in_scan": 1}
    assert [(each["status"], each["plugin_id"]) for each in told["changes"]] == [
        ("changed", 1),
        ("fixed", 2),
        ("new", 3),
        ("unverified", 5),
    ]
    assert told["changes_omitted"] == 0


def test_people_see_the_counts_and_what_is_left_out(reports: tuple[str, str]) -> None:
    out = run(*reports, "--limit", "1").stdout
    assert "findings    1 new, 1 fixed, 1 unverified, 1 changed, 1 unchanged\n" in out
    assert "unverified  1 on hosts that the later scan has not got\n" in out
    assert "3 differences not listed; --limit lists more." in out


def test_differences_are_asked_for_by_status(reports: tuple[str, str]) -> None:
    told = json.loads(run(*reports, "--status", "new", "--status", "fixed", "--json").stdout)
    assert [each["status"] for each in told["changes"]] == ["fixed", "new"]
    wrong = run(*reports, "--status", "gone")
    assert wrong.exit_code == ExitCode.USAGE
    assert "'gone' is none of new, fixed, unverified, changed" in wrong.stderr


def test_a_report_that_is_refused_is_named(reports: tuple[str, str], tmp_path: Path) -> None:
    page = tmp_path / "page.nessus"
    page.write_text("<!DOCTYPE html><html></html>")
    ended = run(reports[0], str(page), "--json")
    assert ended.exit_code == ExitCode.ERROR
    error = json.loads(ended.stdout)["error"]
    assert (error["code"], error["message"].startswith(str(page))) == ("report_not_nessus", True)
