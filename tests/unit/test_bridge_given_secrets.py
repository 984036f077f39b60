"""Secrets among arguments are found by the names they are given under."""

from __future__ import annotations

from typing import Any

import pytest

from scanpool.bridge.answering.refusals import Refusal
from scanpool.bridge.gate.given_secrets import refuse_secrets

SECRET = "hunter2"


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "ssh_password",
        "escalation_password",
        "sshPassword",
        "PASSWD",
        "sudo_pass",
        "pwd",
        "passphrase",
        "private_key",
        "privateKey",
        "ssh_key",
        "api_key",
        "apikey",
        "secret",
        "secret_key",
        "access_token",
        "bearer",
        "community_string",
        "private-key",
        "api-key",
        "pass_word",
        "ssh_pw",
        "tokens",
        "credentials",
        "authorization",
    ],
)
def test_a_name_that_secrets_go_by_is_refused(name: str) -> None:
    with pytest.raises(Refusal) as refused:
        refuse_secrets({"targets": ["10.0.0.1"], name: SECRET})
    assert refused.value.code == "secret_refused"
    assert name in refused.value.message
    assert "credential_ref" in refused.value.hint
    assert SECRET not in str(vars(refused.value))


@pytest.mark.parametrize("name", ["\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44", "pass\u200bword"])
def test_a_name_that_only_looks_like_one_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(Refusal) as refused:
        refuse_secrets({name: SECRET})
    assert name not in refused.value.message


def nested(value: Any, depth: int) -> Any:
    for _ in range(depth):
        value = {"a": [value]}
    return value


@pytest.mark.parametrize("depth", [1, 3, 50_000])
def test_a_secret_is_found_however_deep_it_lies(depth: int) -> None:
    with pytest.raises(Refusal):
        refuse_secrets(nested({"password": SECRET}, depth))


def test_a_name_that_carries_the_secret_itself_is_not_repeated() -> None:
    with pytest.raises(Refusal) as refused:
        refuse_secrets({f"password={SECRET}": True})
    assert SECRET not in str(vars(refused.value))


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"targets": ["password"], "name": "password audit", "description": "token"},
        {"idempotency_key": "k", "credential_ref": "linux", "scan_type": "authenticated"},
        {"filters": {"text": "password", "cve": "CVE-2026-1"}, "cursor": "c", "custom_fields": ["host"]},
    ],
)
def test_what_only_speaks_of_secrets_passes(arguments: dict[str, Any]) -> None:
    refuse_secrets(arguments)
