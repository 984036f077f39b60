"""What of a configuration is shown and handed on."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec
import pytest

from scanpool.runtime.configuration import Configuration, digest, load, rules_of, shown
from scanpool_schemas.keys import ClientRule, CredentialRule, Exclusion, PoolRules, ScannerRule
from tests.support.scanners_file import (
    ENVIRON,
    Keys,
    a_client,
    a_configuration,
    a_credential,
    a_pool,
    a_scanner,
    written,
)

FULL = a_configuration(
    pools={
        "internal": a_pool(
            allow=["10.0.0.0/8"],
            exclude=[{"target": "10.9.0.0/16", "until": date(2027, 1, 31), "reason": "frozen"}],
            templates={"untrusted": "basic"},
            expose_url=True,
            scanners=[
                a_scanner(name="one", max_concurrent_scans=4, access_key="the-literal-key"),
                a_scanner(
                    instance_id="two",
                    url="https://b",
                    enabled=False,
                    secret_key="${SECRET_KEY}",
                    access_key={"file": "key"},
                    tls={"ca_bundle": "ca.pem"},
                ),
            ],
        ),
        "dmz": a_pool(scanners=[a_scanner(url="https://c")]),
    },
    credentials=[
        a_credential(label="Linux", targets=["10.1.0.0/16"], password="the-literal-password"),
        a_credential(id="win", kind="windows", pools=["internal", "dmz"]),
    ],
)


def loaded(folder: Path, content: Keys = FULL) -> Configuration:
    return load(written(folder, content), ENVIRON)


def test_no_secret_is_shown(tmp_path: Path) -> None:
    text = msgspec.json.encode(shown(loaded(tmp_path))).decode() + repr(loaded(tmp_path))
    assert "the-literal" not in text
    assert not any(value in text for value in ENVIRON.values())


def test_a_secret_kept_elsewhere_is_shown_by_where_it_is(tmp_path: Path) -> None:
    one, two = shown(loaded(tmp_path))["pools"]["internal"]["scanners"]
    assert (one["access_key"], one["secret_key"]) == ("***", {"env": "SECRET_KEY"})
    assert (two["access_key"], two["secret_key"]) == ({"file": str(tmp_path / "key")}, "***")


def test_what_is_shown_has_defaults_and_paths_in_full(tmp_path: Path) -> None:
    two = shown(loaded(tmp_path))["pools"]["internal"]["scanners"][1]
    assert two["max_concurrent_scans"] == 2
    assert two["tls"] == {"verify": True, "ca_bundle": str(tmp_path / "ca.pem"), "fingerprint": None}


def test_a_configuration_is_not_encoded_by_accident(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        msgspec.json.encode(loaded(tmp_path))


def test_the_digest_depends_on_what_is_said_and_not_on_its_order(tmp_path: Path) -> None:
    one = digest(loaded(tmp_path))
    turned = {key: FULL[key] for key in reversed(FULL)}
    assert digest(loaded(tmp_path, turned)) == one
    assert digest(loaded(tmp_path, {**FULL, "default_pool": "dmz"})) != one


def test_the_digest_does_not_depend_on_the_value_of_a_secret(tmp_path: Path) -> None:
    path = written(tmp_path, FULL)
    other = load(path, {**ENVIRON, "SECRET_KEY": "another"})
    assert digest(other) == digest(load(path, ENVIRON))


def test_the_rules_of_a_pool_are_its_own_and_hold_no_secret(tmp_path: Path) -> None:
    rules = rules_of("internal", loaded(tmp_path))
    assert rules == PoolRules(
        allow=("10.0.0.0/8",),
        exclude=(Exclusion(target="10.9.0.0/16", until=date(2027, 1, 31), reason="frozen"),),
        templates={"untrusted": "basic", "authenticated": "advanced", "authenticated_privileged": "advanced"},
        expose_url=True,
        scanners=(
            ScannerRule(
                name="scanner1",
                kind="nessus",
                capacity=4,
                enabled=True,
                url="https://nessus1.corp.example:8834",
                address="https://nessus1.corp.example:8834",
            ),
            ScannerRule(name="two", kind="nessus", capacity=2, enabled=False, url="https://b", address="https://b"),
        ),
        credentials=(
            CredentialRule(id="linux", kind="ssh_password", label="Linux", targets=("10.1.0.0/16",)),
            CredentialRule(id="win", kind="windows"),
        ),
        protected=("nessus1.corp.example", "b", "c"),
        digest=rules.digest,
    )
    assert "the-literal" not in msgspec.json.encode(rules).decode()


def test_a_pool_s_rules_name_only_the_credentials_it_may_use(tmp_path: Path) -> None:
    assert [each.id for each in rules_of("dmz", loaded(tmp_path)).credentials] == ["win"]


def test_the_digest_of_rules_tells_different_rules_apart(tmp_path: Path) -> None:
    one = rules_of("internal", loaded(tmp_path)).digest
    assert rules_of("internal", loaded(tmp_path)).digest == one
    narrower = {
        **FULL,
        "pools": {**FULL["pools"], "internal": {**FULL["pools"]["internal"], "allow": ["10.1.0.0/16"]}},
    }
    assert rules_of("internal", loaded(tmp_path, narrower)).digest != one
    assert len(one) == 64


def test_the_digest_of_one_pool_does_not_depend_on_another(tmp_path: Path) -> None:
    one = rules_of("dmz", loaded(tmp_path)).digest
    narrower = {
        **FULL,
        "pools": {**FULL["pools"], "internal": {**FULL["pools"]["internal"], "allow": ["10.1.0.0/16"]}},
    }
    assert rules_of("dmz", loaded(tmp_path, narrower)).digest == one


def test_a_pool_s_rules_name_its_own_clients_and_all_that_is_protected(tmp_path: Path) -> None:
    clients = [a_client(max_hosts=9, confirm_above_hosts=None), a_client(subject="dmz-*", pools=["dmz"])]
    both = {**FULL, "clients": clients, "protected": ["nats.corp.example", "b"]}
    rules = rules_of("internal", loaded(tmp_path, both))
    assert rules.clients == (ClientRule(subject="agent", networks=("10.0.0.0/16",), max_hosts=9),)
    assert rules.protected == ("nats.corp.example", "b", "nessus1.corp.example", "c")
    assert [each.subject for each in rules_of("dmz", loaded(tmp_path, both)).clients] == ["dmz-*"]


def test_a_client_has_the_same_defaults_in_the_file_and_in_the_rules(tmp_path: Path) -> None:
    (shown_client,) = shown(loaded(tmp_path, {**FULL, "clients": [a_client()]}))["clients"]
    rule = msgspec.to_builtins(ClientRule(subject="agent", networks=("10.0.0.0/16",)))
    assert {**rule, "pools": ("internal",)} == shown_client
