"""The Nessus client against an emulated scanner, the way that the pipeline uses it."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from scanpool.emulator import default_network as network
from scanpool.scanners import errors
from scanpool.scanners.nessus import ApiKeys, NessusScanner, NessusSettings, Tls, UserPassword
from scanpool.scanners.scanner import (
    Activity,
    Escalation,
    Login,
    Progress,
    ScannerScan,
    ScanSpec,
    SshKey,
    SshPassword,
    WindowsPassword,
)
from tests.support.emulators import RunningEmulator, running_emulator
from tests.support.eventually import once
from tests.support.nessus import a_scan_spec, nessus_settings

SHORT = 4.0
"""Seconds of scanning, before the emulator hurries them."""
ENDLESS = 1_000_000.0
"""Seconds of scanning that no test waits for."""


pytestmark = pytest.mark.asyncio(loop_scope="module")
numbers = itertools.count(1)


def keys(emulator: RunningEmulator) -> ApiKeys:
    return ApiKeys(access_key=emulator.emulator.access_key, secret_key=emulator.emulator.secret_key)


def user(emulator: RunningEmulator) -> UserPassword:
    return UserPassword(username=emulator.options.username, password=emulator.options.password)


def settings(emulator: RunningEmulator, **fields: Any) -> NessusSettings:
    return nessus_settings(emulator.url, **{"sign_in": keys(emulator), **fields})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def manager() -> AsyncIterator[RunningEmulator]:
    """An emulator that many tests share, since none of them minds the scans of another."""
    async with running_emulator(scan_seconds=SHORT) as emulator:
        yield emulator


@pytest_asyncio.fixture(loop_scope="module")
async def emulator(manager: RunningEmulator) -> AsyncIterator[RunningEmulator]:
    """The shared emulator, without faults."""
    yield manager
    await manager.control.clear_faults()


@pytest_asyncio.fixture(loop_scope="module")
async def scanner(emulator: RunningEmulator) -> AsyncIterator[NessusScanner]:
    """A client of the shared emulator, with keys."""
    async with NessusScanner(settings(emulator)) as client:
        yield client


@asynccontextmanager
async def another(**options: Any) -> AsyncIterator[tuple[RunningEmulator, NessusScanner]]:
    """An emulator of its own, and a client with its keys."""
    async with (
        running_emulator(**{"scan_seconds": SHORT, **options}) as emulator,
        NessusScanner(settings(emulator)) as scanner,
    ):
        yield emulator, scanner


def a_scan(**fields: Any) -> ScanSpec:
    """A scan of two hosts, under a name that no other has."""
    name = f"weekly [lab/{next(numbers)}/1]"
    return a_scan_spec(**{"name": name, "targets": ("10.10.0.1", "10.10.0.2"), **fields})


async def counted(emulator: RunningEmulator, name: str) -> list[dict[str, Any]]:
    """What the emulator did with the scans of this name."""
    return [each for each in (await emulator.control.stats())["scans"] if each["name"] == name]


async def over(scanner: NessusScanner, scan: int) -> Progress:
    """Where the scan stands once nothing of it runs any more."""
    return await once(lambda: scanner.progress(scan), lambda now: now.activity.is_over)


async def run(scanner: NessusScanner, spec: ScanSpec) -> int:
    """A scan that was created, launched, and has come to its end."""
    scan = await scanner.create(spec)
    await scanner.launch(scan)
    await over(scanner, scan)
    return scan


@pytest.mark.parametrize("way", ["keys", "session", "pinned", "ca bundle"])
async def test_a_scan_goes_from_created_to_deleted(tmp_path: Path, way: str) -> None:
    async with running_emulator(scan_seconds=SHORT, tls=way in {"pinned", "ca bundle"}) as emulator:
        bundle = tmp_path / "ca.pem"
        bundle.write_text(emulator.emulator.ca_pem or "")
        chosen = {
            "keys": settings(emulator),
            "session": settings(emulator, sign_in=user(emulator)),
            "pinned": settings(emulator, tls=Tls(fingerprint=emulator.emulator.fingerprint)),
            "ca bundle": settings(emulator, tls=Tls(ca_bundle=bundle)),
        }
        async with NessusScanner(chosen[way]) as scanner:
            assert await scanner.scans() == ()
            spec = a_scan()
            scan = await scanner.create(spec)
            assert await scanner.scans() == (ScannerScan(id=scan, name=spec.name, activity=Activity.EMPTY),)
            assert (await scanner.progress(scan)).runs == 0
            await scanner.launch(scan)
            assert (await scanner.progress(scan)).activity is not Activity.EMPTY
            ended = await over(scanner, scan)
            report = await scanner.export(scan, tmp_path / "report.nessus")
            await scanner.delete(scan)
            await scanner.delete(scan)
            with pytest.raises(errors.ScanNotFound):
                await scanner.progress(scan)
    assert (ended.activity, ended.percent, ended.runs) == (Activity.COMPLETED, 100, 1)
    assert (ended.hosts_seen, ended.hosts_done) == (2, 2)
    content = report.path.read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (report.size_bytes, report.sha256)
    assert b'name="10.10.0.2"' in content


@pytest.mark.parametrize(
    ("options", "edition", "can_launch"),
    [
        ({"profile": "nessus-manager"}, "Nessus Manager", True),
        ({"profile": "nessus-professional"}, "Nessus Professional", False),
        ({"profile": "nessus-essentials"}, "Nessus Essentials", False),
    ],
)
@pytest.mark.parametrize("inferred", [False, True])
async def test_each_edition_says_whether_it_may_launch(
    options: dict[str, Any], edition: str, can_launch: bool, inferred: bool
) -> None:
    async with another(**options) as (emulator, scanner):
        if inferred:
            await emulator.control.fault("no_features")
        shown = await scanner.readiness()
    assert (shown.ready, shown.edition, shown.can_launch) == (True, edition, can_launch)
    assert shown.version
    assert shown.plugin_set
    assert ("inferred" in shown.reason) is inferred


@pytest.mark.parametrize("profile", ["nessus-professional", "nessus-essentials"])
async def test_a_restricted_edition_is_refused_to_launch_and_may_still_be_read(tmp_path: Path, profile: str) -> None:
    async with another(profile=profile) as (emulator, scanner):
        there = await scanner.scans()
        before = await emulator.control.stats()
        with pytest.raises(errors.ScanApiNotLicensed, match="scan_api=false"):
            await scanner.create(a_scan())
        for scan in there:
            with pytest.raises(errors.ScanApiNotLicensed):
                await scanner.launch(scan.id)
        assert await emulator.control.stats() == before
        finished = next(each for each in there if each.activity is Activity.COMPLETED)
        assert (await scanner.progress(finished.id)).percent == 100
        assert (await scanner.export(finished.id, tmp_path / "r")).size_bytes > 0
        with pytest.raises(errors.ScanApiNotLicensed, match="412"):
            await scanner.delete(finished.id)


@pytest.mark.parametrize("cut", [False, True])
async def test_a_licence_that_runs_out_is_noticed_at_the_next_create(
    emulator: RunningEmulator, scanner: NessusScanner, cut: bool
) -> None:
    assert (await scanner.readiness()).can_launch
    await emulator.control.fault("licence", cut=cut)
    with pytest.raises(errors.ScanApiNotLicensed, match="412"):
        await scanner.create(a_scan())
    assert (await scanner.readiness()).can_launch is False
    await emulator.control.clear_faults()
    assert (await scanner.readiness()).can_launch is True
    await scanner.create(a_scan())


@pytest.mark.parametrize(
    ("login", "targets"),
    [
        (SshPassword(username=network.LINUX_ACCOUNT, password=network.LINUX_PASSWORD), "10.10.0.1"),
        (
            SshPassword(
                username=network.LINUX_ACCOUNT,
                password=network.LINUX_PASSWORD,
                escalation=Escalation(method="sudo", password=network.LINUX_PASSWORD),
            ),
            "10.10.0.1",
        ),
        (
            SshPassword(
                username=network.LINUX_ACCOUNT,
                password=network.LINUX_PASSWORD,
                escalation=Escalation(method="su", password=network.ROOT_PASSWORD),
            ),
            "10.10.0.1",
        ),
        (
            SshPassword(
                username=network.NETWORK_ACCOUNT,
                password=network.NETWORK_PASSWORD,
                escalation=Escalation(method="Cisco 'enable'", password=network.ENABLE_PASSWORD),
            ),
            "10.10.7.1",
        ),
        (
            SshKey(
                username=network.LINUX_ACCOUNT,
                private_key="-----BEGIN RSA PRIVATE KEY-----\nMII=\n-----END RSA PRIVATE KEY-----",
            ),
            "10.10.0.1",
        ),
        (
            WindowsPassword(
                username=network.WINDOWS_ACCOUNT,
                password=network.WINDOWS_PASSWORD,
                domain=network.WINDOWS_DOMAIN,
            ),
            "10.10.3.1",
        ),
    ],
)
async def test_a_right_credential_gives_an_authenticated_report(
    scanner: NessusScanner, tmp_path: Path, login: Login, targets: str
) -> None:
    scan = await run(scanner, a_scan(targets=(targets,), login=login))
    await scanner.export(scan, tmp_path / "r")
    content = (tmp_path / "r").read_text()
    assert '<tag name="Credentialed_Scan">true</tag>' in content
    assert network.LINUX_PASSWORD not in content


async def test_a_wrong_credential_gives_a_report_without_local_checks(scanner: NessusScanner, tmp_path: Path) -> None:
    login = SshPassword(username=network.LINUX_ACCOUNT, password=network.WRONG_PASSWORD)
    scan = await run(scanner, a_scan(login=login))
    await scanner.export(scan, tmp_path / "r")
    assert '<tag name="Credentialed_Scan">true</tag>' not in (tmp_path / "r").read_text()


async def test_a_scan_that_runs_can_be_stopped_but_neither_launched_again_nor_deleted() -> None:
    async with another(scan_seconds=ENDLESS) as (emulator, scanner):
        scan = await scanner.create(a_scan())
        await scanner.launch(scan)
        with pytest.raises(errors.ScanConflict):
            await scanner.launch(scan)
        with pytest.raises(errors.ScanConflict):
            await scanner.delete(scan)
        await scanner.stop(scan)
        assert (await over(scanner, scan)).activity is Activity.CANCELED
        await scanner.delete(scan)
        (done,) = (await emulator.control.stats())["scans"]
    assert (done["launched"], done["deleted"]) == (1, True)


async def test_a_scan_that_the_scanner_aborts_is_over(emulator: RunningEmulator, scanner: NessusScanner) -> None:
    await emulator.control.fault("aborted")
    scan = await scanner.create(a_scan())
    await scanner.launch(scan)
    assert (await over(scanner, scan)).activity is Activity.ABORTED


@pytest.mark.parametrize(("fault", "made"), [("cut_before_create", 0), ("cut_after_create", 1)])
async def test_a_create_that_is_cut_has_an_unknown_outcome_and_the_name_tells(
    emulator: RunningEmulator, scanner: NessusScanner, fault: str, made: int
) -> None:
    spec = a_scan()
    await emulator.control.fault(fault, times=1)
    with pytest.raises(errors.OutcomeUnknown):
        await scanner.create(spec)
    found = [each for each in await scanner.scans() if each.name == spec.name]
    assert len(found) == len(await counted(emulator, spec.name)) == made


async def test_a_launch_that_is_cut_has_an_unknown_outcome_and_the_progress_tells(
    emulator: RunningEmulator, scanner: NessusScanner
) -> None:
    spec = a_scan()
    scan = await scanner.create(spec)
    await emulator.control.fault("cut_after_launch", times=1)
    with pytest.raises(errors.OutcomeUnknown):
        await scanner.launch(scan)
    assert (await over(scanner, scan)).runs == 1
    (done,) = await counted(emulator, spec.name)
    assert done["launched"] == 1


async def test_a_session_that_ends_is_renewed_without_the_caller_noticing(
    emulator: RunningEmulator, tmp_path: Path
) -> None:
    spec = a_scan()
    async with NessusScanner(settings(emulator, sign_in=user(emulator))) as scanner:
        await emulator.control.fault("session_expiry", times=1)
        scan = await scanner.create(spec)
        await emulator.control.fault("session_expiry", times=1)
        await scanner.launch(scan)
        await over(scanner, scan)
        await emulator.control.fault("session_expiry", times=1)
        await scanner.export(scan, tmp_path / "r")
    (done,) = await counted(emulator, spec.name)
    assert (done["created"], done["launched"]) == (1, 1)


async def test_a_wrong_password_is_offered_once_and_locks_nobody_out() -> None:
    async with running_emulator() as emulator:
        wrong = UserPassword(username=emulator.options.username, password="wrong")
        async with NessusScanner(settings(emulator, sign_in=wrong)) as scanner:
            for _ in range(10):
                assert not (await scanner.readiness()).ready
                with pytest.raises(errors.SignInFailed):
                    await scanner.scans()
        assert (await emulator.control.stats())["auth_failures"] == 1
        async with NessusScanner(settings(emulator, sign_in=user(emulator))) as scanner:
            assert (await scanner.readiness()).ready


async def test_wrong_keys_are_refused(emulator: RunningEmulator) -> None:
    wrong = ApiKeys(access_key="no", secret_key="no")
    async with NessusScanner(settings(emulator, sign_in=wrong)) as scanner:
        with pytest.raises(errors.SignInFailed):
            await scanner.scans()
        assert not (await scanner.readiness()).ready


async def test_a_scanner_that_has_no_room_for_a_session_may_have_later(emulator: RunningEmulator) -> None:
    async with NessusScanner(settings(emulator, sign_in=user(emulator))) as scanner:
        await emulator.control.fault("too_many_users", times=1)
        with pytest.raises(errors.ScannerUnavailable):
            await scanner.scans()
        await scanner.scans()


@pytest.mark.parametrize("cut", [False, True])
async def test_a_scanner_that_is_loading_is_not_ready_and_does_not_create(
    emulator: RunningEmulator, scanner: NessusScanner, cut: bool
) -> None:
    expected = errors.OutcomeUnknown if cut else errors.ScannerNotReady
    spec = a_scan()
    await scanner.create(a_scan())
    await emulator.control.fault("loading", progress=50, cut=cut)
    shown = await scanner.readiness()
    assert (shown.ready, shown.can_launch) == (False, None)
    assert "50" in shown.reason
    with pytest.raises(expected):
        await scanner.create(spec)
    assert await counted(emulator, spec.name) == []


@pytest.mark.parametrize("date", [False, True])
async def test_a_scanner_that_wants_a_pause_says_how_long(
    emulator: RunningEmulator, scanner: NessusScanner, date: bool
) -> None:
    await emulator.control.fault("rate_limit", retry_after=30, date=date)
    with pytest.raises(errors.ScannerUnavailable) as refusal:
        await scanner.scans()
    assert refusal.value.retry_after_s == pytest.approx(30, abs=2)


@pytest.mark.parametrize("fault", ["down", "server_error", "garbage"])
async def test_a_scanner_in_trouble_may_have_launched_and_can_be_read_later(
    emulator: RunningEmulator, scanner: NessusScanner, fault: str
) -> None:
    scan = await scanner.create(a_scan())
    await emulator.control.fault(fault)
    with pytest.raises(errors.OutcomeUnknown):
        await scanner.launch(scan)
    for call in (scanner.progress(scan), scanner.scans(), scanner.stop(scan), scanner.delete(scan)):
        with pytest.raises(errors.ScannerUnavailable):
            await call
    assert not (await scanner.readiness()).ready
    await emulator.control.clear_faults()
    assert (await scanner.progress(scan)).activity is Activity.EMPTY


async def test_a_slow_scanner_is_given_up_in_time(emulator: RunningEmulator) -> None:
    async with NessusScanner(settings(emulator, request_timeout=timedelta(milliseconds=200))) as impatient:
        await emulator.control.fault("slow", seconds=60.0, times=1)
        with pytest.raises(errors.ScannerUnavailable):
            await impatient.scans()


async def test_a_scan_that_the_scanner_forgot_is_not_found(emulator: RunningEmulator, scanner: NessusScanner) -> None:
    scan = await scanner.create(a_scan())
    await emulator.control.fault("lost_scan")
    with pytest.raises(errors.ScanNotFound):
        await scanner.progress(scan)
    await scanner.delete(scan)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    ("fault", "parameters"),
    [("export_error", {}), ("truncated_export", {}), ("truncated_export", {"cut": True})],
)
async def test_an_export_that_fails_once_is_made_anew(
    tmp_path: Path, legacy: bool, fault: str, parameters: dict[str, Any]
) -> None:
    async with another(legacy_export=legacy) as (emulator, scanner):
        scan = await run(scanner, a_scan())
        await emulator.control.fault(fault, times=1, **parameters)
        report = await scanner.export(scan, tmp_path / "r")
    assert report.path.read_bytes().rstrip().endswith(b"</NessusClientData_v2>")


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("fault", ["export_error", "truncated_export"])
async def test_an_export_that_fails_again_and_again_leaves_no_file(tmp_path: Path, legacy: bool, fault: str) -> None:
    async with another(legacy_export=legacy) as (emulator, scanner):
        scan = await run(scanner, a_scan())
        await emulator.control.fault(fault)
        with pytest.raises(errors.ExportFailed):
            await scanner.export(scan, tmp_path / "r")
    assert list(tmp_path.iterdir()) == []


async def test_policies_and_folders_are_found_by_name(emulator: RunningEmulator, scanner: NessusScanner) -> None:
    policy = (await emulator.api.get("/policies")).json()["policies"][0]["name"]
    (await emulator.api.post("/folders", json={"name": "Weekly"})).raise_for_status()
    scan = await scanner.create(a_scan(policy=policy, folder="Weekly"))
    shown = (await emulator.api.get(f"/scans/{scan}")).json()
    with pytest.raises(errors.TemplateUnknown, match="Weekly"):
        await scanner.create(a_scan(folder="Monthly"))
    assert shown["info"]["policy"] == policy
