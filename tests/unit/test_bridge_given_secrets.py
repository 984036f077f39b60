"""Secrets among arguments are found by the names they are given under, and in free text by their form."""

from __future__ import annotations

from typing import Any

import pytest

from scanpool.bridge.answering.refusals import Refusal
from scanpool.bridge.gate.given_secrets import holds_secret, refuse_secrets
from scanpool.bridge.gate.identity.minting import PREFIX

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


TOKENS = (
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "github_pat_11ABCDEFG0123456789_abcdefghij",
    "glpat-0123456789abcdefghij",
    "xoxb-123456789012-abcdefghijkl",
    f"{PREFIX}0123456789abcdefghijABCDEFGHIJ0123456789abc",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZ2VudCJ9.c2lnbmF0dXJl",
)


@pytest.mark.parametrize("argument", ["name", "description", "reason"])
@pytest.mark.parametrize(
    "text",
    [
        "password=hunter2 scan",
        "scan, PASSWORD = hunter2",
        "root password: swordfish",
        "Passwd:hunter2",
        "ssh_password=hunter2",
        '{"password": "hunter2"}',
        "pwd='hunter2'",
        "passphrase: correct horse battery staple",
        "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44\uff1dhunter2",
        "api_key=0123456789abcdef",
        "access key: 0123456789abcdef",
        "client_secret=s3cr3t-value",
        "token: 0123456789abcdef",
        "Authorization: Bearer 0123456789abcdefghij",
        "look at https://admin:hunter2@web.corp.example/",
        "use this\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk",
        "-----BEGIN PRIVATE KEY-----",
        *(f"with {token}" for token in TOKENS),
    ],
)
def test_free_text_that_has_the_form_of_a_secret_is_refused_and_not_repeated(argument: str, text: str) -> None:
    with pytest.raises(Refusal) as refused:
        refuse_secrets({"targets": ["10.0.0.1"], argument: text})
    assert refused.value.code == "secret_refused"
    assert refused.value.message.startswith(argument)
    assert text not in str(vars(refused.value))


@pytest.mark.parametrize(
    "text",
    [
        "password audit",
        "rotate password policy",
        "Password policy: 14 characters, rotated after 90 days",
        "weak passwords: all of the lab",
        "passwordless SSH = yes",
        "password-less logins: web servers",
        "is the password changed? see PASSWORD-1234",
        "default passwords (CVE-2020-5902)",
        "token ring segment 10.20.0.0/16",
        "Token: rotation of service accounts",
        "Top secret: the DMZ",
        "secret scanning = on",
        "bearer token handling",
        "basic authentication of the intranet",
        "API key: rotation drill",
        "access keys, checked weekly",
        "private key permissions under /etc/ssl/private",
        "public certificate -----BEGIN CERTIFICATE-----",
        "std::password::policy",
        "https://web.corp.example:8443/login?next=/@admin",
        "mail admin@corp.example at 10:30",
        "ssh://root@10.20.0.5:22",
        "AKIAPELAGO servers, eyJafjallajokull",
        "scanpool_weekly and scanpool-nightly",
        "sk_live environment",
        "week 12: hosts=256, depth=2",
        "pass: first",
    ],
)
def test_free_text_that_only_speaks_of_secrets_is_none(text: str) -> None:
    assert not holds_secret(text)
    refuse_secrets({"name": text, "description": text, "reason": text})


def test_what_is_looked_for_may_have_any_form() -> None:
    refuse_secrets({"filters": {"text": "password=hunter2", "name": "password=hunter2"}, "task_id": "s1"})
