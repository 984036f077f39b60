"""What `bridge.yaml` says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from scanpool.bridge.caller import SCOPES, Scope
from scanpool.runtime.configuration import Secret
from scanpool_schemas.instants import Instant

Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1024)]
Subject: TypeAlias = Annotated[str, Meta(min_length=1, max_length=256)]
PerMinute: TypeAlias = Annotated[int, Meta(ge=1, le=1_000_000)]
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures with a key pair; those with a shared secret, and none at all, are never taken."""

LOCAL_SUBJECT = "local"


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A bearer token that the file knows by its hash."""

    subject: Subject
    """Who calls with it: owns the scans, and names the policy in `clients` of scanners.yaml."""
    sha256: str
    """SHA-256 of the token in hex; `scanpool bridge token` makes both."""
    scopes: tuple[Scope, ...]
    """What it is good for."""
    expires: Instant | None = None
    """From then on it is refused; without it, when its entry is removed."""


class Jwt(msgspec.Struct, frozen=True, kw_only=True):
    """Bearer tokens that an authorization server signs."""

    issuer: Text
    """As claim `iss` has it, to the letter."""
    jwks_url: Text
    """Where its public keys are; read again every ten minutes, and for a key that is not known."""
    audience: Text | None = None
    """What claim `aud` has to name; without it, `public_url`."""
    algorithms: tuple[Algorithm, ...] = ("RS256", "ES256")
    """Signatures that are taken."""
    subject_claim: Text = "sub"
    """The claim that says who calls."""
    scope_claim: Text = "scope"
    """The claim that holds the scopes: words separated by blanks, or a list."""
    leeway_s: Annotated[int, Meta(ge=0, le=300)] = 30
    """How far the clocks of both may differ, in seconds."""
    ca_bundle: Path | None = None
    """A PEM file of the authorities to trust for `jwks_url`; relative to the file. Without it, the well-known ones."""


class Local(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls over stdio, and over HTTP on loopback where nobody signs in."""

    subject: Subject = LOCAL_SUBJECT
    scopes: tuple[Scope, ...] = SCOPES
    """What it may; without it everything."""


class BridgeFile(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file."""

    name: Annotated[str, Meta(min_length=1, max_length=64)] = "scanpool"
    """The server's name; the same on all replicas."""
    public_url: Text | None = None
    """The bridge as clients reach it, as `https://scanpool.corp.example/mcp`."""
    allowed_hosts: tuple[Text, ...] = ()
    """Hosts by which it may be asked for, beside those of loopback and of `public_url`."""
    allowed_origins: tuple[Text, ...] = ()
    """Origins of web pages that may call it, as `https://console.corp.example`."""
    keys: tuple[Secret, ...] = ()
    """Of 32 bytes in hex or base64, the same on all replicas: the first seals what clients carry, all open it."""
    tokens: tuple[Token, ...] = ()
    jwt: Jwt | None = None
    local: Local = Local()
    required_scopes: tuple[Scope, ...] = ()
    """Scopes without all of which a token is refused whole."""
    requests_per_minute: PerMinute = 120
    """Of one subject, in this process; as many at once, then evenly."""
    submits_per_minute: PerMinute = 10
    """The same of calls that ask for a scan."""
