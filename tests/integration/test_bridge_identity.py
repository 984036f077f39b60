"""Who may call the bridge over HTTP: tokens that an issuer signed, whose keys are fetched, and tokens known by hash."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from mcp.server.auth.provider import AccessToken

from scanpool.bridge.configuration.model import Jwt, Token
from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.bridge.gate.identity.issued import IssuedTokens
from scanpool.bridge.gate.identity.keyset import FRESH_S, KEPT_S, SPARED_S, KeySet, KeysUnavailable, fetched
from scanpool.bridge.gate.identity.known import KnownTokens
from scanpool.bridge.gate.identity.minting import new_token, token_hash
from tests.support.bridge import RunningBridge, called, refusal, running_bridge, signed_in
from tests.support.certificates import self_signed, server_context
from tests.support.issuer import AUDIENCE, ISSUER, KeyServer, SigningKey, claims, ec_key, key_server, rsa_key, signed
from tests.support.pipeline import Pipeline, running_pipeline

RSA = rsa_key("rsa-1")
EC = ec_key("ec-1")
OTHER_RSA = rsa_key("rsa-1")
GOOD = json.dumps({"keys": [RSA.public]}).encode()
"""What an issuer answers whose key is believed."""
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def issuer() -> AsyncIterator[KeyServer]:
    async with key_server(RSA, EC) as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


def verifier(issuer: KeyServer, clock: Clock | None = None, **changes: Any) -> IssuedTokens:
    trust = Jwt(**{"issuer": ISSUER, "jwks_url": issuer.url, "audience": AUDIENCE, **changes})
    keys = KeySet(lambda: fetched(trust.jwks_url, trust.ca_bundle), clock=clock or time.monotonic)
    return IssuedTokens(trust, keys, resource=AUDIENCE)


async def believed(issuer: KeyServer, token: str, **changes: Any) -> AccessToken | None:
    return await verifier(issuer, **changes).verify_token(token)


@pytest.mark.parametrize("key", [RSA, EC], ids=lambda key: key.algorithm)
async def test_a_token_that_the_issuer_signed_says_who_calls_and_what_it_may(
    issuer: KeyServer, key: SigningKey
) -> None:
    access = await believed(issuer, signed(key, scope="scan:read  scan:run made:up", azp="desktop"))
    assert access is not None
    assert (access.subject, access.client_id, access.scopes) == ("agent", "desktop", ["scan:read", "scan:run"])
    assert access.resource == AUDIENCE


async def test_the_claims_that_say_who_and_what_can_be_others(issuer: KeyServer) -> None:
    token = signed(RSA, sub=None, email="a@corp.example", scp=["ops"])
    access = await believed(issuer, token, subject_claim="email", scope_claim="scp")
    assert access is not None
    assert (access.subject, access.scopes) == ("a@corp.example", ["ops"])


async def test_an_audience_may_stand_among_others(issuer: KeyServer) -> None:
    assert await believed(issuer, signed(RSA, aud=["https://else.example", AUDIENCE]))


REFUSED: dict[str, dict[str, Any]] = {
    "has expired": {"exp": int(time.time()) - 120},
    "does not expire": {"exp": None},
    "is for somebody else": {"aud": "https://else.example/mcp"},
    "is for nobody": {"aud": None},
    "is another issuer's": {"iss": "https://evil.example"},
    "is the issuer's but for a slash": {"iss": ISSUER + "/"},
    "says no issuer": {"iss": None},
    "is not good yet": {"nbf": int(time.time()) + 3600},
    "was issued in the future": {"iat": int(time.time()) + 3600},
    "names nobody": {"sub": None},
    "names nobody by a blank": {"sub": "  "},
    "names somebody with control characters": {"sub": "agent\n"},
    "names somebody at too great length": {"sub": "a" * 257},
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED)
async def test_a_token_is_refused_that(issuer: KeyServer, changes: dict[str, Any]) -> None:
    assert await believed(issuer, signed(RSA, **changes)) is None


async def test_clocks_may_differ_by_the_leeway_and_no_more(issuer: KeyServer) -> None:
    now = int(time.time())
    assert await believed(issuer, signed(RSA, exp=now - 20)) is not None
    assert await believed(issuer, signed(RSA, exp=now - 20), leeway_s=5) is None


def unsigned() -> str:
    return jwt.encode(claims(), key="", algorithm="none")


def with_header(**header: Any) -> str:
    """A token of the key, its header replaced: the signature is of the old one."""
    _, payload, signature = signed(RSA).split(".")
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return f"{encoded}.{payload}.{signature}"


def signed_with_the_public_key() -> str:
    """By HMAC with what everybody knows, which a verifier believes that goes by the token's own algorithm."""
    import hashlib
    import hmac

    def encoded(part: bytes) -> bytes:
        return base64.urlsafe_b64encode(part).rstrip(b"=")

    head = encoded(json.dumps({"alg": "HS256", "kid": RSA.id, "typ": "JWT"}).encode())
    body = head + b"." + encoded(json.dumps(claims()).encode())
    return (body + b"." + encoded(hmac.new(RSA.public_pem, body, hashlib.sha256).digest())).decode()


