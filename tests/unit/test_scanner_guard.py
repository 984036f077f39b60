"""A scanner behind its breaker: what is counted, and what is not even called."""

from __future__ import annotations

import pytest

from scanpool.runtime.errors import BrokerUnavailable
from scanpool.scanners.errors import (
    BreakerOpen,
    ExportFailed,
    OutcomeUnknown,
    ScanApiNotLicensed,
    ScannerError,
    ScannerUnavailable,
    ScanNotFound,
    SignInFailed,
    TemplateUnknown,
)
from scanpool.scanners.guard import Guarded
from scanpool.scanners.scanner import Progress, Scanner, ScanSpec
from tests.support.fake_scanner import FakeScanner

COUNTED = {"scanner_unavailable", "scanner_outcome_unknown"}


class Gate:
    """Writes down what it is told."""

    def __init__(self, shut: str | None = None, broken: bool = False) -> None:
        self.shut = shut
        self.broken = broken
        self.told: list[str] = []

    async def why_shut(self, pool: str, scanner: str) -> str | None:
        assert (pool, scanner) == ("lab", "s1")
        return self.shut

    async def call_failed(self, pool: str, scanner: str, operation: str, reason: str) -> None:
        self._tell(f"{operation} failed: {reason}")

    async def call_succeeded(self, pool: str, scanner: str, operation: str) -> None:
        self._tell(f"{operation} succeeded")

    def _tell(self, what: str) -> None:
        if self.broken:
            raise BrokerUnavailable("NATS is away")
        self.told.append(what)


class Failing(FakeScanner):
    """Every look at a scan ends with the error."""

    error: ScannerError

    async def progress(self, scan: int) -> Progress:
        raise self.error


def failing(error: ScannerError) -> Scanner:
    scanner = Failing("s1")
    scanner.error = error
    return scanner


def guarded(scanner: Scanner, gate: Gate) -> Guarded:
    return Guarded(scanner, gate, "lab", "s1", COUNTED)


async def test_a_call_that_is_answered_is_counted_as_such() -> None:
    gate = Gate()
    await guarded(FakeScanner("s1"), gate).scans()
    assert gate.told == ["list scans succeeded"]


@pytest.mark.parametrize("kind", [ScannerUnavailable, OutcomeUnknown])
async def test_a_call_without_an_answer_is_counted_against_the_scanner(kind: type[ScannerError]) -> None:
    gate = Gate()
    with pytest.raises(kind):
        await guarded(failing(kind("lab.s1", "progress", "timed out")), gate).progress(1)
    assert gate.told == ["progress failed: lab.s1: progress: timed out"]


@pytest.mark.parametrize("kind", [SignInFailed, ScanApiNotLicensed, TemplateUnknown, ScanNotFound])
async def test_a_refusal_is_an_answer_and_trips_nothing(kind: type[ScannerError]) -> None:
    gate = Gate()
    with pytest.raises(kind):
        await guarded(failing(kind("lab.s1", "progress", "no")), gate).progress(1)
    assert gate.told == ["progress succeeded"]


async def test_an_export_that_came_to_nothing_says_nothing_of_the_scanner() -> None:
    gate = Gate()
    with pytest.raises(ExportFailed):
        await guarded(failing(ExportFailed("lab.s1", "export", "cut")), gate).progress(1)
    assert gate.told == []


async def test_while_it_is_open_nothing_is_called_but_whether_it_is_ready() -> None:
    scanner, gate = FakeScanner("s1"), Gate(shut="its breaker is open (down)")
    behind = guarded(scanner, gate)
    with pytest.raises(BreakerOpen, match=r"not called: its breaker is open \(down\)"):
        await behind.create(ScanSpec(name="one", targets=("10.0.0.1",)))
    assert scanner.known == {}
    assert (await behind.readiness()).ready
    assert gate.told == []


async def test_a_pause_and_a_resume_are_counted_like_any_call() -> None:
    gate = Gate()
    for call in (guarded(FakeScanner("s1"), gate).pause, guarded(FakeScanner("s1"), gate).resume):
        with pytest.raises(ScanNotFound):
            await call(7)
    assert gate.told == ["pause succeeded", "resume succeeded"]


async def test_a_call_stands_where_it_cannot_be_counted() -> None:
    assert await guarded(FakeScanner("s1"), Gate(broken=True)).scans() == ()
