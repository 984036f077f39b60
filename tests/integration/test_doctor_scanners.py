"""What `scanpool doctor` says of scanners where NATS is not there: it asks them all the same."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import self_signed, server_context
from tests.support.doctor import FRESH, Doctor, Document, feed_of
from tests.support.emulators import RunningEmulator, running_emulator
from tests.support.ports import own_port
from tests.support.scripted_scanner import ScriptedScanner

LONG = timedelta(days=300)
THEMSELVES = ("answer", "certificate", "sign_in", "licence", "plugins", "scanner_clock")
SCANNERS = tuple(word for name in THEMSELVES for word in ("--only", name))
"""What scanners are asked themselves."""


def doctor_with(folder: Path, *scanners: Document) -> Doctor:
    """The doctor with these scanners of pool lab, and a NATS that nobody runs."""
    document = {"pools": {"lab": {"scanners": list(scanners)}}}
    path = folder / "scanners.yaml"
    path.write_text(json.dumps(document))
    url = f"nats://127.0.0.1:{own_port()}"
    environ = {"ACCESS": "emulated-access-key", "SECRET": "emulated-secret-key"}
    return Doctor({"SCANPOOL_NATS_URL": url, "SCANPOOL_CONFIG": str(path), **environ})


def a_scanner(url: str, name: str = "a", **fields: Any) -> Document:
    keys = {"access_key": {"env": "ACCESS"}, "secret_key": {"env": "SECRET"}}
    return {"instance_id": name, "url": url, **keys, **fields}


async def test_without_nats_that_is_a_problem_and_scanners_are_asked_all_the_same(tmp_path: Path) -> None:
    async with running_emulator(plugin_set=feed_of(FRESH)) as emulator:
        doctor = doctor_with(tmp_path, a_scanner(emulator.url))
        found = await doctor.only("nats_unreachable")
        assert found["place"] == doctor.environ["SCANPOOL_NATS_URL"]
        checks = await doctor.examined()
        assert {each["name"] for each in checks if each["section"] == "scanners"} == {*THEMSELVES}
        assert await doctor.codes("--only", "scanners") == []


def trusting(emulator: RunningEmulator, folder: Path, how: str) -> Document:
    if how == "pin":
        return {"fingerprint": emulator.emulator.fingerprint}
    if how == "nothing":
        return {"verify": False}
    bundle = folder / "ca.pem"
    bundle.write_text(emulator.emulator.ca_pem or "")
    return {"ca_bundle": str(bundle)}


@pytest.mark.parametrize("how", ["pin", "bundle", "nothing"])
async def test_a_certificate_that_is_trusted_is_told_with_the_days_that_it_has_left(tmp_path: Path, how: str) -> None:
    async with running_emulator(tls=True, plugin_set=feed_of(FRESH)) as emulator:
        doctor = doctor_with(tmp_path, a_scanner(emulator.url, tls=trusting(emulator, tmp_path, how)))
        assert await doctor.codes(*SCANNERS) == []
        (shown,) = (each for each in await doctor.examined(*SCANNERS) if each["name"] == "certificate")
        assert shown["days_left"] in {396, 397}
        assert shown["fingerprint"] == emulator.emulator.fingerprint


async def test_each_scanner_has_the_trouble_of_its_own_certificate_and_nothing_is_sent_to_it(tmp_path: Path) -> None:
    over, soon, good = (
        self_signed(tmp_path, name, until=until)
        for name, until in (("over", -timedelta(days=2)), ("soon", timedelta(days=5)), ("good", LONG))
    )
    async with (
        ScriptedScanner({}, tls=server_context(over)) as expired,
        ScriptedScanner({}, tls=server_context(good)) as unknown,
        ScriptedScanner({}, tls=server_context(good)) as changed,
    ):
        doctor = doctor_with(
            tmp_path,
            a_scanner(expired.url, "expired", tls={"ca_bundle": str(over.pem)}),
            a_scanner(unknown.url, "unknown"),
            a_scanner(changed.url, "changed", tls={"fingerprint": soon.fingerprint}),
        )
        found = await doctor.wrong(*SCANNERS)
        assert [(each["place"], each["code"]) for each in found] == [
            ("lab.changed", "certificate_not_pinned"),
            ("lab.expired", "certificate_expired"),
            ("lab.unknown", "certificate_untrusted"),
        ]
        assert found[0]["fingerprint"] == good.fingerprint
        assert [each.received for each in (expired, unknown, changed)] == [[], [], []]


@pytest.mark.parametrize(("until", "pinned"), [(timedelta(days=5), False), (-timedelta(days=5), True)])
async def test_a_certificate_that_ends_soon_or_is_over_and_pinned_is_a_warning(
    tmp_path: Path, until: timedelta, pinned: bool
) -> None:
    certificate = self_signed(tmp_path, until=until)
    tls = {"fingerprint": certificate.fingerprint} if pinned else {"ca_bundle": str(certificate.pem)}
    async with ScriptedScanner({}, tls=server_context(certificate)) as scanner:
        doctor = doctor_with(tmp_path, a_scanner(scanner.url, tls=tls))
        found = await doctor.only("certificate_expires_soon", "--only", "certificate")
        assert found["status"] == "warning"
        assert ("has expired" in found["message"]) == pinned


async def test_a_scanner_that_is_not_there_and_one_that_says_nothing_of_its_licence(tmp_path: Path) -> None:
    async with running_emulator(plugin_set=feed_of(FRESH), profile="nessus-manager") as silent:
        await silent.control.fault("garbage", path="/server/properties", html=True)
        gone = f"https://127.0.0.1:{own_port()}"
        doctor = doctor_with(tmp_path, a_scanner(gone, "gone"), a_scanner(silent.url, "silent"))
        assert await doctor.codes(*SCANNERS) == [("scanner_unreachable", "lab.gone"), ("licence_unknown", "lab.silent")]


async def test_a_secret_that_is_not_at_hand_is_one_problem(tmp_path: Path) -> None:
    async with running_emulator(plugin_set=feed_of(FRESH)) as emulator:
        scanner = a_scanner(emulator.url, access_key={"file": str(tmp_path / "no-such-file")})
        doctor = doctor_with(tmp_path, scanner)
        assert [code for code, _ in await doctor.codes()] == ["nats_unreachable", "secret_unavailable"]


async def test_of_one_pool_only_its_own_secrets_need_to_be_at_hand(tmp_path: Path) -> None:
    doctor = doctor_with(tmp_path, a_scanner("https://127.0.0.1"))
    path = Path(doctor.environ["SCANPOOL_CONFIG"])
    document = json.loads(path.read_text())
    elsewhere = {"file": str(tmp_path / "on-another-host")}
    document["pools"]["dmz"] = {"scanners": [a_scanner("https://127.0.0.1", "far", access_key=elsewhere)]}
    path.write_text(json.dumps(document))
    assert await doctor.codes("--only", "secrets") == [("secret_unavailable", str(path))]
    (check,) = await doctor.examined("--only", "secrets", "--pool", "lab")
    assert (check["status"], check["message"]) == ("ok", "2 secrets can be read")
    assert await doctor.codes("--only", "secrets", "--pool", "dmz") == [("secret_unavailable", str(path))]


async def test_tenables_cloud_is_asked_for_what_it_tells(tmp_path: Path) -> None:
    async with running_emulator(profile="tenable-vm") as cloud:
        doctor = doctor_with(tmp_path, a_scanner(cloud.url, kind="tenable-vm"))
        checks = await doctor.examined(*SCANNERS)
        assert {each["name"]: each["status"] for each in checks} == {
            "answer": "ok",
            "certificate": "ok",
            "sign_in": "ok",
            "licence": "ok",
            "scanner_clock": "ok",
        }


async def test_a_configuration_that_cannot_be_used_is_told_line_by_line_and_the_rest_is_looked_at(
    tmp_path: Path,
) -> None:
    doctor = doctor_with(tmp_path, {"instance_id": "a", "url": "https://127.0.0.1"}, a_scanner("ftp://x", "b"))
    found = await doctor.wrong("--only", "file")
    assert {each["code"] for each in found} == {"configuration_invalid"}
    assert len(found) == 2
    missing = Doctor({**doctor.environ, "SCANPOOL_CONFIG": str(tmp_path / "nowhere.yaml")})
    assert [code for code, _ in await missing.codes("--only", "file")] == ["configuration_invalid"]