FORGED: dict[str, Callable[[], str]] = {
    "without a signature": unsigned,
    "with the signature of none in capitals": lambda: with_header(alg="NONE", kid="rsa-1"),
    "with the public key for a secret": signed_with_the_public_key,
    "with another key under the same id": lambda: signed(OTHER_RSA),
    "with an algorithm that is not taken": lambda: signed(RSA, algorithm="RS512"),
    "with the id of a key of another kind": lambda: signed(RSA, headers={"kid": "ec-1"}),
    "with a header that is not the one that was signed": lambda: with_header(alg="RS256", kid="rsa-1", typ="x"),
    "with an extension that must be understood": lambda: signed(RSA, headers={"crit": ["exp"]}),
    "with a key of its own": lambda: signed(OTHER_RSA, headers={"jwk": OTHER_RSA.public, "kid": None}),
    "without segments": lambda: "x",
    "with segments of nothing": lambda: "..",
    "with claims that are no JSON": lambda: (
        jwt.encode(claims(), "x" * 32, algorithm="HS256").rsplit(".", 2)[0] + ".e30.x"
    ),
    "of letters that no header has": lambda: "\xe4.\xf6.\xfc",
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
async def test_a_token_is_not_believed(issuer: KeyServer, token: Callable[[], str]) -> None:
    assert await believed(issuer, token()) is None


async def test_a_key_that_is_too_short_proves_nothing() -> None:
    weak = rsa_key("weak", bits=1024)
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = signed(weak)
    async with key_server(weak) as issuer:
        assert await believed(issuer, token) is None


async def test_a_key_that_is_not_for_signatures_or_for_another_algorithm_proves_nothing(issuer: KeyServer) -> None:
    for change in ({"use": "enc"}, {"alg": "RS512"}):
        issuer.keys = [{**RSA.public, **change}]
        assert await believed(issuer, signed(RSA)) is None


async def test_keys_that_nobody_understands_do_not_hide_the_others(issuer: KeyServer) -> None:
    issuer.keys = [{"kty": "new", "kid": "rsa-1"}, {"kty": "RSA", "kid": "rsa-1", "n": 7}, *issuer.keys]
    assert await believed(issuer, signed(RSA))


async def test_a_key_that_came_since_is_fetched(issuer: KeyServer, clock: Clock) -> None:
    tokens = verifier(issuer, clock)
    assert await tokens.verify_token(signed(RSA))
    fresh = rsa_key("rsa-2")
    issuer.keys = [fresh.public]
    clock.seconds += SPARED_S
    assert await tokens.verify_token(signed(fresh))
    assert await tokens.verify_token(signed(RSA)) is None
    assert issuer.asked == 2


async def test_made_up_key_ids_do_not_make_the_bridge_ask_for_each(issuer: KeyServer, clock: Clock) -> None:
    tokens = verifier(issuer, clock)
    for index in range(20):
        assert await tokens.verify_token(signed(RSA, headers={"kid": f"made-up-{index}"})) is None
    assert issuer.asked == 1
    assert await tokens.verify_token(signed(RSA))


async def test_keys_are_kept_for_a_while_then_fetched_again(issuer: KeyServer, clock: Clock) -> None:
    tokens = verifier(issuer, clock)
    for _ in range(3):
        assert await tokens.verify_token(signed(EC))
    assert issuer.asked == 1
    clock.seconds += FRESH_S + 1
    assert await tokens.verify_token(signed(EC))
    assert issuer.asked == 2


async def test_keys_are_believed_for_a_day_without_the_issuer(issuer: KeyServer, clock: Clock) -> None:
    tokens = verifier(issuer, clock)
    assert await tokens.verify_token(signed(EC))
    issuer.status = "503 Service Unavailable"
    clock.seconds += KEPT_S - SPARED_S
    assert await tokens.verify_token(signed(EC))
    clock.seconds += 2 * SPARED_S
    assert await tokens.verify_token(signed(EC)) is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("500 Oops", GOOD),
        ("200 OK", b"no json"),
        ("200 OK", b"[]"),
        ("200 OK", b'{"keys": {}}'),
        ("200 OK", b'{"keys": ["x"]}'),
        ("200 OK", GOOD + b" " * 1024 * 1024),
        ("302 Found", GOOD),
    ],
    ids=["an error", "no JSON", "no object", "no list", "no key", "too much", "a redirection"],
)
async def test_an_answer_that_holds_no_keys_proves_nothing(issuer: KeyServer, status: str, body: bytes) -> None:
    issuer.status, issuer.body = status, body
    assert await believed(issuer, signed(RSA)) is None


