"""pyTenable, the vendor's own library, drives the emulator as it drives a Nessus."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from tenable.errors import PreconditionFailedError, RequestConflictError, UnauthorizedError
from tenable.io import TenableIO
from tenable.nessus.api import Nessus

from scanpool.emulator.default_network import LINUX_ACCOUNT, LINUX_PASSWORD
from tests.support.emulators import RunningEmulator, running_emulator
from tests.support.raw_nessus import ssh


def _nessus(**arguments: Any) -> Nessus:
    constructor: Callable[..., Nessus] = Nessus
    return constructor(retries=0, **arguments)


def with_keys(emulator: RunningEmulator, **more: Any) -> Nessus:
    keys = {"access_key": emulator.emulator.access_key, "secret_key": emulator.emulator.secret_key}
    return _nessus(url=emulator.url, **{**keys, **more})


def with_session(emulator: RunningEmulator) -> Nessus:
    return _nessus(
        url=emulator.url,
        username=emulator.options.username,
        password=emulator.options.password,
    )


def whole_round(nessus: Nessus) -> bytes:
    """Create, launch, follow, export and delete a scan."""
    templates = {one["name"]: one["uuid"] for one in nessus.editor.template_list("scan")}
    created = nessus.scans.create(
        uuid=templates["advanced"],
        settings={"name": "by pyTenable", "enabled": False, "text_targets": "10.10.0.1,10.10.1.1"},
        credentials=ssh(LINUX_ACCOUNT, LINUX_PASSWORD),
    )
    scan = created["scan"]["id"]
    run = nessus.scans.launch(scan)
    with pytest.raises(RequestConflictError):
        nessus.scans.launch(scan)
    until = time.monotonic() + 60
    while (found := nessus.scans.details(scan))["info"]["status"] != "completed":
        assert time.monotonic() < until
    assert [one["uuid"] for one in found["history"]] == [run]
    assert [host["hostname"] for host in found["hosts"]] == ["10.10.0.1", "10.10.1.1"]
    report: bytes = nessus.scans.export_scan(scan).read()
    host = found["hosts"][0]["host_id"]
    assert "via ssh" in nessus.scans.plugin_output(scan, host, 19506)["outputs"][0]["plugin_output"]
    nessus.scans.delete(scan)
    assert nessus.scans.list()["scans"] is None
    return report


def check(report: bytes) -> None:
    hosts = etree.fromstring(report).findall("Report/ReportHost")
    told = [host.findtext("ReportItem[@pluginID='19506']/plugin_output") or "" for host in hosts]
    assert "Credentialed checks : yes, as 'audit' via ssh" in told[0]
    assert "Credentialed checks : no" in told[1]


@pytest.mark.parametrize("sign_in", [with_keys, with_session])
async def test_a_scan_is_driven_from_its_creation_to_its_deletion(
    sign_in: Callable[[RunningEmulator], Nessus],
) -> None:
    async with running_emulator(export_seconds=0) as emulator:

        def drive() -> bytes:
            with sign_in(emulator) as nessus:
                return whole_round(nessus)

        check(await asyncio.to_thread(drive))
        (scan,) = (await emulator.control.stats())["scans"]
        assert (scan["created"], scan["launched"], scan["deleted"]) == (1, 1, 1)


async def test_it_works_over_tls_with_the_emulators_certificate(tmp_path: Path) -> None:
    async with running_emulator(tls=True, export_seconds=0) as emulator:
        trusted = tmp_path / "ca.pem"
        trusted.write_text(emulator.emulator.ca_pem or "")

        def drive() -> str:
            with with_keys(emulator, ssl_verify=str(trusted)) as nessus:
                return str(nessus.server.status()["status"])

        assert await asyncio.to_thread(drive) == "ready"


async def test_wrong_keys_are_unauthorized() -> None:
    async with running_emulator() as emulator:

        def drive() -> None:
            with with_keys(emulator, access_key="wrong") as nessus, pytest.raises(UnauthorizedError):
                nessus.scans.list()

        await asyncio.to_thread(drive)


async def test_the_rest_of_what_it_asks_is_answered() -> None:
    async with running_emulator() as emulator:

        def drive() -> None:
            with with_keys(emulator) as nessus:
                assert nessus.session.get()["username"] == emulator.options.username
                assert nessus.server.properties()["license"]["features"]["scan_api"]
                assert nessus.scanners.list()[0]["type"] == "local"
                assert [one["name"] for one in nessus.policies.list()]
                folder = nessus.folders.create("Office")
                nessus.folders.edit(folder, "Branch")
                assert "Branch" in [one["name"] for one in nessus.folders.list()]
                nessus.folders.delete(folder)
                nessus.session.api_keys()
                assert nessus.folders.list()

        await asyncio.to_thread(drive)


async def test_a_professional_refuses_to_create_and_still_exports() -> None:
    async with running_emulator(profile="nessus-professional", export_seconds=0) as emulator:

        def drive() -> None:
            with with_keys(emulator) as nessus:
                with pytest.raises(PreconditionFailedError):
                    nessus.scans.create(uuid="x", settings={})
                scan = nessus.scans.list()["scans"][0]["id"]
                etree.fromstring(nessus.scans.export_scan(scan).read())

        await asyncio.to_thread(drive)


QUIET = pytest.mark.filterwarnings("ignore:The workbench module been deprecated:DeprecationWarning")
"""The library looks at every property of its own when it signs in, at those that it has deprecated too."""


def whole_round_in_cloud(cloud: TenableIO) -> bytes:
    """Create, launch, follow, export and delete a scan."""
    scan = cloud.scans.create(
        name="by pyTenable",
        template="advanced",
        scanner="Office scanners",
        targets=["10.10.0.1", "10.10.1.1"],
        credentials=ssh(LINUX_ACCOUNT, LINUX_PASSWORD)["add"],
    )["id"]
    assert cloud.scans.status(scan) == "empty"
    run = cloud.scans.launch(scan)
    with pytest.raises(RequestConflictError):
        cloud.scans.launch(scan)
    until = time.monotonic() + 60
    while cloud.scans.status(scan) != "completed":
        assert time.monotonic() < until
    assert [one["scan_uuid"] for one in cloud.scans.history(scan)] == [run]
    assert [host["hostname"] for host in cloud.scans.results(scan)["hosts"]] == ["10.10.0.1", "10.10.1.1"]
    report: bytes = cloud.scans.export(scan).read()
    cloud.scans.delete(scan)
    return report


@QUIET
async def test_the_cloud_is_driven_from_creation_to_deletion() -> None:
    async with running_emulator(profile="tenable-vm", export_seconds=0) as emulator:
        constructor: Callable[..., TenableIO] = TenableIO

        def drive() -> bytes:
            with constructor(
                emulator.emulator.access_key, emulator.emulator.secret_key, url=emulator.url, retries=0
            ) as cloud:
                return whole_round_in_cloud(cloud)

        check(await asyncio.to_thread(drive))
        (scan,) = (await emulator.control.stats())["scans"]
        assert (scan["created"], scan["launched"], scan["deleted"]) == (1, 1, 1)


@QUIET
async def test_the_vendors_library_waits_out_a_429_of_the_cloud() -> None:
    async with running_emulator(profile="tenable-vm") as emulator:
        constructor: Callable[..., TenableIO] = TenableIO
        await emulator.control.fault("rate_limit", times=1)

        def drive() -> list[str]:
            with constructor(
                emulator.emulator.access_key, emulator.emulator.secret_key, url=emulator.url, retries=2
            ) as cloud:
                return [one["name"] for one in cloud.folders.list()]

        assert "My Scans" in await asyncio.to_thread(drive)
        stats = await emulator.control.stats()
        assert (stats["rate_limited"], stats["too_early"]) == (1, 0)
