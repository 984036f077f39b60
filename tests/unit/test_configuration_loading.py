"""What a configuration file may say, what is warned of, and which secrets cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanpool.runtime.configuration import (
    Configuration,
    EscalationMethod,
    Problem,
    SshKey,
    SshPassword,
    WindowsPassword,
    check,
    load,
    unavailable,
)
from tests.support.scanners_file import (
    ENVIRON,
    Keys,
    a_configuration,
    a_credential,
    a_pool,
    a_scanner,
    of_credential,
    of_escalation,
    of_pool,
    of_scanner,
    written,
)

SCANNER = "pools.internal.scanners[0]"
ESCALATION = "credentials[0].escalation"
PASSWORD = {"env": "LINUX_PASSWORD"}
FINGERPRINT = ":".join(["AB"] * 32)


def loaded(folder: Path, content: Keys | str) -> Configuration:
    return load(written(folder, content), ENVIRON)


def problems(folder: Path, content: Keys | str) -> list[Problem]:
    return check(written(folder, content), ENVIRON)


def said(folder: Path, content: Keys | str) -> list[str]:
    """Path and message of each problem."""
    return [f"{each.path}: {each.message}" for each in problems(folder, content)]


def test_the_smallest_file_has_the_documented_defaults(tmp_path: Path) -> None:
    configuration = loaded(tmp_path, a_configuration())
    pool = configuration.pools["internal"]
    (scanner,) = pool.scanners
    assert (pool.allow, pool.exclude, pool.expose_url) == ((), (), False)
    assert pool.templates.untrusted == pool.templates.authenticated == "advanced"
    assert pool.templates.authenticated_privileged == "advanced"
    assert (scanner.kind, scanner.enabled, scanner.max_concurrent_scans) == ("nessus", True, 2)
    assert (scanner.tls.verify, scanner.tls.ca_bundle, scanner.tls.pin) == (True, None, None)
    assert configuration.credentials == ()


def test_a_full_pool_is_read(tmp_path: Path) -> None:
    configuration = loaded(
        tmp_path,
        of_pool(
            description="all of it",
            allow=["10.0.0.0/8", "*.corp.example"],
            exclude=[{"target": "10.9.0.0/16", "reason": "frozen"}],
            templates={"untrusted": "basic"},
            expose_url=True,
        ),
    )
    pool = configuration.pools["internal"]
    assert pool.allow == ("10.0.0.0/8", "*.corp.example")
    assert (pool.exclude[0].target, pool.exclude[0].reason) == ("10.9.0.0/16", "frozen")
    assert (pool.templates.untrusted, pool.templates.authenticated) == ("basic", "advanced")
    assert pool.expose_url


def test_credentials_are_read_as_what_they_are(tmp_path: Path) -> None:
    configuration = loaded(
        tmp_path,
        a_configuration(
            credentials=[
                a_credential(),
                a_credential(id="key", kind="ssh_key", password=None, private_key={"file": "id"}),
                a_credential(id="win", kind="windows", domain="CORP"),
            ]
        ),
    )
    password, key, windows = configuration.credentials
    assert isinstance(password, SshPassword)
    assert password.password.reveal() == "the-password"
    assert isinstance(key, SshKey)
    assert key.private_key.source == {"file": str(tmp_path / "id")}
    assert isinstance(windows, WindowsPassword)
    assert (windows.kind, windows.domain) == ("windows", "CORP")


def test_paths_start_at_the_file_that_names_them(tmp_path: Path) -> None:
    configuration = loaded(tmp_path, of_scanner(tls={"ca_bundle": "pki/ca.pem"}))
    assert configuration.pools["internal"].scanners[0].tls.ca_bundle == tmp_path / "pki" / "ca.pem"


def test_a_fingerprint_is_pinned_without_colons_in_lower_case(tmp_path: Path) -> None:
    configuration = loaded(tmp_path, of_scanner(tls={"fingerprint": FINGERPRINT}))
    assert configuration.pools["internal"].scanners[0].tls.pin == "ab" * 32


def test_the_only_pool_is_the_default_and_of_several_only_the_named_one(tmp_path: Path) -> None:
    two = {"internal": a_pool(), "dmz": a_pool(scanners=[a_scanner(url="https://b")])}
    assert loaded(tmp_path, a_configuration()).default_pool == "internal"
    assert loaded(tmp_path, a_configuration(pools=two)).default_pool is None
    assert loaded(tmp_path, a_configuration(pools=two, default_pool="dmz")).default_pool == "dmz"


@pytest.mark.parametrize(
    ("method", "api_name", "more"),
    [
        ("none", "Nothing", {}),
        ("sudo", "sudo", {"account": "root", "password": PASSWORD, "bin_directory": "/usr/bin"}),
        ("su", "su", {"account": "root", "password": PASSWORD}),
        ("su+sudo", "su+sudo", {"su_user": "admin", "account": "root"}),
        ("pbrun", "pbrun", {"account": "root"}),
        ("dzdo", "dzdo", {"account": "root"}),
        ("k5login", ".k5login", {"account": "root"}),
        (".k5login", ".k5login", {}),
        ("cisco-enable", "Cisco 'enable'", {"password": PASSWORD}),
        ("Cisco 'enable'", "Cisco 'enable'", {"password": PASSWORD}),
        ("checkpoint-gaia", "Checkpoint Gaia 'expert'", {"password": PASSWORD}),
    ],
)
def test_every_escalation_method_is_read_by_its_name_and_by_nessus_name(
    tmp_path: Path, method: str, api_name: str, more: Keys
) -> None:
    (credential,) = loaded(tmp_path, of_escalation(method=method, **more)).credentials
    assert isinstance(credential, SshPassword)
    assert credential.escalation.method.api_name == api_name


def test_every_escalation_method_has_a_name_of_its_own_in_the_api() -> None:
    assert len({method.api_name for method in EscalationMethod}) == len(EscalationMethod)


@pytest.mark.parametrize(
    ("content", "warning"),
    [
        (of_scanner(access_key="abc"), f"{SCANNER}.access_key: the secret stands in this file"),
        (of_credential(password="abc"), "credentials[0].password: the secret stands in this file"),
        (of_scanner(url="http://nessus.corp.example:8834"), f"{SCANNER}.url: http sends"),
        (of_scanner(tls={"verify": False}), f"{SCANNER}.tls.verify: the scanner's certificate"),
        (of_scanner(enabled=False), "pools.internal.scanners: every scanner is switched of"),
        (
            of_pool(scanners=[a_scanner(), a_scanner(instance_id="two", url="https://NESSUS1.corp.example:8834/")]),
            "pools.internal.scanners[1].url: pools.internal.scanners[0].url is the same scanner",
        ),
        (
            of_pool(scanners=[a_scanner(kind="tenable-vm"), a_scanner(kind="tenable-vm", instance_id="two")]),
            "pools.internal.scanners[1].url: pools.internal.scanners[0].url is the same scanner",
        ),
    ],
)
def test_what_is_risky_is_loaded_and_warned_of(tmp_path: Path, content: Keys, warning: str) -> None:
    loaded(tmp_path, content)
    (found,) = problems(tmp_path, content)
    assert found.is_warning
    assert f"{found.path}: {found.message}".startswith(warning)


@pytest.mark.parametrize(
    "content",
    [
        a_configuration(),
        of_scanner(url="http://127.0.0.1:8834"),
        of_scanner(url="http://localhost:8834"),
        of_scanner(url="https://[::1]:8834/prefix/"),
        of_scanner(kind="tenable-vm", max_concurrent_scans=25, network_scanner="Office scanners"),
        of_pool(
            scanners=[
                a_scanner(kind="tenable-vm"),
                a_scanner(kind="tenable-vm", instance_id="two", access_key={"env": "SECRET_KEY"}),
            ]
        ),
        of_scanner(access_key="${ACCESS_KEY}"),
        of_scanner(tls={"verify": False, "fingerprint": FINGERPRINT}),
    ],
)
def test_what_is_right_is_not_warned_of(tmp_path: Path, content: Keys) -> None:
    assert problems(tmp_path, content) == []


def test_check_tells_of_secrets_that_cannot_be_read_and_load_does_not_read_them(tmp_path: Path) -> None:
    content = of_scanner(access_key={"file": "absent"}, secret_key={"env": "UNSET"})
    loaded(tmp_path, content)
    assert said(tmp_path, content) == [
        f"{SCANNER}.access_key: {tmp_path}/absent: No such file or directory",
        f"{SCANNER}.secret_key: variable UNSET is not set",
    ]


def test_check_tells_of_a_secret_file_open_to_others(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("x")
    (tmp_path / "key").chmod(0o644)
    (problem,) = problems(tmp_path, of_escalation(method="sudo", password={"file": "key"}))
    assert problem.path == f"{ESCALATION}.password"
    assert problem.remedy == f"chmod 600 {tmp_path}/key"


def test_check_tells_of_a_bundle_that_is_absent_or_holds_no_certificate(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("no certificate\n")
    assert said(tmp_path, of_scanner(tls={"ca_bundle": "absent.pem"})) == [
        f"{SCANNER}.tls.ca_bundle: {tmp_path}/absent.pem: No such file or directory"
    ]
    assert said(tmp_path, of_scanner(tls={"ca_bundle": "empty.pem"})) == [
        f"{SCANNER}.tls.ca_bundle: {tmp_path}/empty.pem holds no certificate"
    ]


def test_only_the_secrets_of_the_pools_served_need_to_be_there(tmp_path: Path) -> None:
    secret = {"env": "UNSET"}
    pools = {"internal": a_pool(), "dmz": a_pool(scanners=[a_scanner(url="https://b", access_key=secret)])}
    path = written(tmp_path, a_configuration(pools=pools, credentials=[a_credential(pools=["dmz"], password=secret)]))
    configuration = load(path, ENVIRON)
    assert unavailable(configuration, path, ["internal"]) == []
    assert [each.path for each in unavailable(configuration, path, ["dmz"])] == [
        "pools.dmz.scanners[0].access_key",
        "credentials[0].password",
    ]


def test_check_answers_with_the_one_problem_of_a_file_that_is_no_yaml(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "a: [")
    assert not problem.is_warning