async def test_an_answer_of_the_same_keys_in_good_form_proves_something(issuer: KeyServer) -> None:
    issuer.body = GOOD
    assert await believed(issuer, signed(RSA))


async def test_the_certificate_of_the_issuer_is_verified(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    async with key_server(RSA, tls=server_context(certificate)) as issuer:
        with pytest.raises(KeysUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await fetched(issuer.url, None)
        assert await believed(issuer, signed(RSA)) is None
        assert await believed(issuer, signed(RSA), ca_bundle=certificate.pem) is not None


def known(token: str, **changes: Any) -> KnownTokens:
    entries = [Token(subject="other", sha256="0" * 64, scopes=("ops",))]
    entries.append(Token(**{"subject": "agent", "sha256": token_hash(token), "scopes": ("scan:read",), **changes}))
    return KnownTokens(entries, resource=None, now=lambda: NOON)


async def test_a_token_is_known_by_its_hash() -> None:
    token = new_token()
    access = await known(token).verify_token(token)
    assert access is not None
    assert (access.subject, access.scopes) == ("agent", ["scan:read"])
    assert await known(token, sha256=token_hash(token).upper()).verify_token(token)
    assert await known(token).verify_token(new_token()) is None
    assert await known(token).verify_token(token_hash(token)) is None


async def test_a_known_token_is_refused_from_its_expiry_on() -> None:
    token = new_token()
    assert await known(token, expires=NOON + timedelta(seconds=1)).verify_token(token)
    assert await known(token, expires=NOON).verify_token(token) is None


def entry(token: str, subject: str, *scopes: Any) -> Token:
    return Token(subject=subject, sha256=token_hash(token), scopes=scopes or ("scan:read",))


@pytest.fixture(scope="module")
def tokens() -> dict[str, str]:
    return {name: new_token() for name in ("one", "two", "reader")}


@asynccontextmanager
async def pipeline_with(settings: BridgeSettings) -> AsyncIterator[tuple[Pipeline, RunningBridge]]:
    async with running_pipeline(services=()) as pipeline, running_bridge(pipeline, settings) as bridge:
        yield pipeline, bridge


def list_tools() -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


async def asked(bridge: RunningBridge, **headers: str) -> httpx.Response:
    accept = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.post(bridge.url, json=list_tools(), headers={**accept, **headers})


async def test_one_who_does_not_sign_in_learns_where_to(issuer: KeyServer) -> None:
    trust = Jwt(issuer=ISSUER, jwks_url=issuer.url)
    settings = BridgeSettings(public_url=AUDIENCE, jwt=trust, required_scopes=("scan:read",))
    async with pipeline_with(settings) as (_, bridge), httpx.AsyncClient(trust_env=False) as http:
        refused = await asked(bridge)
        forged = await asked(bridge, authorization=f"Bearer {unsigned()}")
        narrow = await asked(bridge, authorization=f"Bearer {signed(RSA, scope='ops')}")
        origin = bridge.url.removesuffix("/mcp")
        metadata = (await http.get(f"{origin}/.well-known/oauth-protected-resource/mcp")).json()
        async with signed_in(bridge, signed(RSA, aud=AUDIENCE)) as client:
            assert (await client.list_tools()).tools
    for answer in (refused, forged):
        assert answer.status_code == 401
        place = "https://scanpool.corp.example/.well-known/oauth-protected-resource/mcp"
        assert f'resource_metadata="{place}"' in answer.headers["www-authenticate"]
    assert (narrow.status_code, narrow.json()["error"]) == (403, "insufficient_scope")
    assert metadata["resource"] == AUDIENCE
    assert metadata["authorization_servers"] == [ISSUER]
    assert metadata["scopes_supported"] == ["scan:read"]


async def test_each_subject_sees_its_own_scans_alone_and_a_foreign_one_as_none(tokens: dict[str, str]) -> None:
    settings = BridgeSettings(tokens=(entry(tokens["one"], "one"), entry(tokens["two"], "two")))
    async with pipeline_with(settings) as (pipeline, bridge):
        scan = await pipeline.client.submit(["10.10.0.1"], name="weekly", owner="one", id="same-length-1")
        async with signed_in(bridge, tokens["one"]) as one, signed_in(bridge, tokens["two"]) as two:
            own = await called(one, "get_scan_status", task_id=scan.id)
            foreign = await refusal(two, "get_scan_status", task_id=scan.id)
            unknown = await refusal(two, "get_scan_status", task_id="same-length-2")
    assert own["task_id"] == scan.id
    assert json.dumps(foreign).replace("length-1", "") == json.dumps(unknown).replace("length-2", "")


async def test_a_session_of_one_is_of_no_use_to_another(tokens: dict[str, str]) -> None:
    settings = BridgeSettings(tokens=(entry(tokens["one"], "one"), entry(tokens["two"], "two")))
    opening = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    headers = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
    async with pipeline_with(settings) as (_, bridge), httpx.AsyncClient(trust_env=False, headers=headers) as http:
        one, two = ({"authorization": f"Bearer {tokens[name]}"} for name in ("one", "two"))
        session = (await http.post(bridge.url, json=opening, headers=one)).headers["mcp-session-id"]
        stolen = await http.post(bridge.url, json=list_tools(), headers={**two, "mcp-session-id": session})
    assert stolen.status_code == 404


async def test_a_scope_that_the_token_lacks_is_named_with_the_way_to_it(tokens: dict[str, str]) -> None:
    settings = BridgeSettings(tokens=(entry(tokens["reader"], "reader"),))
    async with pipeline_with(settings) as (_, bridge), signed_in(bridge, tokens["reader"]) as client:
        refused = await refusal(client, "list_pools")
    assert refused["code"] == "scope"
    assert "'pool:read'" in refused["message"]
    assert "sign in again asking for scope 'pool:read'" in refused["hint"]


async def test_a_token_for_nobody_in_the_file_opens_nothing(tokens: dict[str, str]) -> None:
    settings = BridgeSettings(tokens=(entry(tokens["one"], "one"),))
    async with pipeline_with(settings) as (_, bridge):
        for headers in ({}, {"authorization": f"Bearer {new_token()}"}, {"authorization": "Basic b25lOm9uZQ=="}):
            assert (await asked(bridge, **headers)).status_code == 401
