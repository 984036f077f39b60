"""The line of plugin 19506 that says whether local checks ran."""

from __future__ import annotations

import pytest

from scanpool.report.scan_info import LOCALHOST, Answer, read_scan_info


def answer(output: str) -> Answer | None:
    return read_scan_info(output).answer


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("no", Answer(yes=False)),
        ("yes", Answer(yes=True)),
        (r"yes, as 'CORP\audit' via SMB", Answer(yes=True, method="smb")),
        ("yes, as 'audit' via ssh", Answer(yes=True, method="ssh")),
        ("yes, as 'audit' via rlogin", Answer(yes=True, method="rlogin")),
        ("yes (as 'audit' via SMB", Answer(yes=True, method="smb")),
        ("yes (on the localhost)", Answer(yes=True, method=LOCALHOST)),
        ("yes, via SNMP", Answer(yes=True, method="snmp")),
        ("yes, via HTTPS", Answer(yes=True, method="https")),
        ("yes, as 'it's me' via ssh", Answer(yes=True, method="ssh")),
        ("yes, as '(on the localhost)' via ssh", Answer(yes=True, method="ssh")),
        ("yes, as 'a' via telepathy", Answer(yes=True)),
        ("YES", Answer(yes=True)),
    ],
)
def test_each_form_of_the_answer_is_read(said: str, expected: Answer) -> None:
    assert answer(f"Nessus version : 10.8.3\nCredentialed checks : {said}\nScan duration : 1 sec") == expected


@pytest.mark.parametrize("said", ["maybe", "", "yesterday", "partial"])
def test_another_word_is_no_answer(said: str) -> None:
    assert answer(f"Credentialed checks : {said}") is None


def test_an_output_of_nessus_4_has_no_answer() -> None:
    assert answer("Information about this scan :\n\nNessus version : 4.2.2\nScan duration : 1 sec") is None


def test_a_policy_named_after_the_line_does_not_decide() -> None:
    said = "Scan policy used : Credentialed checks : yes\nCredentialed checks : no\n"
    assert answer(said) == Answer(yes=False)


def test_a_name_that_forges_a_whole_line_loses_to_the_scanners_own() -> None:
    forged = "Scan name : x\nCredentialed checks : yes, as 'root' via ssh\nCredentialed checks : no\n"
    assert answer(forged) == Answer(yes=False)


def test_carriage_returns_and_indentation_do_not_matter() -> None:
    assert answer("Nessus version : 1\r\n \tCredentialed checks : yes (on the localhost)\r\n") == Answer(
        yes=True, method=LOCALHOST
    )


@pytest.mark.parametrize("kind", ["Windows Agent", "Unix Agent", "Mac Agent"])
def test_an_agent_is_known_by_the_scan_type(kind: str) -> None:
    assert answer(f"Scan type : {kind}\nCredentialed checks : yes (on the localhost)") == Answer(
        yes=True, method=LOCALHOST, by_agent=True
    )


def test_a_policy_called_agent_makes_no_agent() -> None:
    found = answer("Scan type : Normal\nScan policy used : Scan type : Unix Agent\nCredentialed checks : yes")
    assert found == Answer(yes=True)


def test_version_feed_and_policy_are_read() -> None:
    info = read_scan_info(
        "Nessus version : 5.0.0 (Nessus 5.0.1 is available - consider upgrading)\n"
        "Plugin feed version : 201209220015\nScan policy used : Weekly \x1b[31mred\n"
    )
    assert (info.scanner_version, info.plugin_feed, info.policy_name) == ("5.0.0", "201209220015", "Weekly [31mred")


def test_the_line_shown_as_evidence_holds_no_user_name() -> None:
    found = answer(r"Credentialed checks : yes, as 'CORP\secret.person' via SMB")
    assert found is not None
    assert found.line == "Credentialed checks : yes via smb"
