"""Quotations from outputs: no user names, one line, bounded, nothing that steers a terminal."""

from __future__ import annotations

import time

import pytest

from scanpool.report.redaction import LONGEST_NAME, names_in, redact
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


@pytest.mark.parametrize("length", [100, 129, LONGEST_NAME, LONGEST_NAME + 1, 100_000])
@pytest.mark.parametrize(
    "text", ["cn=svc,ou=" + "x" * 100_000, "long words of a name " * 5_000, "CORP\\" + "y" * 100_000]
)
def test_a_name_is_struck_out_however_long_it_is(text: str, length: int) -> None:
    name = text[:length].strip()
    told = policy(plugin_setting("SSH settings", "SSH user name :", name))
    items = scan_info("no"), item(104410, f"Message : Login of {name} refused")
    for data in (report(host("a", *items), policy=told), report(host("a", *items, tags={"ssh-login-used": name}))):
        quoted = validate([data]).hosts[0].evidence.partition("saying ")[2]
        assert quoted == ('"Login of … refused"' if len(name) <= LONGEST_NAME else '"Login of …"')


def test_of_a_name_that_is_too_long_to_remember_the_user_alone_is_struck_out_too() -> None:
    user = "y" * 300
    assert redact(f"refused for {user} by the server", names_in(rf"CORP\{user}"), 200) == "refused for …"


def test_a_name_is_struck_out_where_the_quotation_ends_within_it() -> None:
    failed = item(104410, f"User : zaphod.beeblebrox\nMessage : '{'q' * 620}' then zaphod.beeblebrox was refused")
    result = validate([report(host("10.0.0.1", scan_info("no"), failed))])
    assert "saying \"'…' then …\"" in result.hosts[0].evidence


def test_a_name_within_another_word_is_none() -> None:
    assert redact("svc2 and _svc and svcs", names_in("svc"), 200) == "svc2 and _svc and svcs"


@pytest.mark.parametrize(
    ("name", "written"), [("isik", "ISIK \u0131s\u0131k \u0130S\u0130K"), ("straße", "STRASSE"), ("ΣΊΣΥΦΟΣ", "σίσυφος")]
)
def test_a_name_is_known_in_every_case_of_its_alphabet(name: str, written: str) -> None:
    assert set(redact(written, names_in(name), 200).split()) == {"…"}


def test_the_longer_of_two_names_is_struck_out_as_a_whole() -> None:
    names = names_in("svc") | names_in("svc-scan")
    assert redact("svc-scan and SVC and svc-other", names, 200) == "… and … and …-other"


def test_many_names_on_every_host_are_struck_out_in_little_time() -> None:
    words = [format(number, "03x") for number in range(4096)]
    users = "\n".join("User : " + "@".join(words[start : start + 31]) for start in range(0, 64 * 31, 31))
    failed = item(104410, f"{users}\nMessage : no way {'x ' * 150}\nMessage : never {words[7]}")
    data = report(*(host(f"10.0.0.{number}", failed) for number in range(20)))
    began = time.process_time()
    (row, *_) = validate([data]).hosts
    assert time.process_time() - began < 1
    assert 'saying "never …"' in row.evidence


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
