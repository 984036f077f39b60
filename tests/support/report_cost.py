"""Reads one report in a process of its own and prints, as JSON, what that took.

python -m tests.support.report_cost [--reader NAME] FILE
python -m tests.support.report_cost --generate BYTES ITEMS_PER_HOST
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from xml.parsers import expat

from scanpool.report.findings.writing.harvest import Harvest
from scanpool.report.findings.writing.spool import Spool
from scanpool.report.findings.writing.writer import FindingsWriter
from scanpool.report.limits import Limits
from scanpool.report.reader import BLOCK, pieces_of
from scanpool.report.validate import validate
from scanpool_schemas.result import HostVerdict
from tests.support.reports import large_report

STATUS = Path("/proc/self/status")


def peak_bytes() -> int:
    """The most memory this process has held so far."""
    if STATUS.exists():
        # getrusage would also count what the process held before it became this program.
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def validated(pieces: Iterable[bytes]) -> dict[str, object]:
    """Judged, nothing kept."""
    result = validate(pieces)
    return {
        "size_bytes": result.results_summary.size_bytes,
        "hosts": result.results_summary.hosts_total,
        "items": result.results_summary.items,
        "error": result.error.message if result.error else None,
    }


def _validate(path: Path) -> dict[str, object]:
    with path.open("rb") as file:
        return validated(pieces_of(file))


class _Discarded(Spool):
    """Counts findings, and keeps nothing."""

    def __init__(self) -> None:
        self.findings = 0

    def add_item(self, item: tuple[int, int, int, int], output: str | None, extra: bytes | None = None) -> None:
        self.findings += 1

    def add(self, table: str, row: tuple[Any, ...], chars: int = 0) -> None:
        pass


class _Extraction(Harvest):
    """Takes out what a file of findings would hold."""

    def __init__(self) -> None:
        self.spool = _Discarded()
        super().__init__(self.spool, Limits().text_chars)

    def judge(self, key: tuple[str, str], verdict: HostVerdict) -> None:
        self.spool.add("verdict", (*key, verdict))


def _extract(path: Path) -> dict[str, object]:
    """Judged, and everything of every finding read, but nothing written."""
    extraction = _Extraction()
    with path.open("rb") as file:
        result = validate(pieces_of(file), listener=extraction)
    return {"items": result.results_summary.items, "findings": extraction.spool.findings}


def _store(path: Path) -> dict[str, object]:
    """Judged, and the file of findings written."""
    with (
        tempfile.TemporaryDirectory(prefix="scanpool-cost-", dir=path.parent) as folder,
        FindingsWriter(Path(folder)) as writer,
        path.open("rb") as file,
    ):
        result = validate(pieces_of(file), listener=writer)
        writer.write(Path(folder) / "findings.sqlite", {})
        size = (Path(folder) / "findings.sqlite").stat().st_size
    return {"items": result.results_summary.items, "findings_bytes": size}


def _expat(path: Path) -> dict[str, object]:
    """Parsed and nothing else."""
    parser = expat.ParserCreate()
    with path.open("rb") as file:
        while piece := file.read(BLOCK):
            parser.Parse(piece, False)
    parser.Parse(b"", True)
    return {}


def _element_tree(path: Path) -> dict[str, object]:
    """A tree of the whole, its items counted by severity."""
    items = ET.parse(path).getroot().iter("ReportItem")
    return {"items": sum(item.get("severity") is not None for item in items)}


def _pytenable(path: Path) -> dict[str, object]:
    from tests.support.other_readers import by_pytenable

    return {"items": by_pytenable(path)[0].total()}


def _nessus_file_reader(path: Path) -> dict[str, object]:
    from tests.support.other_readers import by_nessus_file_reader

    return {"items": by_nessus_file_reader(path)[0].total()}


READERS: Mapping[str, Callable[[Path], dict[str, object]]] = {
    "validate": _validate,
    "extract": _extract,
    "store": _store,
    "expat": _expat,
    "elementtree": _element_tree,
    "pytenable": _pytenable,
    "nessus-file-reader": _nessus_file_reader,
}


def cost(read: Callable[[], dict[str, object]]) -> dict[str, object]:
    """CPU seconds and memory of a reading, with what it found."""
    idle, begin = peak_bytes(), time.process_time()
    found = read()
    return {"cpu_s": time.process_time() - begin, "idle_bytes": idle, "peak_bytes": peak_bytes(), **found}


def main(arguments: list[str]) -> None:
    """Read what the arguments name and print its cost."""
    match arguments:
        case ["--generate", size, items]:
            found = cost(lambda: validated(large_report(int(size), items_per_host=int(items))))
        case ["--reader", name, path]:
            found = cost(lambda: READERS[name](Path(path)))
        case [path]:
            found = cost(lambda: _validate(Path(path)))
        case _:
            raise SystemExit(__doc__)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
