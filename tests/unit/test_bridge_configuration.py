"""The file `bridge.yaml`: what it says, and everything that can be wrong with it."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from scanpool.bridge.caller import SCOPES
from scanpool.bridge.configuration.checks import is_loopback, key_of
from scanpool.bridge.configuration.loading import VARIABLE, find, load, settings_of
from scanpool.bridge.configuration.model import Algorithm, BridgeFile, Jwt, Local, Token
from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.bridge.serving.application import transport_security
from scanpool.bridge.serving.exposure import BridgeExposed, open_door
from scanpool.runtime.configuration import ConfigurationError, Problem
from tests.support.pages import ROOT
from tests.unit.test_configuration_reference import written

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = bytes(range(32))
SHA = "ab" * 32

EVERYTHING = f"""
name: agents
public_url: https://scanpool.corp.example/mcp
allowed_hosts: [scanpool.internal, "10.0.0.5:8765"]
allowed_origins: [https://console.corp.example]
keys: ["${{KEY}}", {{env: OLD_KEY}}]
tokens:
  - {{subject: triage-agent, sha256: {SHA}, scopes: [scan:read, scan:run], expires: 2027-01-31T12:00:00Z}}
jwt:
  issuer: https://sso.corp.example
  jwks_url: https://sso.corp.example/keys
  audience: scanpool
  algorithms: [EdDSA]
  subject_claim: email
  scope_claim: scp
  leeway_s: 5
local: {{subject: desk, scopes: [scan:read]}}
required_scopes: [scan:read]
requests_per_minute: 60
submits_per_minute: 3
"""
ENVIRON = {"KEY": KEY.hex(), "OLD_KEY": base64.b64encode(KEY[::-1]).decode()}


def loaded(folder: Path, text: str, environ: dict[str, str] | None = None) -> tuple[BridgeSettings, list[Problem]]:
    path = folder / "bridge.yaml"
    path.write_text(text)
    settings, warnings = load(path, ENVIRON if environ is None else environ, NOON)
    return settings, list(warnings)


def problems(folder: Path, text: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigurationError) as refused:
        loaded(folder, text, environ)
    return "\n".join(map(str, refused.value.problems))


def test_everything_that_can_be_said_is_heard(tmp_path: Path) -> None:
    settings, warnings = loaded(tmp_path, EVERYTHING)
    assert warnings == []
    assert (settings.name, settings.public_url) == ("agents", "https://scanpool.corp.example/mcp")
    assert settings.keys == (KEY, KEY[::-1])
    expires = datetime(2027, 1, 31, 12, tzinfo=UTC)
    token = Token(subject="triage-agent", sha256=SHA, scopes=("scan:read", "scan:run"), expires=expires)
    assert settings.tokens == (token,)
    assert settings.jwt is not None
    assert (settings.jwt.audience, settings.jwt.algorithms, settings.jwt.leeway_s) == ("scanpool", ("EdDSA",), 5)
    assert (settings.local.subject, settings.local.scopes) == ("desk", frozenset({"scan:read"}))
    assert (settings.requests_per_minute, settings.submits_per_minute) == (60, 3)


def test_the_settings_without_a_file_are_those_of_a_file_that_says_nothing() -> None:
    assert settings_of(BridgeFile()) == BridgeSettings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nmae: x", r"bridge.yaml:1: nmae: unknown key; did you mean 'name'\?"),
        ("tokens: [{subject: a, sha256: x, scopes: [scan:read]}]", "tokens[0].sha256: is no SHA-256 in hex"),
        (f"tokens: [{{subject: a, sha256: {SHA}, scopes: []}}]", "tokens[0].scopes: names no scope"),
        (f"tokens: [{{subject: a, sha256: {SHA}, scopes: [scan:rad]}}]", "did you mean 'scan:read'?"),
        (f"tokens: [{{subject: a, sha256: {SHA}}}]", "tokens[0].scopes: missing"),
        (f"tokens: [{{subject: ' ', sha256: {SHA}, scopes: [ops]}}]", "tokens[0].subject: is blank"),
        (
            f"tokens: [{{subject: a, sha256: {SHA}, scopes: [ops]}}, {{subject: b, sha256: {SHA}, scopes: [ops]}}]",
            "tokens[1]: tokens[0] is the same token",
        ),
        (f"tokens: [{{subject: a, sha256: {SHA}, scopes: [ops], expires: 2027-01-31}}]", "2027-01-31T12:00:00Z"),
        ("jwt: {jwks_url: https://a.example}", "jwt.issuer: missing"),
        ("jwt: {issuer: https://a.example, jwks_url: https://a.example/k}", "jwt.audience: missing"),
        ("jwt: {issuer: x, jwks_url: https://a.example, audience: a}", "jwt.issuer: is no URL"),
        ("jwt: {issuer: https://a.example, jwks_url: http://a.example, audience: a}", "jwks_url: is not encrypted"),
        ("jwt: {issuer: https://a.example, jwks_url: https://a@b.example, audience: a}", "holds a user or a password"),
        ("jwt: {issuer: https://a.example, jwks_url: https://a.example, audience: a, algorithms: [HS256]}", "RS256"),
        ("jwt: {issuer: https://a.example, jwks_url: https://a.example, audience: a, algorithms: [none]}", "RS256"),
        ("jwt: {issuer: https://a.example, jwks_url: https://a.example, audience: a, algorithms: []}", "no signature"),
        ("public_url: http://scanpool.corp.example/mcp", "public_url: is not encrypted"),
        ("public_url: https://scanpool.corp.example/mcp?x=1", "public_url: has a query"),
        ("allowed_hosts: [https://scanpool.corp.example]", "allowed_hosts[0]: 'https://scanpool.corp.example' is no"),
        ("allowed_origins: [https://a.example/x]", "allowed_origins[0]: 'https://a.example/x' is no origin"),
        ("keys: [{env: ABSENT}]", "keys[0]: variable ABSENT is not set"),
        ("keys: [{env: SHORT}]", "keys[0]: is no key of 32 bytes; make one with: openssl rand -hex 32"),
        ("requests_per_minute: 0", "requests_per_minute: expected"),
        ("", "is empty"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_the_remedy(tmp_path: Path, text: str, said: str) -> None:
    found = problems(tmp_path, text, {"SHORT": "abcd"})
    assert said in found or re.search(said, found)


def test_a_token_that_stands_where_its_hash_belongs_is_not_repeated(tmp_path: Path) -> None:
    found = problems(tmp_path, "tokens: [{subject: a, sha256: scanpool_hunter2, scopes: [ops]}]")
    assert "hunter2" not in found


def test_a_key_in_the_file_itself_and_a_token_that_has_expired_are_warned_of(tmp_path: Path) -> None:
    until = (NOON - timedelta(seconds=1)).isoformat()
    token = f"tokens: [{{subject: a, sha256: {SHA}, scopes: [ops], expires: {until}}}]"
    _, warnings = loaded(tmp_path, f"keys: ['{KEY.hex()}']\n{token}")
    said = "\n".join(map(str, warnings))
    assert "keys[0]: the secret stands in this file" in said
    assert "tokens[0].expires: the token has expired" in said
    assert KEY.hex() not in said


def test_tokens_without_keys_are_warned_of(tmp_path: Path) -> None:
    _, warnings = loaded(tmp_path, f"tokens: [{{subject: a, sha256: {SHA}, scopes: [ops]}}]")
    assert "openssl rand -hex 32" in str(warnings[0])


def test_a_key_may_be_hex_or_base64_of_either_alphabet() -> None:
    key = bytes(range(224, 256))
    plain = base64.b64encode(key).decode()
    for text in (key.hex(), key.hex().upper(), plain, plain.rstrip("="), base64.urlsafe_b64encode(key).decode()):
        assert key_of(f"{text}\n") == key
    assert [key_of(text) for text in ("", "ab" * 31, "not a key", plain[:-8])] == [None] * 4


def test_the_file_is_the_one_that_is_named(tmp_path: Path) -> None:
    assert find(None, {}, tmp_path) is None
    assert find(None, {VARIABLE: "b.yaml"}, tmp_path) == tmp_path / "b.yaml"
    assert find(Path("a.yaml"), {VARIABLE: "b.yaml"}, tmp_path) == tmp_path / "a.yaml"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1", "[::1]"])
def test_loopback_is_known_as_such(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.5", "scanpool.corp.example", "localhost.evil.example"])
def test_where_nobody_signs_in_no_door_opens_beyond_loopback(host: str) -> None:
    with pytest.raises(BridgeExposed, match="nobody has to sign in"):
        open_door(BridgeSettings(host=host, port=0))


def test_where_everybody_signs_in_a_door_opens_anywhere() -> None:
    token = Token(subject="a", sha256=SHA, scopes=("ops",))
    with open_door(BridgeSettings(host="0.0.0.0", port=0, tokens=(token,))) as door:
        assert door.getsockname()[0] == "0.0.0.0"


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_hosts_are_checked_whatever_the_address(host: str) -> None:
    security = transport_security(BridgeSettings(host=host, allowed_hosts=("a.example", "b.example:81")))
    assert security.enable_dns_rebinding_protection
    assert {"a.example", "a.example:*", "b.example:81", "localhost:*", "[::1]:*"} <= set(security.allowed_hosts)
    assert "b.example:81:*" not in security.allowed_hosts
    assert "0.0.0.0" not in security.allowed_hosts


def test_the_public_host_and_the_own_address_are_answered() -> None:
    settings = BridgeSettings(host="10.0.0.5", public_url="https://scanpool.corp.example:8443/mcp")
    hosts = transport_security(settings).allowed_hosts
    assert {"scanpool.corp.example:8443", "10.0.0.5", "10.0.0.5:*"} <= set(hosts)
    assert "scanpool.corp.example" not in hosts


PAGE = ROOT / "docs" / "reference" / "bridge.md"
SECTIONS: list[tuple[str, type[msgspec.Struct]]] = [
    ("The file", BridgeFile),
    ("A token", Token),
    ("JWT", Jwt),
    ("The local caller", Local),
]


def rows(title: str) -> dict[str, str]:
    """Key to default, of the first table below the heading."""
    sections = re.split(r"^#+ ", PAGE.read_text(), flags=re.MULTILINE)
    (text,) = [each for each in sections if each.startswith(f"{title}\n")]
    table = text.split("| --- |", 1)[1].split("\n\n")[0]
    return dict(re.findall(r"^\| `([^`]+)` \| (.*?) \|", table, flags=re.MULTILINE))


@pytest.mark.parametrize(("title", "struct"), SECTIONS, ids=[title for title, _ in SECTIONS])
def test_the_reference_has_a_row_for_every_key_with_its_default(title: str, struct: type[msgspec.Struct]) -> None:
    told = rows(title)
    assert set(told) == set(struct.__struct_fields__)
    for field in msgspec.structs.fields(struct):
        if field.required:
            assert told[field.name].startswith("required")
        elif written(field.default) is not None:
            assert told[field.name] == f"`{written(field.default)}`"


def test_the_reference_explains_every_scope_and_algorithm() -> None:
    assert set(rows("Scopes")) == set(SCOPES)
    text = PAGE.read_text()
    assert all(f"`{name}`" in text for name in get_args(Algorithm))


def test_the_example_of_the_reference_is_a_good_file(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    settings, warnings = loaded(tmp_path, example, {"SCANPOOL_BRIDGE_KEY": KEY.hex()})
    assert settings.signs_in
    assert warnings == []
