"""Which requests are admitted and as what, why others are refused, and what a cancel does in every state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pytest

from scanpool.admission.decide import Refused, admit, cancelled, read_targets
from scanpool.coordination.places import GiveBack
from scanpool.coordination.state_table import check_legal
from scanpool.coordination.transitions import Change
from scanpool_schemas.keys import CredentialRule, Exclusion, PoolRules
from scanpool_schemas.request import CancelRequest, ScanRequest
from scanpool_schemas.scan import AnyScan, Failed, Stopping, state_of
from tests.support.builders import (
    NOW,
    NUMBER,
    a_completed_scan,
    a_dead_scan,
    a_failed_scan,
    a_launching_scan,
    a_mark,
    a_pending_scan,
    a_queued_scan,
    a_request,
    a_running_scan,
    a_stopping_scan,
    a_validating_scan,
    an_exporting_scan,
    some_rules,
)


def _admitted(
    request: ScanRequest, rules: PoolRules | None = None, resolved: Mapping[str, Sequence[str]] | None = None
) -> ScanRequest:
    chosen = rules or some_rules()
    return admit(request, chosen, read_targets(request, chosen), resolved or {}, NOW).request


def test_an_admitted_request_has_its_targets_normalised_and_its_template_chosen() -> None:
    request = a_request(targets=("10.0.0.1", "10.0.0.1", "10.0.1.0/24"), exclude=("10.0.1.128/25",))
    admitted = _admitted(request)
    assert admitted.targets == ("10.0.0.1", "10.0.1.0/25")
    assert (admitted.template, admitted.name) == ("advanced", "weekly")


@pytest.mark.parametrize(
    ("fields", "template"),
    [
        ({}, "basic"),
        ({"scan_type": "authenticated", "credential_ref": "linux"}, "advanced"),
        ({"template": "discovery"}, "discovery"),
    ],
)
def test_the_template_is_the_requests_own_else_the_pools_for_the_scan_type(
    fields: dict[str, Any], template: str
) -> None:
    assert _admitted(a_request(**fields), some_rules(templates={"untrusted": "basic"})).template == template


FROZEN = Exclusion(target="10.9.0.0/16", reason="frozen")
NARROW = CredentialRule(id="narrow", kind="ssh_password", targets=("10.1.0.0/16", "*.corp.example"))


@pytest.mark.parametrize(
    ("fields", "rules", "code"),
    [
        ({"targets": ("10.0.0.1-",)}, some_rules(), "invalid_target"),
        ({"exclude": ("nonsense/99",)}, some_rules(), "invalid_target"),
        ({"exclude": ("10.0.0.0/8",)}, some_rules(), "nothing_to_scan"),
        ({}, some_rules(retired=True), "pool_retired"),
        ({"targets": ("0.0.0.0",)}, some_rules(), "impossible_target"),
        ({"targets": ("169.254.169.254",)}, some_rules(), "target_not_allowed"),
        ({"targets": ("10.0.0.1",)}, some_rules(allow=("192.168.0.0/16",)), "target_not_allowed"),
        ({"targets": ("10.9.1.1",)}, some_rules(exclude=(FROZEN,)), "target_excluded"),
        ({"scanner": "nobody"}, some_rules(), "unknown_scanner"),
        ({"scanner": "off"}, some_rules(), "scanner_disabled"),
        ({"credential_ref": "linus"}, some_rules(), "unknown_credential"),
        ({"credential_ref": "narrow"}, some_rules(credentials=(NARROW,)), "credential_not_allowed"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_with_a_code(fields: dict[str, Any], rules: PoolRules, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        _admitted(a_request(**fields), rules)
    assert refusal.value.error.code == code


def test_a_refusal_says_what_was_probably_meant() -> None:
    with pytest.raises(Refused, match="did you mean 'linux'"):
        _admitted(a_request(credential_ref="linus"))


def test_an_exclusion_holds_through_its_last_day_and_not_longer() -> None:
    request = a_request(targets=("10.9.1.1",))
    with pytest.raises(Refused):
        _admitted(request, some_rules(exclude=(Exclusion(target="10.9.0.0/16", until=NOW.date()),)))
    over = Exclusion(target="10.9.0.0/16", until=date(2026, 3, 3))
    assert _admitted(request, some_rules(exclude=(over,))).targets == ("10.9.1.1",)


def test_hostnames_are_looked_up_only_where_the_rules_speak_of_addresses() -> None:
    request = a_request(targets=("web.corp.example",))
    assert read_targets(request, some_rules()).to_resolve == ()
    assert read_targets(request, some_rules(allow=("10.0.0.0/8",))).to_resolve == ("web.corp.example",)


def test_a_resolved_hostname_is_pinned_to_the_address_that_was_judged() -> None:
    request, rules = a_request(targets=("web.corp.example",)), some_rules(allow=("10.0.0.0/8",))
    admitted = _admitted(request, rules, {"web.corp.example": ("10.1.2.3",)})
    assert admitted.targets == ("web.corp.example[10.1.2.3]",)
    with pytest.raises(Refused) as refusal:
        _admitted(request, rules, {"web.corp.example": ("192.0.2.1",)})
    assert refusal.value.error.code == "target_not_allowed"


def test_a_credential_may_be_used_for_the_targets_that_it_is_for() -> None:
    rules = some_rules(credentials=(NARROW,))
    assert _admitted(a_request(targets=("10.1.2.3",), credential_ref="narrow"), rules).targets == ("10.1.2.3",)


OVER: list[AnyScan] = [a_completed_scan(), a_failed_scan(), a_dead_scan(), a_stopping_scan()]
ON_SCANNER: list[AnyScan] = [a_launching_scan(), a_launching_scan(intent=NUMBER), a_running_scan()]
ELSEWHERE: list[AnyScan] = [a_pending_scan(), a_queued_scan(), an_exporting_scan(), a_validating_scan()]


def _cancelled(scan: AnyScan, **fields: Any) -> Change | None:
    return cancelled(scan, CancelRequest(**fields), a_mark("cancel"))


@pytest.mark.parametrize("scan", OVER)
def test_a_cancel_of_what_is_over_or_stopping_already_changes_nothing(scan: AnyScan) -> None:
    assert _cancelled(scan) is None


@pytest.mark.parametrize("scan", ON_SCANNER)
def test_a_cancel_of_what_is_on_a_scanner_stops_it_and_leaves_it_its_place(scan: AnyScan) -> None:
    change = _cancelled(scan, by="me", reason="too loud")
    assert change is not None
    assert isinstance(change.scan, Stopping)
    stop = change.scan.stop
    assert (stop.cause, stop.code, stop.by, stop.was) == ("cancel", "cancelled", "me", state_of(scan))
    assert stop.why == "cancelled by me: too loud"
    assert change.place is None
    check_legal(scan, change.scan)


@pytest.mark.parametrize("scan", ELSEWHERE)
def test_a_cancel_of_what_is_on_no_scanner_ends_it_at_once(scan: AnyScan) -> None:
    change = _cancelled(scan)
    assert change is not None
    assert isinstance(change.scan, Failed)
    assert (change.scan.end, change.scan.error.code, change.scan.error.message) == (
        "cancelled",
        "cancelled",
        "cancelled",
    )
    assert not isinstance(change.place, GiveBack)
    check_legal(scan, change.scan)
