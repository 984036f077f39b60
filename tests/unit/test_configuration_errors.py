"""What is said of a configuration file that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanpool.runtime.configuration import (
    Configuration,
    ConfigurationError,
    Problem,
    check,
    load,
)
from tests.support.scanners_file import (
    ENVIRON,
    Keys,
    a_client,
    a_configuration,
    a_credential,
    a_pool,
    a_scanner,
    of_client,
    of_credential,
    of_escalation,
    of_pool,
    of_scanner,
    written,
)

SCANNER = "pools.internal.scanners[0]"
ESCALATION = "credentials[0].escalation"
FINGERPRINT = ":".join(["AB"] * 32)


def loaded(folder: Path, content: Keys | str) -> Configuration:
    return load(written(folder, content), ENVIRON)


def problems(folder: Path, content: Keys | str) -> list[Problem]:
    return check(written(folder, content), ENVIRON)


WRONG: list[tuple[Keys | str, str]] = [
    ("", ": is empty"),
    ("- a\n", ": expected keys and values, got list"),
    ({}, "pools: missing"),
    ({"pools": None}, "pools: expected keys and values, got nothing"),
    ({"pools": {}}, "pools: there is no pool"),
    ({"pools": {"internal": None}}, "pools.internal: expected keys and values, got nothing"),
    ({"pools": {"In ternal": a_pool()}}, "pools.'In ternal': 'In ternal' is not a valid pool name"),
    (a_configuration(default_pool="intrenal"), "default_pool: there is no pool 'intrenal'"),
    (a_configuration(pool={}), "pool: unknown key"),
    (of_pool(scanners=[]), "pools.internal.scanners: the pool has no scanner"),
    (of_pool(scanners={"a": 1}), "pools.internal.scanners: expected a list, got mapping"),
    (of_pool(allow=["10.0.0.300"]), "pools.internal.allow[0]: '10.0.0.300'"),
    (of_pool(allow="10.0.0.0/8"), "pools.internal.allow: expected a list, got text"),
    (a_configuration(clients=[{"subject": "a", "networks": []}]), "clients[0].pools: missing"),
    (of_client(networks=None), "clients[0].networks: missing"),
    (of_client(network=[]), "clients[0].network: unknown key"),
    (of_client(pools=["intrenal"]), "clients[0].pools[0]: there is no pool 'intrenal'"),
    (of_client(pools=[]), "clients[0].pools: names no pool"),
    (of_client(networks=["10.0.0.300"]), "clients[0].networks[0]: '10.0.0.300'"),
    (of_client(exclude=["x y"]), "clients[0].exclude[0]: 'x y'"),
    (of_client(credentials=["linus"]), "clients[0].credentials[0]: there is no credential 'linus'"),
    (of_client(intensity="wild"), "clients[0].intensity: "),
    (of_client(max_hosts=0), "clients[0].max_hosts: "),
    (of_client(confirm_above_hosts=-1), "clients[0].confirm_above_hosts: "),
    (of_client(max_concurrent=0), "clients[0].max_concurrent: "),
    (of_client(scans_per_hour="many"), "clients[0].scans_per_hour: "),
    (of_client(subject="a" * 257), "clients[0].subject: is longer than 256"),
    (
        a_configuration(clients=[a_client(), a_client()]),
        "clients[1].subject: two clients have this subject in pool int",
    ),
    (a_configuration(protected=["nats..corp"]), "protected[0]: 'nats..corp'"),
    (of_scanner(url="https://2130706433:8834"), f"{SCANNER}.url: has no proper host"),
    (of_pool(exclude=[{"target": "x y"}]), "pools.internal.exclude[0].target: 'x y'"),
    (of_pool(exclude=[{"until": "2027-01-01"}]), "pools.internal.exclude[0].target: missing"),
    (of_pool(exclude=[{"target": "a", "until": "soon"}]), "pools.internal.exclude[0].until: "),
    (
        of_pool(templates={"untrusted": ""}),
        "pools.internal.templates.untrusted: expected text of length >= 1",
    ),
    (
        of_pool(templates={"untrusted": 5}),
        "pools.internal.templates.untrusted: expected text, got a whole number",
    ),
    (of_pool(expose_url="yes"), "pools.internal.expose_url: expected true or false, got text"),
    (of_scanner(instance_id=None), f"{SCANNER}.instance_id: missing"),
    (of_scanner(instance_id="Scanner.1"), f"{SCANNER}.instance_id: 'Scanner.1' is not a valid"),
    (of_scanner(kind="openvas"), f"{SCANNER}.kind: invalid enum value 'openvas'"),
    (of_scanner(url=None), f"{SCANNER}.url: missing"),
    (of_scanner(url="ftp://a"), f"{SCANNER}.url: begins with neither"),
    (of_scanner(url="nessus:8834"), f"{SCANNER}.url: begins with neither"),
    (of_scanner(url="https://"), f"{SCANNER}.url: has no host"),
    (of_scanner(url="https://a:99999"), f"{SCANNER}.url: has a malformed host or port"),
    (of_scanner(url="https://a:0"), f"{SCANNER}.url: has no host"),
    (of_scanner(url="https://[::1"), f"{SCANNER}.url: has a malformed host or port"),
    (of_scanner(url="https://a b"), f"{SCANNER}.url: is empty, or has whitespace"),
    (of_scanner(url="https://a/?x=1"), f"{SCANNER}.url: has a query or a fragment"),
    (of_scanner(url="https://u:p@a"), f"{SCANNER}.url: holds a user or a password"),
    (of_scanner(access_key=None), f"{SCANNER}.access_key: missing beside secret_key"),
    (of_scanner(access_key=None, secret_key=None), f"{SCANNER}: has no way to sign in"),
    (of_scanner(username="u"), f"{SCANNER}: has two ways to sign in"),
    (
        of_scanner(access_key=None, secret_key=None, username="u"),
        f"{SCANNER}.password: missing beside username",
    ),
    (of_scanner(access_key=5), f"{SCANNER}.access_key: a secret is no number"),
    (of_scanner(access_key={"vault": "x"}), f"{SCANNER}.access_key.vault: unknown source"),
    (of_scanner(access_key={"file": "a", "env": "B"}), f"{SCANNER}.access_key: a secret is no map"),
    (of_scanner(access_key="${EMPTY:-}"), f"{SCANNER}.access_key: the secret is empty"),
    (of_scanner(max_concurrent_scans=0), f"{SCANNER}.max_concurrent_scans: expected a whole"),
    (of_scanner(max_concurrent_scans=1001), f"{SCANNER}.max_concurrent_scans: expected a whole"),
    (of_scanner(max_concurrent_scans=True), f"{SCANNER}.max_concurrent_scans: expected a whole"),
    (of_scanner(network_scanner="Office"), f"{SCANNER}.network_scanner: a Nessus scans by itself"),
    (
        of_scanner(kind="tenable-vm", username="u"),
        f"{SCANNER}.username: Tenable Vulnerability Management takes API keys only",
    ),
    (
        of_scanner(kind="tenable-vm", secret_key=None),
        f"{SCANNER}.secret_key: missing: Tenable Vulnerability Management takes API keys only",
    ),
    (
        of_scanner(kind="tenable-vm", max_concurrent_scans=26),
        f"{SCANNER}.max_concurrent_scans: Tenable Vulnerability Management runs 25 scans at once at most",
    ),
    (of_scanner(tls={"fingerprint": "AB:CD"}), f"{SCANNER}.tls.fingerprint: is no SHA-256"),
    (of_scanner(tls={"verify": False, "ca_bundle": "x"}), f"{SCANNER}.tls.ca_bundle: a bundle is"),
    (
        of_scanner(url="http://127.0.0.1:8834", tls={"fingerprint": FINGERPRINT}),
        f"{SCANNER}.tls: has no effect on an http URL",
    ),
    (
        of_pool(scanners=[a_scanner(), a_scanner(url="https://other")]),
        "pools.internal.scanners[1].instance_id: two scanners of the pool have this instance_id",
    ),
    (of_credential(kind=None), "credentials[0].kind: missing"),
    (of_credential(kind="ssh_kye"), "credentials[0].kind: 'ssh_kye' is unknown"),
    (of_credential(kind=7), "credentials[0].kind: '7' is unknown"),
    (a_configuration(credentials=["linux"]), "credentials[0]: expected keys and values, got text"),
    (of_credential(id="Linux audit"), "credentials[0].id: 'Linux audit' is not a valid credential id"),
    (of_credential(username=None), "credentials[0].username: missing"),
    (of_credential(password=None), "credentials[0].password: missing"),
    (of_credential(domain="CORP"), "credentials[0].domain: unknown key"),
    (of_credential(pools=[]), "credentials[0].pools: names no pool"),
    (of_credential(pools=["internl"]), "credentials[0].pools[0]: there is no pool 'internl'"),
    (of_credential(targets=["http://x"]), "credentials[0].targets[0]: 'http://x': a URL, not a target"),
    (
        a_configuration(credentials=[a_credential(), a_credential()]),
        "credentials[1].id: two credentials have this id",
    ),
    (of_escalation(method="sodo"), f"{ESCALATION}.method: invalid enum value 'sodo'"),
    (of_escalation(account="root"), f"{ESCALATION}.account: method none takes no account"),
    (of_escalation(method="su", account="root"), f"{ESCALATION}.password: method su needs password"),
    (of_escalation(method="su+sudo"), f"{ESCALATION}.su_user: method su+sudo needs su_user"),
    (of_escalation(method="sudo", su_user="x"), f"{ESCALATION}.su_user: method sudo takes no su_user"),
    (of_escalation(method="k5login", bin_directory="/x"), f"{ESCALATION}.bin_directory: method k5login"),
    (of_escalation(method="cisco-enable"), f"{ESCALATION}.password: method cisco-enable needs"),
    (of_escalation(method="checkpoint-gaia"), f"{ESCALATION}.password: method checkpoint-gaia needs"),
    (of_escalation(method="sudo", account="a b"), f"{ESCALATION}.account: 'a b' has other characters"),
    (of_escalation(method="su+sudo", su_user="$x"), f"{ESCALATION}.su_user: '$x' has other characters"),
    (of_escalation(method="sudo", bin_directory="/a b"), f"{ESCALATION}.bin_directory: '/a b' is no"),
    (of_escalation(method="sudo", bin_directory="bin"), f"{ESCALATION}.bin_directory: 'bin' is no"),
]


@pytest.mark.parametrize(("content", "problem"), WRONG, ids=[problem[:60] for _, problem in WRONG])
def test_each_thing_wrong_is_one_error_at_its_place_with_a_remedy(
    tmp_path: Path, content: Keys | str, problem: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        loaded(tmp_path, content)
    (found,) = raised.value.problems
    assert f"{found.path}: {found.message}".startswith(problem)
    assert found.remedy
    assert found.file == str(tmp_path / "scanners.yaml")


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (a_configuration(pols={}), "did you mean 'pools'?"),
        (of_pool(exlude=[]), "did you mean 'exclude'?"),
        (of_scanner(acces_key="x"), "did you mean 'access_key'?"),
        (of_credential(usrname="x"), "did you mean 'username'?"),
        (of_credential(kind="sshkey"), "did you mean 'ssh_key'?"),
        (of_credential(pools=["internl"]), "did you mean 'internal'?"),
        (of_scanner(name=7), "put it in quotes"),
        (of_scanner(zzzzzz=7), "known: instance_id, name, kind, url"),
    ],
)
def test_the_remedy_names_what_was_probably_meant(tmp_path: Path, content: Keys, remedy: str) -> None:
    assert any(each.remedy.startswith(remedy) for each in problems(tmp_path, content))


def test_everything_that_is_wrong_is_said_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = """\
default_pool: dmz
pools:
  internal:
    alow: []
    scanners:
      - instance_id: one
        url: ftp://x
        access_key: ${UNSET_A}
        secret_key: ${UNSET_S}
      - instance_id: one
        url: https://x
        username: u
        password: {env: P}
        max_concurrent_scans: many
