"""What makes a scanner's certificate trusted, and what happens before anything is sent."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from scanpool.scanners.errors import FingerprintMismatch, ScannerUnavailable
from scanpool.scanners.nessus import NessusScanner, Tls
from tests.support.certificates import Certificate, self_signed, server_context
from tests.support.nessus import USER, nessus_settings
from tests.support.scripted_scanner import ScriptedScanner, raw, reply

NO_SCANS = {"GET /scans": reply({"scans": None})}
BOTH_VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("tls"), "another")


@BOTH_VERSIONS
async def test_with_another_certificate_than_the_pinned_one_not_a_byte_is_sent(
    certificate: Certificate, another: Certificate, version: ssl.TLSVersion
) -> None:
    async with ScriptedScanner(NO_SCANS, tls=server_context(another, version)) as server:
        settings = nessus_settings(server.url, tls=Tls(fingerprint=certificate.fingerprint), sign_in=USER)
        async with NessusScanner(settings) as scanner:
            with pytest.raises(FingerprintMismatch, match=another.fingerprint):
                await scanner.scans()
            shown = await scanner.readiness()
    assert (shown.ready, another.fingerprint in shown.reason) == (False, True)
    assert (server.received, server.received_bytes) == ([], 0)


@BOTH_VERSIONS
async def test_the_pinned_certificate_is_trusted_without_any_ca(
    certificate: Certificate, version: ssl.TLSVersion
) -> None:
    async with (
        ScriptedScanner(NO_SCANS, tls=server_context(certificate, version)) as server,
        NessusScanner(nessus_settings(server.url, tls=Tls(fingerprint=certificate.fingerprint))) as scanner,
    ):
        assert await scanner.scans() == ()
    assert server.received_bytes > 0


async def test_the_pin_is_checked_on_every_new_connection(certificate: Certificate, another: Certificate) -> None:
    context = server_context(certificate)
    closing = {"GET /scans": raw(b'{"scans": null}', headers={"Connection": "close"})}
    async with (
        ScriptedScanner(closing, tls=context) as server,
        NessusScanner(nessus_settings(server.url, tls=Tls(fingerprint=certificate.fingerprint))) as scanner,
    ):
        await scanner.scans()
        another.load_into(context)
        before = server.received_bytes
        with pytest.raises(FingerprintMismatch):
            await scanner.scans()
    assert server.received_bytes == before


async def test_a_certificate_of_an_unknown_ca_is_refused_with_the_remedy(certificate: Certificate) -> None:
    async with (
        ScriptedScanner(NO_SCANS, tls=server_context(certificate)) as server,
        NessusScanner(nessus_settings(server.url)) as scanner,
    ):
        with pytest.raises(ScannerUnavailable, match=r"tls\.ca_bundle or tls\.fingerprint"):
            await scanner.scans()
    assert server.received_bytes == 0


async def test_a_certificate_of_the_configured_ca_is_trusted(certificate: Certificate) -> None:
    async with (
        ScriptedScanner(NO_SCANS, tls=server_context(certificate)) as server,
        NessusScanner(nessus_settings(server.url, tls=Tls(ca_bundle=certificate.pem))) as scanner,
    ):
        assert await scanner.scans() == ()


async def test_with_a_ca_bundle_and_a_pin_both_must_hold(
    certificate: Certificate, another: Certificate, tmp_path: Path
) -> None:
    wrong_pin = Tls(ca_bundle=certificate.pem, fingerprint=another.fingerprint)
    wrong_ca = Tls(ca_bundle=another.pem, fingerprint=certificate.fingerprint)
    async with (
        ScriptedScanner(NO_SCANS, tls=server_context(certificate)) as server,
        NessusScanner(nessus_settings(server.url, tls=wrong_pin)) as scanner,
    ):
        with pytest.raises(FingerprintMismatch):
            await scanner.scans()
        async with NessusScanner(nessus_settings(server.url, tls=wrong_ca)) as scanner:
            with pytest.raises(ScannerUnavailable):
                await scanner.scans()
    assert server.received_bytes == 0


async def test_verification_can_be_switched_off_explicitly(certificate: Certificate) -> None:
    async with (
        ScriptedScanner(NO_SCANS, tls=server_context(certificate)) as server,
        NessusScanner(nessus_settings(server.url, tls=Tls(verify=False))) as scanner,
    ):
        assert await scanner.scans() == ()
