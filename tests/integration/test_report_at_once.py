"""Reports that threads of one process read at the same time have nothing to do with each other."""

from __future__ import annotations

import random
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier

from scanpool.report.findings.writing.writer import FindingsWriter
from scanpool.report.validate import validate
from tests.support.findings import check, vulnerability
from tests.support.reports import host, report

READERS = 2
ROUNDS = 8
HOSTS = 40


def test_each_of_two_reports_read_at_once_gets_the_file_that_it_gets_alone(tmp_path: Path) -> None:
    alone = [findings_of(a_report(reader), tmp_path / f"alone-{reader}") for reader in range(READERS)]
    # In a process of its own: texts that threads wrote over each other may end it with a segmentation fault.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        assert process.submit(read_at_once, tmp_path).result(timeout=120) == [alone] * ROUNDS


def read_at_once(folder: Path) -> list[list[bytes]]:
    """The files of each round."""
    begin = Barrier(READERS, timeout=60)

    def read(reader: int, number: int) -> bytes:
        content = a_report(reader)
        begin.wait()
        return findings_of(content, folder / f"{reader}-{number}")

    with ThreadPoolExecutor(READERS) as threads:
        return [list(threads.map(read, range(READERS), [number] * READERS, timeout=100)) for number in range(ROUNDS)]


def findings_of(content: bytes, folder: Path) -> bytes:
    """The file of the report's findings."""
    folder.mkdir()
    with FindingsWriter(folder) as writer:
        assert validate([content], listener=writer).error is None
        writer.write(folder / "findings.sqlite", {})
    return (folder / "findings.sqlite").read_bytes()


def a_report(reader: int) -> bytes:
    """Of many long texts that are this reader's alone, so that threads are compressing most of the time."""
    chance = random.Random(reader)
    return report(*(a_host(reader, number, chance) for number in range(HOSTS)))


def a_host(reader: int, number: int, chance: random.Random) -> str:
    text = " ".join(f"{reader}-{chance.getrandbits(60)}" for _ in range(chance.randrange(500, 3000)))
    items = (vulnerability(1000 + number, "printed", description=text), check(f"check {number}", "FAILED", info=text))
    return host(f"10.0.{reader}.{number}", *items, tags={"operating-system": f"system of {reader}"})
