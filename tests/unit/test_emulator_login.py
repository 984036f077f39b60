"""Which credentials open which simulated hosts."""

import pytest

from scanpool.emulator.credentials import Offered, SshCredential, WindowsCredential
from scanpool.emulator.hosts import Account, Host, Rights
from scanpool.emulator.login import Accepted, Attempt, NotOffered, Privilege, Rejected, attempts, checks_ran

ACCOUNT = Account(username="audit", password="right", ssh_key=True, escalation={"sudo": "right", ".k5login": ""})
LINUX = Host(address="10.0.0.1", accounts=(ACCOUNT,))


def windows_host(rights: Rights = "full") -> Host:
    account = Account(username="Admin", password="right", domain="CORP", rights=rights)
    return Host(address="10.0.0.2", os="windows", accounts=(account,))


def over_ssh(credential: SshCredential, host: Host = LINUX, *, key: str = "", encrypted_key: str = "") -> Attempt:
    offered = Offered(ssh=(credential,), keys=frozenset({key}), encrypted_keys=frozenset({encrypted_key}))
    (attempt,) = attempts(host, offered)
    return attempt


def over_smb(credential: WindowsCredential, host: Host) -> Attempt:
    (attempt,) = attempts(host, Offered(windows=(credential,)))
    return attempt


def test_the_right_password_opens_a_host() -> None:
    attempt = over_ssh(SshCredential(username="audit", password="right"))
    assert attempt == Accepted(protocol="SSH", port=22, user="audit", method="password")
    assert checks_ran(LINUX, (attempt,))


@pytest.mark.parametrize(("username", "password"), [("audit", "wrong"), ("audit", ""), ("root", "right")])
def test_a_wrong_name_or_password_is_rejected(username: str, password: str) -> None:
    attempt = over_ssh(SshCredential(username=username, password=password))
    assert attempt == Rejected(protocol="SSH", port=22, users=(username,))
    assert not checks_ran(LINUX, (attempt,))


def test_without_a_credential_nothing_is_tried() -> None:
    assert attempts(LINUX, Offered()) == (NotOffered(protocol="SSH", port=22),)


def test_credentials_for_windows_are_none_for_ssh() -> None:
    (attempt,) = attempts(LINUX, Offered(windows=(WindowsCredential(username="audit", password="right"),)))
    assert isinstance(attempt, NotOffered)


def test_an_uploaded_key_opens_an_account_that_takes_keys() -> None:
    key = SshCredential(auth_method="public key", username="audit", private_key="id_audit")
    assert isinstance(over_ssh(key, key="id_audit"), Accepted)


@pytest.mark.parametrize("passphrase", ["", "secret"])
def test_a_key_with_a_passphrase_needs_it(passphrase: str) -> None:
    key = SshCredential(
        auth_method="public key",
        username="audit",
        private_key="id_audit",
        private_key_passphrase=passphrase,
    )
    attempt = over_ssh(key, encrypted_key="id_audit")
    assert isinstance(attempt, Accepted if passphrase else Rejected)


def test_a_key_that_was_never_uploaded_opens_nothing() -> None:
    key = SshCredential(auth_method="public key", username="audit", private_key="id_audit")
    assert isinstance(over_ssh(key), Rejected)


def test_an_account_without_a_key_is_not_opened_by_one() -> None:
    host = Host(address="10.0.0.1", accounts=(Account(username="audit", password="right"),))
    key = SshCredential(auth_method="public key", username="audit", private_key="id_audit")
    assert isinstance(over_ssh(key, host, key="id_audit"), Rejected)


def test_a_second_credential_is_tried_where_the_first_fails() -> None:
    wrong, right = (SshCredential(username="audit", password=one) for one in ("wrong", "right"))
    (attempt,) = attempts(LINUX, Offered(ssh=(wrong, right)))
    assert isinstance(attempt, Accepted)


@pytest.mark.parametrize(
    ("method", "password", "privilege"),
    [
        ("Nothing", "", Privilege.NOT_ASKED),
        ("sudo", "right", Privilege.GAINED),
        ("sudo", "wrong", Privilege.REFUSED),
        ("su", "right", Privilege.REFUSED),
        (".k5login", "", Privilege.GAINED),
    ],
)
def test_privileges_are_gained_only_in_a_way_the_account_has(method: str, password: str, privilege: Privilege) -> None:
    attempt = over_ssh(
        SshCredential(
            username="audit",
            password="right",
            elevate_privileges_with=method,
            escalation_password=password,
        )
    )
    assert isinstance(attempt, Accepted)
    assert attempt.privilege is privilege


def test_a_windows_account_is_found_whatever_the_case_of_its_name() -> None:
    credential = WindowsCredential(username="admin", password="right", domain="corp")
    attempt = over_smb(credential, windows_host())
    assert attempt == Accepted(protocol="SMB", port=445, user="corp\\admin", method="Password")


@pytest.mark.parametrize(
    "credential",
    [
        WindowsCredential(username="admin", password="Right", domain="CORP"),
        WindowsCredential(username="admin", password="right", domain="OTHER"),
        WindowsCredential(username="admin", password="right", domain="CORP", auth_method="NTLM Hash"),
    ],
)
def test_a_wrong_domain_password_or_method_is_rejected(credential: WindowsCredential) -> None:
    assert isinstance(over_smb(credential, windows_host()), Rejected)


@pytest.mark.parametrize(("rights", "ran"), [("full", True), ("limited", True), ("none", False)])
def test_local_checks_on_windows_need_more_than_a_login(rights: Rights, ran: bool) -> None:
    host = windows_host(rights)
    attempt = over_smb(WindowsCredential(username="admin", password="right", domain="CORP"), host)
    assert isinstance(attempt, Accepted)
    assert checks_ran(host, (attempt,)) is ran


def test_a_host_without_a_service_to_log_in_to_is_not_tried() -> None:
    host = Host(address="10.0.0.1", services=(), accounts=(ACCOUNT,))
    assert attempts(host, Offered(ssh=(SshCredential(username="audit", password="right"),))) == ()
