"""Quotations from outputs: no user names, one line, bounded, nothing that steers a terminal."""

from __future__ import annotations

import pytest

from scanpool.report.redaction import names_in, redact
from scanpool.report.scan_verdict import Asked
from scanpool.report.texts import clip
from scanpool.report.validate import validate
from tests.support.reports import host, item, plugin_setting, policy, report, scan_info


@pytest.mark.parametrize(
    "text",
    [
        "Login as jdoe failed",
        "Login as 'jdoe' failed",
        'The account "jdoe" is locked',
        r"CORP\jdoe was refused",
        "jdoe@corp.example was refused",
        "user jdoe was refused",
        "User : jdoe",
        "username=jdoe",
        "account jdoe is locked",
        "unclosed 'jdoe",
    ],
)
def test_what_looks_like_a_user_name_is_struck_out(text: str) -> None:
    assert "jdoe" not in redact(text, (), 200)


def test_names_that_are_known_are_struck_out_anywhere() -> None:
    shown = redact("permission denied for JDoe on jdoe-server", names_in(r"CORP\jdoe"), 200)
    assert shown == "permission denied for … on …-server"


@pytest.mark.parametrize(
    "text",
    [
        "Failed to authenticate using the supplied password.",
        "The account was locked.",
        "The host's key isn't known.",
        "Connection refused",
    ],
)
def test_what_names_nobody_stays_as_it_is(text: str) -> None:
    assert redact(text, (), 200) == text


def test_a_name_that_the_policy_configures_is_struck_out_of_a_quotation() -> None:
    settings = policy(plugin_setting("SSH settings", "SSH user name :", "zaphod"))
    failed = item(104410, "Message : server turned zaphod down")
    result = validate([report(host("10.0.0.1", scan_info("no"), failed), policy=settings)], Asked())
    assert 'saying "server turned … down"' in result.hosts[0].evidence


def test_a_name_that_another_line_gives_away_is_struck_out_too() -> None:
    failed = item(104410, "- User : zaphod\n  Message : server turned zaphod down")
    result = validate([report(host("10.0.0.1", scan_info("no"), failed))])
    assert "zaphod" not in result.hosts[0].evidence


def test_a_quotation_is_bounded_and_in_one_line() -> None:
    hostile = item(21745, "- \x85a\u202eb\u2028c " + "long " * 5000)
    result = validate([report(host("10.0.0.1", scan_info("no"), hostile))])
    evidence = result.hosts[0].evidence
    assert len(evidence) <= 400
    assert evidence.isprintable()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("plain", "plain"), ("a\n\tb  c", "a b c"), ("\x1b[31mred\x07", "[31mred"), ("abcdefghijk", "abcdefghi…")],
)
def test_a_clipped_text_is_printable_and_short(text: str, expected: str) -> None:
    assert clip(text, 10) == expected
