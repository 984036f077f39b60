"""Whether a scanner may launch is read, or inferred, and never tried out."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from scanpool.scanners.nessus import licence, readiness
from scanpool.scanners.nessus.licence import Licence, Permission
from scanpool.scanners.nessus.replies import Properties, ServerStatus

A_MANAGER = Licence(edition="Nessus Manager", version="10.8.3", inferred=True)


def stated(**fields: object) -> Licence:
    body = msgspec.json.encode({"server_version": "10.8.3", **fields})
    return licence.read(msgspec.json.decode(body, type=Properties, strict=False))


def features(scan_api: object) -> dict[str, object]:
    return {"license": {"type": "x", "name": "x", "features": {"scan_api": scan_api}}}


@pytest.mark.parametrize(("word", "allowed"), [(True, True), (False, False), (1, True), (0, False)])
def test_the_scanners_own_word_decides(word: object, allowed: bool) -> None:
    read = stated(nessus_type="Nessus Professional", **features(word))
    assert licence.permission(read, None).launch is allowed


@pytest.mark.parametrize(
    ("edition", "allowed"),
    [
        ("Nessus Manager", True),
        ("Nessus Professional", False),
        ("Nessus Essentials", False),
        ("Nessus Home", False),
        ("Nessus Expert", False),
        ("Nessus", None),
        (None, None),
    ],
)
def test_without_it_the_edition_tells_and_the_evidence_says_inferred(edition: str | None, allowed: bool | None) -> None:
    permitted = licence.permission(stated(nessus_type=edition), None)
    assert permitted.launch is allowed
    assert ("inferred" in permitted.evidence) is (allowed is not None)


def test_the_licences_own_type_tells_where_the_product_does_not() -> None:
    assert licence.permission(stated(nessus_type="Nessus", license={"type": "home"}), None).launch is False


def test_a_refusal_outweighs_what_was_inferred_under_the_same_licence() -> None:
    same = replace(A_MANAGER, plugin_set="202605041200")
    assert licence.permission(same, A_MANAGER).launch is False


def test_a_refusal_is_forgotten_when_the_licence_changes_or_the_scanner_states_otherwise() -> None:
    assert licence.permission(replace(A_MANAGER, version="10.9.0"), A_MANAGER).launch is True
    allowed = replace(A_MANAGER, scan_api=True)
    assert licence.permission(allowed, allowed).launch is True


def test_the_sentence_names_scanner_product_evidence_and_what_to_use_instead() -> None:
    said = licence.sentence("lab.a", Licence(edition="Nessus Professional", version="10.8.3"), "because")
    assert said == (
        "Scanner 'lab.a' (Nessus Professional 10.8.3) does not allow scans to be created or launched "
        "through its API (because). Read, export and validation still work. Use Nessus Manager, "
        "Tenable Vulnerability Management or Tenable Security Center to launch."
    )


def test_a_ready_scanner_that_may_not_launch_says_why() -> None:
    shown = readiness.ready("lab.a", A_MANAGER, Permission(launch=False, evidence="license.features.x"))
    assert (shown.ready, shown.can_launch) == (True, False)
    assert "license.features.x" in shown.reason


def test_a_ready_scanner_whose_permission_is_inferred_says_so() -> None:
    shown = readiness.ready("lab.a", A_MANAGER, licence.permission(A_MANAGER, None))
    assert (shown.can_launch, shown.edition, shown.version) == (True, "Nessus Manager", "10.8.3")
    assert "inferred" in shown.reason


def test_a_scanner_that_says_it_may_launch_needs_no_remark() -> None:
    sure = replace(A_MANAGER, scan_api=True)
    assert readiness.ready("lab.a", sure, licence.permission(sure, None)).reason == ""


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({"status": "ready"}, None),
        ({"status": "ready", "pluginData": None, "engine_status": None}, None),
        ({"status": "ready", "pluginData": True, "engine_status": {"status": "ready"}}, None),
        ({"status": "loading", "progress": 43}, "'loading' (43 %)"),
        ({"status": "loading", "progress": "43"}, "'loading' (43 %)"),
        ({"status": "register", "progress": None}, "'register'"),
        ({"error": "initializing"}, "does not say"),
        ({"status": "ready", "pluginData": False}, "no plugins"),
        ({"status": "ready", "engine_status": {"status": "loading", "progress": 5}}, "engine"),
    ],
)
def test_a_server_is_ready_only_if_it_its_plugins_and_its_engine_are(
    status: dict[str, object], said: str | None
) -> None:
    decoded = msgspec.json.decode(msgspec.json.encode(status), type=ServerStatus, strict=False)
    found = readiness.obstacle(decoded)
    assert found is None if said is None else said in (found or "")
