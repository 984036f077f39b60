"""Other people's readers of reports see the same hosts, findings and severities as ours; where not, it is said why."""

from __future__ import annotations

import sqlite3
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scanpool.report.findings.writing.writer import FindingsWriter
from scanpool.report.reader import pieces_of
from scanpool.report.validate import validate
from tests.fuzz.mutation import templates
from tests.integration.test_report_corpus import ABSENT, CORPUS
from tests.support.other_readers import Finding, by_nessus_file_reader, by_pytenable

STOPS_PYTENABLE = {"wpivis__nv__metasploitable.2.0.nessus": "a severity that is a word; such an item is unrated"}
STOPS_NESSUS_FILE_READER = {
    "Ebryx__Nessus_Map__do_not_delete.nessus": "no Report element; that is a report of no host",
    "tenable__pyTenable__policies_test.nessus": "a policy alone, no Report element; the same",
}
"""Files at which they fail, and why we do not."""


def files() -> Iterator[Path]:
    yield from sorted(Path(CORPUS).glob("*.nessus")) if CORPUS else ()


every_file = pytest.mark.parametrize(
    "path",
    [pytest.param(path, id=path.name) for path in files()]
    or [pytest.param(None, id="none", marks=pytest.mark.skip(reason=f"corpus: {ABSENT}"))],
)
every_template = pytest.mark.parametrize("number", range(len(templates())))


def ours(path: Path, folder: Path) -> tuple[Counter[Finding], int] | None:
    """Findings, and how many compliance results; None of a file that we refuse."""
    destination = folder / "findings.sqlite"
    with path.open("rb") as file, FindingsWriter(folder) as writer:
        if validate(pieces_of(file), listener=writer).error is not None:
            return None
        writer.write(destination, {})
    with closing(sqlite3.connect(f"file:{destination}?mode=ro&immutable=1", uri=True)) as database:
        findings = database.execute(
            "SELECT h.name, p.plugin_id, p.severity FROM findings f "
            "JOIN hosts h ON h.id = f.host JOIN plugins p ON p.id = f.plugin"
        )
        (results,) = database.execute("SELECT COUNT(*) FROM compliance").fetchone()
        return Counter(tuple(row) for row in findings), results


@every_file
def test_pytenable_sees_the_same(path: Path, tmp_path: Path) -> None:
    mine = ours(path, tmp_path)
    if mine is not None and path.name not in STOPS_PYTENABLE:
        assert mine == by_pytenable(path)


@every_file
def test_nessus_file_reader_sees_the_same(path: Path, tmp_path: Path) -> None:
    mine = ours(path, tmp_path)
    if mine is not None and path.name not in STOPS_NESSUS_FILE_READER:
        assert mine == by_nessus_file_reader(path)


@every_template
def test_all_see_the_same_in_reports_of_our_own(number: int, tmp_path: Path) -> None:
    path = tmp_path / "own.nessus"
    path.write_bytes(templates()[number])
    mine = ours(path, tmp_path)
    assert mine is not None
    assert mine == by_pytenable(path) == by_nessus_file_reader(path)


@every_file
def test_what_we_refuse_is_no_report_that_others_read_to_its_end(path: Path, tmp_path: Path) -> None:
    if ours(path, tmp_path) is None:
        assert _root(path) != "NessusClientData_v2"


def _root(path: Path) -> str | None:
    try:
        return ET.parse(path).getroot().tag
    except ET.ParseError:
        return None