credentials:
  - id: c
    kind: windows
    username: 5
    password: {env: P}
    pools: [other]
"""
    with pytest.raises(ConfigurationError) as raised:
        loaded(tmp_path, text)
    assert [(each.line, each.path) for each in raised.value.problems] == [
        (1, "default_pool"),
        (4, "pools.internal.alow"),
        (7, f"{SCANNER}.url"),
        (8, f"{SCANNER}.access_key"),
        (9, f"{SCANNER}.secret_key"),
        (10, "pools.internal.scanners[1].instance_id"),
        (14, "pools.internal.scanners[1].max_concurrent_scans"),
        (18, "credentials[0].username"),
        (20, "credentials[0].pools[0]"),
    ]
    assert str(raised.value).count("\n") == 8


def test_a_missing_key_is_placed_at_the_line_of_what_lacks_it(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "pools:\n  a:\n    scanners:\n      - instance_id: one\n")[:1]
    assert (problem.line, problem.path) == (4, "pools.a.scanners[0].url")


def test_no_error_repeats_a_secret(tmp_path: Path) -> None:
    content = of_scanner(
        url="https://admin:hunter2@x",
        access_key="hunter2 ${oops",
        secret_key=["hunter2"],
        password={"fil": "hunter2"},
    )
    assert len(problems(tmp_path, content)) >= 4
    assert "hunter2" not in "\n".join(map(str, problems(tmp_path, content)))


def test_a_confirmation_above_what_is_denied_anyway_is_warned_of(tmp_path: Path) -> None:
    (problem,) = (each for each in problems(tmp_path, of_client(confirm_above_hosts=256)) if "clients" in each.path)
    assert problem.is_warning
    assert problem.path == "clients[0].confirm_above_hosts"
    assert problem.message.startswith("has no effect: scans of more than 256 addresses")
    assert loaded(tmp_path, of_client(confirm_above_hosts=255)).clients[0].confirm_above_hosts == 255
