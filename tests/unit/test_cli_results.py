"""`scanpool results` and its commands, of reports that are files, without NATS."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scanpool.cli.app import app
from scanpool.cli.frame.exits import ExitCode
from scanpool.report.findings.schema import TABLES, VERSION
from tests.support.exports import FINDINGS, HARD, HOSTILE, RESULTS
from tests.support.reports import report

NOWHERE = {"SCANPOOL_NATS_URL": "nats:nowhere", "SCANPOOL_CONFIG": None, "SCANPOOL_LOG_LEVEL": None}
"""Whatever asks for a scan is told so at once, as `ASKED`; what reads files does not look at it."""
ASKED = "(not a NATS URL)"
HARMFUL = ("\x1b", "\x9b", "\u202e")


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "weekly.nessus"
    path.write_bytes(report(*HARD))
    return str(path)


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["results", *words], env=NOWHERE, prog_name="scanpool")


def export(file: str, format: str, *words: str) -> Any:
    ended = run("export", file, "--format", format, *words)
    assert (ended.exit_code, ended.stderr) == (0, "")
    return ended


@pytest.mark.parametrize(
    "words",
    [
        ["weekly"],
        ["weekly", "--hosts"],
        ["--hosts", "weekly"],
        ["--json", "weekly", "--report", "x"],
        ["--report", "export", "weekly"],
        ["--nats", "nats:four", "weekly"],
        ["show", "export"],
    ],
)
def test_words_that_name_no_command_are_those_of_a_scan(words: list[str]) -> None:
    ended = run(*words)
    assert ended.exit_code == ExitCode.USAGE
    assert ASKED in ended.stderr


def test_a_pool_may_stand_before_it_and_after_it() -> None:
    for words in (["--pool", "Lab", "results", "weekly"], ["results", "weekly", "--pool", "Lab"]):
        ended = CliRunner().invoke(app, words, env=NOWHERE, prog_name="scanpool")
        assert ASKED in ended.stderr


def test_without_a_scan_help_is_shown_and_an_option_alone_is_told() -> None:
    assert "Usage: scanpool results" in run().stdout
    assert "Missing argument 'ID'" in run("--json").stderr
    shown = run("--help").stdout
    assert all(
        word in shown for word in ("export", "findings", "schema", "scanpool results 01JD8Z4G2Q8E5W7RZ0T3B6N9KC")
    )


@pytest.mark.parametrize(("words", "count"), [((), FINDINGS), (("--compliance",), RESULTS)])
def test_every_format_exports_every_finding(file: str, words: tuple[str, ...], count: int) -> None:
    lines = [json.loads(line) for line in export(file, "jsonl", *words).stdout.splitlines()]
    assert [each.get("type") for each in lines if "type" in each] == ["schema", "scan_metadata", "pagination"]
    assert len(lines) == count + 3
    assert len(list(csv.reader(export(file, "csv", *words).stdout.splitlines(keepends=True)))) == count + 1
    assert len(json.loads(export(file, "sarif", *words).stdout)["runs"][0]["results"]) == count
    assert len(export(file, "ocsf", *words).stdout.splitlines()) == count
    assert len(json.loads(export(file, "defectdojo", *words).stdout)["findings"]) == count


def test_the_report_itself_is_exported_byte_for_byte(file: str, tmp_path: Path) -> None:
    assert export(file, "nessus").stdout_bytes == Path(file).read_bytes()
    ended = run("export", file, "--format", "nessus", "--output", str(tmp_path / "copy.nessus"), "--json")
    assert ended.exit_code == 0
    assert (tmp_path / "copy.nessus").read_bytes() == Path(file).read_bytes()


def test_filters_and_fields_choose_what_is_exported(file: str) -> None:
    words = ("severity>=medium", "host=10.0.0.1", "--fields", "plugin_id,severity_name")
    assert export(file, "csv", *words).stdout.splitlines() == ["plugin_id,severity_name", "7,critical", "8,medium"]


def test_a_file_is_written_whole_or_not_at_all(file: str, tmp_path: Path) -> None:
    target = tmp_path / "weekly.json"
    told = run("export", file, "--format", "defectdojo", "--output", str(target), "--json")
    assert json.loads(told.stdout) == {"file": str(target), "format": "defectdojo", "findings": FINDINGS}
    assert len(json.loads(target.read_text())["findings"]) == FINDINGS
    nowhere = run("export", file, "--format", "csv", "--output", str(tmp_path / "none" / "x.csv"))
    assert (nowhere.exit_code, "none/x.csv: No such file or directory" in nowhere.stderr) == (ExitCode.ERROR, True)
    broken = tmp_path / "broken.nessus"
    broken.write_text("<!DOCTYPE html><html></html>")
    refused = run("export", str(broken), "--format", "csv", "--output", str(target))
    assert refused.exit_code == ExitCode.ERROR
    assert str(broken) in refused.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.nessus", "weekly.json", "weekly.nessus"]


def test_a_pipe_is_written_to_and_stays_one(file: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as pool:
        read = pool.submit(pipe.read_bytes)
        ended = run("export", file, "--format", "csv", "--output", str(pipe))
        assert read.result(timeout=30) == export(file, "csv").stdout_bytes
    assert (ended.exit_code, pipe.is_fifo()) == (0, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("export", "x"), "Missing option '--format'"),
        (("export", "x", "--format", "xml"), "'xml' is not one of 'jsonl', 'csv', 'parquet'"),
        (("export", "x", "--format", "sarif", "--profile", "full"), "sarif has fields of its own"),
        (("export", "x", "--format", "nessus", "severity=low"), "it takes no filters"),
        (("export", "x", "--format", "csv", "--fields", "hst"), "there is no field 'hst'; did you mean 'host'?"),
        (("export", "x", "--format", "csv", "sevrity=low"), "there is no filter 'sevrity'; did you mean 'severity'?"),
        (("export", "x", "--format", "csv", "--compliance", "severity=low"), "there is no filter 'severity'"),
        (("findings", "x", "--profile", "all"), "there is no profile 'all'"),
        (("findings", "x", "--profile", "full", "--fields", "host"), "names fields beside --profile"),
        (("findings", "x", "--page", "2", "--cursor", "y"), "says where to go on, and so does --page"),
        (("findings", "x", "--group-by", "port"), "'port' is not one of 'plugin', 'host', 'cve', 'family'"),
        (("findings", "x", "--group-by", "host", "--compliance"), "counts findings, not compliance results"),
        (("findings", "x", "--group-by", "host", "--jsonl"), "counts, and takes no --jsonl"),
        (("findings", "x", "--page-size", "1001"), "should be less than or equal to 1000"),
    ],
)
def test_a_mistake_is_told_before_anything_is_fetched(words: tuple[str, ...], message: str) -> None:
    ended = run(*words)
    assert (ended.exit_code, ended.stdout) == (ExitCode.USAGE, "")
    assert message in ended.stderr


def test_people_see_the_worst_first_with_totals_and_how_to_see_more(file: str) -> None:
    out = run("findings", file, "--page-size", "3").stdout
    assert f"findings    {FINDINGS}: 3 critical, 1 high, " in out
    assert f"compliance  {RESULTS}: 1 error, 2 failed, 1 manual, 1 passed, 1 skipped, 1 warning" in out
    assert f"shown       3 of {FINDINGS} that were asked for" in out
    assert [line.split()[0] for line in out.splitlines() if line.startswith(("critical", "high"))] == ["critical"] * 3
    assert "443/tcp" in out
    assert "in use" in out
    assert out.endswith("page 1 of 4; --page 2 shows the next, FILTERs narrow it down\n")
    assert run("findings", file, "--page-size", "3", "--page", "4").stdout.endswith("page 4 of 4\n")


def test_people_see_compliance_results_and_counts(file: str) -> None:
    results = run("findings", file, "--compliance", "result=failed").stdout
    assert sum(line.startswith("failed") for line in results.splitlines()) == 2
    by_cve = run("findings", file, "--group-by", "cve").stdout
    assert "by cve    4 CVEs" in by_cve
    assert "CVE-2021-44228" in by_cve


def test_programs_get_pages_and_counts(file: str) -> None:
    first = json.loads(run("findings", file, "--page-size", "4", "--json").stdout)
    assert (first["total"], first["next_page"], first["profile"], len(first["rows"])) == (FINDINGS, 2, "summary", 4)
    words = ("--page-size", "4", "--cursor", first["next_cursor"], "--fields", "rank", "--json")
    assert [row["rank"] for row in json.loads(run("findings", file, *words).stdout)["rows"]] == [5, 6, 7, 8]
    groups = json.loads(run("findings", file, "--group-by", "host", "--json").stdout)
    assert (groups["by"], groups["total"], groups["findings"]) == ("host", 4, FINDINGS)
    lines = run("findings", file, "--page-size", "4", "--fields", "rank", "--jsonl").stdout.splitlines()
    assert [json.loads(line).get("rank") for line in lines] == [None, None, 1, 2, 3, 4, None]


def test_a_cursor_of_something_else_is_told(file: str) -> None:
    ended = run("findings", file, "--cursor", "bm9uc2Vuc2U")
    assert (ended.exit_code, "is no cursor" in ended.stderr) == (ExitCode.USAGE, True)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--compliance",),
        ("--group-by", "host"),
        ("--group-by", "cve"),
        ("--profile", "full"),
        ("--profile", "full", "--compliance"),
        ("--fields", "host,plugin_output"),
        ("--json", "--profile", "full"),
        ("--jsonl", "--profile", "full"),
    ],
    ids=" ".join,
)
def test_nothing_that_a_terminal_obeys_is_printed(file: str, words: tuple[str, ...]) -> None:
    out = run("findings", file, *words).stdout
    assert "calc" in out.lower()
    assert not any(character in out for character in HARMFUL)


@pytest.mark.parametrize("format", ["jsonl", "sarif", "ocsf", "defectdojo"])
def test_json_that_is_exported_holds_the_text_and_harms_no_terminal(file: str, format: str) -> None:
    out = export(file, format).stdout
    assert out.isascii()
    assert not any(character in out for character in HARMFUL)
    texts = json.dumps(HOSTILE)[1:-1]
    assert texts in out


@pytest.mark.parametrize("format", ["csv", "nessus", "jsonl"])
def test_what_is_exported_to_a_terminal_is_cleaned_on_the_way(file: str, format: str) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-c", "from scanpool.cli import main; main()"]
    with subprocess.Popen([*command, "results", "export", file, "--format", format], stdout=theirs) as process:
        os.close(theirs)
        shown = everything_of(ours).decode()
        assert process.wait(timeout=60) == 0
    assert "evil.example" in shown
    assert not any(character in shown for character in HARMFUL)


def everything_of(terminal: int) -> bytes:
    """All that is shown until nobody writes any more, which Linux tells as an error."""
    pieces = []
    with contextlib.suppress(OSError), open(terminal, "rb", buffering=0) as file:
        while piece := file.read(65536):
            pieces.append(piece)
    return b"".join(pieces)


def test_the_schema_is_printed_with_its_version() -> None:
    told = json.loads(run("schema", "--json").stdout)
    assert (told["version"], told["sql"]) == (VERSION, TABLES.strip())
    shown = run("schema").stdout
    assert shown.startswith(f"-- Version {VERSION} ")
    assert TABLES.strip() in shown
