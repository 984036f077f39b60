"""The body of a new scan is what the Nessus API expects, for every kind of login."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scanpool.scanners.nessus import bodies
from scanpool.scanners.nessus.bodies import Base
from scanpool.scanners.scanner import Escalation, Login, ScanSpec, SshKey, SshPassword, WindowsPassword

A_PASSWORD = SshPassword(username="audit", password="pw")


def a_spec(**fields: object) -> ScanSpec:
    spec = ScanSpec(name="weekly [lab/01J/1]", targets=("10.0.0.1", "10.0.0.0/24"))
    return replace(spec, **fields)  # type: ignore[arg-type]


def a_login(method: str, **fields: str) -> SshPassword:
    return replace(A_PASSWORD, escalation=Escalation(method=method, **fields))


def settings_of(spec: ScanSpec, base: Base | None = None) -> dict[str, object]:
    settings = bodies.scan(spec, base or Base(uuid="u"))["settings"]
    assert isinstance(settings, dict)
    return settings


def test_a_scan_is_created_neither_launched_nor_scheduled() -> None:
    settings = settings_of(a_spec())
    assert settings["launch_now"] is False
    assert settings["enabled"] is False
    assert settings["launch"] == "ON_DEMAND"


def test_targets_are_joined_by_commas_without_the_white_space_around_them() -> None:
    assert settings_of(a_spec(targets=(" 10.0.0.1 ", "host.example")))["text_targets"] == ("10.0.0.1,host.example")


def test_settings_of_the_request_win_over_the_defaults() -> None:
    settings = settings_of(a_spec(settings={"ssh_port": "2222"}))
    assert settings["ssh_port"] == "2222"
    assert settings["attempt_least_privilege"] == "no"


def test_a_scan_without_login_sends_no_credentials() -> None:
    assert "credentials" not in bodies.scan(a_spec(), Base(uuid="u"))


def test_policy_and_folder_go_by_their_numbers() -> None:
    settings = settings_of(a_spec(), Base(uuid="u", policy_id=4, folder_id=3))
    assert (settings["policy_id"], settings["folder_id"]) == (4, 3)


def test_without_policy_and_folder_none_is_named() -> None:
    assert {"policy_id", "folder_id"}.isdisjoint(settings_of(a_spec()))


@pytest.mark.parametrize(
    ("escalation", "fields"),
    [
        (None, {"elevate_privileges_with": "Nothing"}),
        (Escalation(method="Nothing"), {"elevate_privileges_with": "Nothing"}),
        (
            Escalation(method="sudo", password="s", bin_directory="/usr/bin"),
            {
                "elevate_privileges_with": "sudo",
                "escalation_account": "root",
                "escalation_password": "s",
                "bin_directory": "/usr/bin",
            },
        ),
        (
            Escalation(method="sudo"),
            {"elevate_privileges_with": "sudo", "escalation_account": "root"},
        ),
        (
            Escalation(method="su", account="admin", password="s"),
            {"elevate_privileges_with": "su", "escalation_account": "admin", "escalation_password": "s"},
        ),
        (
            Escalation(method="su+sudo", su_user="ops", account="root", password="s"),
            {
                "elevate_privileges_with": "su+sudo",
                "su_user": "ops",
                "escalation_account": "root",
                "escalation_password": "s",
            },
        ),
        (
            Escalation(method="pbrun", account="svc", password="s"),
            {"elevate_privileges_with": "pbrun", "escalation_account": "svc", "escalation_password": "s"},
        ),
        (
            Escalation(method="dzdo", password="s"),
            {"elevate_privileges_with": "dzdo", "escalation_account": "root", "escalation_password": "s"},
        ),
        (
            Escalation(method=".k5login", account="svc"),
            {"elevate_privileges_with": ".k5login", "escalation_account": "svc"},
        ),
        (
            Escalation(method="Cisco 'enable'", password="e"),
            {"elevate_privileges_with": "Cisco 'enable'", "escalation_password": "e"},
        ),
        (
            Escalation(method="Checkpoint Gaia 'expert'", password="e"),
            {"elevate_privileges_with": "Checkpoint Gaia 'expert'", "escalation_password": "e"},
        ),
    ],
)
def test_each_way_of_gaining_privileges_has_its_fields(escalation: Escalation | None, fields: dict[str, str]) -> None:
    login = replace(A_PASSWORD, escalation=escalation)
    assert bodies.problem(a_spec(login=login)) is None
    assert bodies.credential(login, None) == {
        "SSH": [{"auth_method": "password", "username": "audit", "password": "pw", **fields}]
    }


def test_a_private_key_is_named_by_its_uploaded_file_and_never_sent_in_the_body() -> None:
    login = SshKey(username="audit", private_key="KEY", passphrase="pp")
    assert bodies.credential(login, "scanpool-1") == {
        "SSH": [
            {
                "auth_method": "public key",
                "username": "audit",
                "private_key": "scanpool-1",
                "private_key_passphrase": "pp",
                "elevate_privileges_with": "Nothing",
            }
        ]
    }


def test_a_windows_password_is_spelled_with_a_capital() -> None:
    assert bodies.credential(WindowsPassword(username="u", password="p", domain="CORP"), None) == {
        "Windows": [{"auth_method": "Password", "username": "u", "password": "p", "domain": "CORP"}]
    }


def test_credentials_are_added_to_the_scan_under_host() -> None:
    body = bodies.scan(a_spec(login=WindowsPassword(username="u", password="p")), Base(uuid="u"))
    credentials = body["credentials"]
    assert isinstance(credentials, dict)
    assert list(credentials["add"]) == ["Host"]
    assert (credentials["edit"], credentials["delete"]) == ({}, [])


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (a_spec(name=" "), "no name"),
        (a_spec(targets=()), "no targets"),
        (a_spec(targets=("10.0.0.1,10.9.0.0/16",)), "comma"),
        (a_spec(targets=("10.0.0.1\n10.9.0.1",)), "white space"),
        (a_spec(targets=("",)), "empty"),
        (a_spec(settings={"launch_now": "yes"}), "'launch_now' cannot be set"),
        (a_spec(settings={"text_targets": "10.9.0.1"}), "'text_targets' cannot be set"),
        (a_spec(login=SshPassword(username="", password="p")), "no username"),
        (a_spec(login=SshKey(username="u", private_key=" ")), "no private key"),
        (a_spec(login=SshPassword(username="u", password="\udc80")), "UTF-8"),
        (a_spec(login=a_login("doas")), "known are: Nothing, sudo, su, su+sudo"),
        (a_spec(login=a_login(".k5login", password="x")), "takes no password"),
        (a_spec(login=a_login("Cisco 'enable'", account="x")), "takes no account"),
        (a_spec(login=a_login("sudo", su_user="x")), "takes no su_user"),
        (a_spec(login=a_login("su+sudo")), "needs su_user"),
        (a_spec(login=a_login("su+sudo", su_user="a b")), "would ignore it"),
        (a_spec(login=a_login("su", account="CORP\\ops")), "would ignore it"),
        (a_spec(login=a_login("su", account="ops\n")), "would ignore it"),
        (a_spec(login=a_login("sudo", bin_directory="/opt/my tools")), "would ignore it"),
        (a_spec(login=a_login("sudo", account="a\tb")), "white space"),
    ],
)
def test_what_the_scanner_would_drop_or_misread_is_found_before_anything_is_sent(spec: ScanSpec, said: str) -> None:
    assert said in (bodies.problem(spec) or "")


@pytest.mark.parametrize(
    ("login", "expected"),
    [
        (a_login("sudo", password="s"), {"pw", "s"}),
        (SshKey(username="u", private_key="K", passphrase="pp"), {"K", "pp", ""}),
        (WindowsPassword(username="u", password="p"), {"p"}),
        (None, set()),
    ],
)
def test_every_secret_of_a_login_is_known(login: Login | None, expected: set[str]) -> None:
    assert set(bodies.secrets(login)) == expected


def test_no_problem_text_repeats_a_secret() -> None:
    login = a_login(".k5login", password="hunter2-secret")
    assert "hunter2-secret" not in (bodies.problem(a_spec(login=login)) or "")
