"""What the doctor makes of a scanner's certificate and of what it says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scanpool.cli.doctor.gather.scanners import ScannerFacts
from scanpool.cli.doctor.judge.scanners import answer, certificate, clock, feed_time, licence, plugins, sign_in
from scanpool.cli.doctor.units import scanner_checks
from scanpool.scanners.nessus import Certificate, Examination, LicenceFacts
from scanpool.scanners.nessus.examination import ahead_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRUSTED = Certificate(verdict="trusted", expires=NOW + timedelta(days=100), fingerprint="ab")


def said(**fields: Any) -> Examination:
    common: dict[str, Any] = {
        "edition": "Nessus Manager",
        "version": "10.8.3",
        "plugin_set": "202602280226",
        "can_launch": True,
        "evidence": "license.features.scan_api=true",
    }
    return Examination(clock_ahead_s=0.0, licence=LicenceFacts(**{**common, **fields}))


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        (TRUSTED, ""),
        (Certificate(verdict="not encrypted"), ""),
        (Certificate(verdict="trusted"), ""),
        (Certificate(verdict="expired", why="certificate has expired"), "certificate_expired"),
        (Certificate(verdict="untrusted", why="self-signed certificate"), "certificate_untrusted"),
        (Certificate(verdict="not pinned", fingerprint="cd"), "certificate_not_pinned"),
        (Certificate(verdict="trusted", expires=NOW + timedelta(days=20)), "certificate_expires_soon"),
        (Certificate(verdict="trusted", is_over=True), "certificate_expires_soon"),
    ],
)
def test_a_certificate_is_judged_by_trust_and_by_its_days(shown: Certificate, code: str) -> None:
    check = certificate("lab.a", shown, NOW)
    assert check is not None
    assert check.code == code


def test_days_are_told_and_a_certificate_that_was_not_seen_is_not() -> None:
    check = certificate("lab.a", TRUSTED, NOW)
    assert check is not None
    assert (check.message, check.facts["days_left"]) == ("trusted, expires in 100 days", 100)
    assert certificate("lab.a", Certificate(verdict="unreachable"), NOW) is None


def test_a_scanner_that_does_not_answer_is_one_problem() -> None:
    facts = ScannerFacts(shown=Certificate(verdict="unreachable", why="cannot connect: Connection refused"))
    (check,) = scanner_checks("lab.a", facts, NOW)
    assert (check.code, check.message) == (
        "scanner_unreachable",
        "lab.a does not answer: cannot connect: Connection refused",
    )
    silent = ScannerFacts(shown=TRUSTED, told=Examination(unreachable="it fell silent"))
    assert [each.code for each in scanner_checks("lab.a", silent, NOW) if each.code] == ["scanner_unreachable"]


def test_a_scanner_whose_certificate_is_not_trusted_is_not_asked_and_says_nothing_else() -> None:
    facts = ScannerFacts(shown=Certificate(verdict="not pinned", fingerprint="cd"))
    assert [each.code for each in scanner_checks("lab.a", facts, NOW)] == ["certificate_not_pinned"]


def test_a_scanner_that_loads_or_refuses_us_is_asked_no_further() -> None:
    loading = ScannerFacts(shown=TRUSTED, told=Examination(not_ready="the scanner says 'loading' (50 %)"))
    assert [each.code for each in scanner_checks("lab.a", loading, NOW) if each.code] == ["scanner_not_ready"]
    refused = ScannerFacts(shown=TRUSTED, told=Examination(refused="Invalid Credentials", clock_ahead_s=0.0))
    assert [each.code for each in scanner_checks("lab.a", refused, NOW) if each.code] == ["sign_in_failed"]


def test_a_scanner_that_is_well_passes_every_check() -> None:
    checks = scanner_checks("lab.a", ScannerFacts(shown=TRUSTED, told=said()), NOW)
    assert {each.name for each in checks} == {"certificate", "answer", "sign_in", "licence", "plugins", "scanner_clock"}
    assert {each.status for each in checks} == {"ok"}


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        ({}, [""]),
        ({"can_launch": False}, ["may_not_launch"]),
        ({"can_launch": None}, ["licence_unknown"]),
        ({"expires": NOW + timedelta(days=31)}, [""]),
        ({"expires": NOW + timedelta(days=29)}, ["licence_expires_soon"]),
        ({"expires": NOW - timedelta(days=1)}, ["licence_expired"]),
        ({"ips": 100}, [""]),
        ({"ips": 100, "ips_used": 89}, [""]),
        ({"ips": 100, "ips_used": 90}, ["licence_nearly_used_up"]),
        ({"ips": 100, "ips_used": 100}, ["licence_used_up"]),
        ({"ips": 0, "ips_used": 5}, [""]),
        ({"agents": 10, "agents_used": 10, "can_launch": False}, ["may_not_launch", "licence_used_up"]),
    ],
)
def test_a_licence_is_judged_by_permission_end_and_use(fields: dict[str, Any], codes: list[str]) -> None:
    assert [each.code for each in licence("lab.a", said(**fields), NOW)] == codes


def test_a_licence_that_could_not_be_asked_for_is_unknown() -> None:
    (check,) = licence("lab.a", Examination(failed="properties: it fell silent"), NOW)
    assert check.code == "licence_unknown"
    assert sign_in("lab.a", Examination(failed="properties: it fell silent")) is not None
    assert licence("lab.a", Examination(), NOW) == []


@pytest.mark.parametrize(
    ("plugin_set", "code"),
    [
        ("202602280226", ""),
        ("202602200226", "plugins_old"),
        ("202601200226", "plugins_very_old"),
    ],
)
def test_a_plugin_feed_is_judged_by_its_age(plugin_set: str, code: str) -> None:
    check = plugins("lab.a", said(plugin_set=plugin_set), NOW)
    assert check is not None
    assert (check.code, check.facts["plugins_age_days"]) == (code, (NOW - (feed_time(plugin_set) or NOW)).days)


@pytest.mark.parametrize("plugin_set", ["", "2026", "not a date", "20260231", "202602310226"])
def test_a_feed_that_is_named_otherwise_is_not_judged(plugin_set: str) -> None:
    assert plugins("lab.a", said(plugin_set=plugin_set), NOW) is None


@pytest.mark.parametrize(("ahead_s", "code"), [(0.0, ""), (-30.0, ""), (31.0, "scanner_clock_skew")])
def test_a_scanners_clock_may_be_half_a_minute_off(ahead_s: float, code: str) -> None:
    check = clock("lab.a", Examination(clock_ahead_s=ahead_s))
    assert check is not None
    assert check.code == code
    assert clock("lab.a", Examination()) is None


def test_a_date_of_whole_seconds_tells_a_clock_to_a_second() -> None:
    assert ahead_of(NOW, "Sun, 01 Mar 2026 12:00:00 GMT") == 0
    assert ahead_of(NOW + timedelta(milliseconds=900), "Sun, 01 Mar 2026 12:00:00 GMT") == 0
    assert ahead_of(NOW, "Sun, 01 Mar 2026 12:01:00 GMT") == 60
    assert ahead_of(NOW, "Sun, 01 Mar 2026 11:59:00 GMT") == -59
    assert ahead_of(NOW, "yesterday") is None
    assert ahead_of(NOW, None) is None


def test_an_answer_is_fine_where_nothing_speaks_against_it() -> None:
    assert answer("lab.a", TRUSTED, said()).status == "ok"
