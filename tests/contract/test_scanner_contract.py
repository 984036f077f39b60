"""What a scanner promises: the same of the one in memory and of the client with either product emulated."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from scanpool.emulator.options import Profile
from scanpool.scanners.errors import (
    OutcomeUnknown,
    ScanApiNotLicensed,
    ScanConflict,
    ScannerUnavailable,
    ScanNotFound,
)
from scanpool.scanners.naming import OurName, our_name
from scanpool.scanners.nessus import ApiKeys, Kind, NessusScanner
from scanpool.scanners.scanner import Activity, Scanner
from tests.support.emulators import RunningEmulator, running_emulator
from tests.support.eventually import becomes
from tests.support.fake_scanner import Cut, FakeScanner
from tests.support.nessus import a_scan_spec, nessus_settings

OURS = OurName(deployment="scanpool", scan_id="s1", run=1)
PROFILES: dict[Kind, Profile] = {"nessus": "nessus-manager", "tenable-vm": "tenable-vm"}
"""How each kind of scanner is emulated."""
SPEC = a_scan_spec(name=OURS.titled("weekly"))


class Mischief(Protocol):
    """What befalls a scanner, whatever it is made of."""

    async def cut(self, operation: str, where: Cut) -> None:
        """The next such call loses its connection."""

    async def forget(self, scan: int) -> None: ...

    async def go_down(self) -> None: ...

    async def lose_licence(self) -> None: ...

    async def finish(self, scan: int) -> None:
        """Let the scan that runs come to its end."""


class InMemory:
    def __init__(self, scanner: FakeScanner) -> None:
        self._scanner = scanner

    async def cut(self, operation: str, where: Cut) -> None:
        self._scanner.cuts.append(where)

    async def forget(self, scan: int) -> None:
        self._scanner.known[scan].exists = False

    async def go_down(self) -> None:
        self._scanner.down = True

    async def lose_licence(self) -> None:
        self._scanner.licensed = False

    async def finish(self, scan: int) -> None:
        self._scanner.settle(self._scanner.known[scan], Activity.COMPLETED)


class Emulated:
    def __init__(self, emulator: RunningEmulator, scanner: Scanner) -> None:
        self._emulator = emulator
        self._scanner = scanner

    async def cut(self, operation: str, where: Cut) -> None:
        match operation, where:
            case "create", _:
                await self._emulator.control.fault(f"cut_{where.name.lower()}_create", times=1)
            case _, Cut.AFTER:
                await self._emulator.control.fault("cut_after_launch", times=1)
            case _:
                await self._emulator.control.fault("down", times=1, path="/launch", method="POST")

    async def forget(self, scan: int) -> None:
        await self._emulator.control.fault("lost_scan", times=1)

    async def go_down(self) -> None:
        await self._emulator.control.fault("down")

    async def lose_licence(self) -> None:
        await self._emulator.control.fault("licence")

    async def finish(self, scan: int) -> None:
        async def over() -> bool:
            return (await self._scanner.progress(scan)).activity.is_over

        await becomes(over)


@asynccontextmanager
async def _emulated(stack: AsyncExitStack, kind: Kind, scan_seconds: float) -> AsyncIterator[tuple[Scanner, Mischief]]:
    emulator = await stack.enter_async_context(running_emulator(profile=PROFILES[kind], scan_seconds=scan_seconds))
    keys = ApiKeys(access_key=emulator.emulator.access_key, secret_key=emulator.emulator.secret_key)
    settings = nessus_settings(emulator.url, kind=kind, sign_in=keys)
    scanner = await stack.enter_async_context(NessusScanner(settings))
    yield scanner, Emulated(emulator, scanner)


@pytest.fixture(params=["in memory", *PROFILES])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Scanner, Mischief]]:
    """A scanner on which a scan takes a second."""
    async with AsyncExitStack() as stack:
        if request.param in PROFILES:
            yield await stack.enter_async_context(_emulated(stack, request.param, scan_seconds=600))
        else:
            fake = FakeScanner()
            yield fake, InMemory(fake)


@pytest.fixture(params=["in memory", *PROFILES])
async def unhurried(request: pytest.FixtureRequest) -> AsyncIterator[Scanner]:
    """A scanner on which a scan waits for half a second, then runs for eight."""
    async with AsyncExitStack() as stack:
        if request.param in PROFILES:
            yield (await stack.enter_async_context(_emulated(stack, request.param, scan_seconds=6_000)))[0]
        else:
            yield FakeScanner()


@pytest.fixture
def scanner(subject: tuple[Scanner, Mischief]) -> Scanner:
    return subject[0]


@pytest.fixture
def mischief(subject: tuple[Scanner, Mischief]) -> Mischief:
    return subject[1]


async def _ours(scanner: Scanner) -> list[tuple[int, Activity]]:
    return [(each.id, each.activity) for each in await scanner.scans() if our_name(each.name) == OURS]


async def _comes_to(scanner: Scanner, number: int, activity: Activity) -> None:
    async def there() -> bool:
        progress = await scanner.progress(number)
        return progress.activity is activity and progress.status not in {"pausing", "resuming"}

    await becomes(there)


async def test_a_scan_that_is_created_is_listed_under_its_name_and_is_empty(scanner: Scanner) -> None:
    number = await scanner.create(SPEC)
    assert await _ours(scanner) == [(number, Activity.EMPTY)]
    progress = await scanner.progress(number)
    assert (progress.activity, progress.runs) == (Activity.EMPTY, 0)


async def test_creating_twice_makes_two(scanner: Scanner) -> None:
    numbers = [await scanner.create(SPEC) for _ in range(2)]
    assert [number for number, _ in await _ours(scanner)] == sorted(numbers)
    assert len(set(numbers)) == 2


async def test_a_launched_scan_is_not_empty_and_cannot_be_launched_while_it_runs(scanner: Scanner) -> None:
    number = await scanner.create(SPEC)
    await scanner.launch(number)
    progress = await scanner.progress(number)
    assert progress.activity in {Activity.PENDING, Activity.RUNNING}
    assert progress.runs == 1
    with pytest.raises(ScanConflict):
        await scanner.launch(number)


async def test_a_second_launch_of_a_scan_that_is_over_shows_in_its_runs(scanner: Scanner, mischief: Mischief) -> None:
    number = await scanner.create(SPEC)
    await scanner.launch(number)
    await mischief.finish(number)
    await scanner.launch(number)
    assert (await scanner.progress(number)).runs == 2


async def test_a_scan_that_is_not_there_is_not_found(scanner: Scanner) -> None:
    for call in (scanner.progress, scanner.launch, scanner.stop, scanner.pause, scanner.resume):
        with pytest.raises(ScanNotFound):
            await call(987_654)


async def test_a_scan_that_was_lost_is_not_found(scanner: Scanner, mischief: Mischief) -> None:
    number = await scanner.create(SPEC)
    await mischief.forget(number)
    with pytest.raises(ScanNotFound):
        await scanner.progress(number)
    assert await _ours(scanner) == []


async def test_a_scan_that_is_stopped_ends_canceled(scanner: Scanner, mischief: Mischief) -> None:
    number = await scanner.create(SPEC)
    await scanner.launch(number)
    await scanner.stop(number)
    await mischief.finish(number)
    assert (await scanner.progress(number)).activity is Activity.CANCELED


async def test_what_does_not_run_cannot_be_stopped(scanner: Scanner) -> None:
    number = await scanner.create(SPEC)
    with pytest.raises(ScanConflict):
        await scanner.stop(number)


async def test_a_scan_that_runs_is_paused_and_goes_on(unhurried: Scanner) -> None:
    number = await unhurried.create(SPEC)
    await unhurried.launch(number)
    await _comes_to(unhurried, number, Activity.RUNNING)
    await unhurried.pause(number)
    await _comes_to(unhurried, number, Activity.PAUSED)
    with pytest.raises(ScanConflict):
        await unhurried.pause(number)
    await unhurried.resume(number)
    await _comes_to(unhurried, number, Activity.RUNNING)
    with pytest.raises(ScanConflict):
        await unhurried.resume(number)
    assert (await unhurried.progress(number)).runs == 1


async def test_a_paused_scan_can_be_stopped(unhurried: Scanner) -> None:
    number = await unhurried.create(SPEC)
    await unhurried.launch(number)
    await _comes_to(unhurried, number, Activity.RUNNING)
    await unhurried.pause(number)
    await _comes_to(unhurried, number, Activity.PAUSED)
    await unhurried.stop(number)
    assert (await unhurried.progress(number)).activity in {Activity.STOPPING, Activity.CANCELED}


async def test_what_does_not_run_can_neither_be_paused_nor_resumed(scanner: Scanner) -> None:
    number = await scanner.create(SPEC)
    for call in (scanner.pause, scanner.resume):
        with pytest.raises(ScanConflict):
            await call(number)


async def test_a_scan_that_runs_cannot_be_deleted_and_one_that_does_not_is_gone(
    scanner: Scanner, mischief: Mischief
) -> None:
    number = await scanner.create(SPEC)
    await scanner.launch(number)
    with pytest.raises(ScanConflict):
        await scanner.delete(number)
    await mischief.finish(number)
    await scanner.delete(number)
    await scanner.delete(number)
    assert await _ours(scanner) == []


@pytest.mark.parametrize(("where", "made"), [(Cut.BEFORE, 0), (Cut.AFTER, 1)])
async def test_a_create_that_is_cut_off_may_have_been_carried_out(
    scanner: Scanner, mischief: Mischief, where: Cut, made: int
) -> None:
    await mischief.cut("create", where)
    with pytest.raises(OutcomeUnknown):
        await scanner.create(SPEC)
    assert [activity for _, activity in await _ours(scanner)] == [Activity.EMPTY] * made


@pytest.mark.parametrize(("where", "runs"), [(Cut.BEFORE, 0), (Cut.AFTER, 1)])
async def test_a_launch_that_is_cut_off_may_have_been_carried_out(
    scanner: Scanner, mischief: Mischief, where: Cut, runs: int
) -> None:
    number = await scanner.create(SPEC)
    await mischief.cut("launch", where)
    with pytest.raises(OutcomeUnknown):
        await scanner.launch(number)
    assert (await scanner.progress(number)).runs == runs


async def test_a_scanner_that_is_down_says_nothing_and_is_not_ready(scanner: Scanner, mischief: Mischief) -> None:
    assert (await scanner.readiness()).ready
    number = await scanner.create(SPEC)
    await mischief.go_down()
    assert not (await scanner.readiness()).ready
    with pytest.raises(ScannerUnavailable):
        await scanner.scans()
    with pytest.raises(ScannerUnavailable):
        await scanner.progress(number)


async def test_a_scanner_without_licence_lists_and_follows_but_creates_and_launches_nothing(
    scanner: Scanner, mischief: Mischief
) -> None:
    number = await scanner.create(SPEC)
    await mischief.lose_licence()
    for _ in range(2):
        with pytest.raises(ScanApiNotLicensed):
            await scanner.create(SPEC)
        with pytest.raises(ScanApiNotLicensed):
            await scanner.launch(number)
    assert await _ours(scanner) == [(number, Activity.EMPTY)]
    readiness = await scanner.readiness()
    assert (readiness.ready, readiness.can_launch) == (True, False)


async def test_the_report_of_a_scan_that_is_over_is_whole(scanner: Scanner, mischief: Mischief, tmp_path: Path) -> None:
    number = await scanner.create(SPEC)
    await scanner.launch(number)
    await mischief.finish(number)
    report = await scanner.export(number, tmp_path / "report")
    assert (tmp_path / "report").stat().st_size == report.size_bytes > 0
