"""An authorization server as far as the bridge sees it: it signs tokens, and serves its public keys over HTTP."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ISSUER = "https://sso.corp.example"
AUDIENCE = "https://scanpool.corp.example/mcp"

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class SigningKey:
    """A key pair with its id."""

    id: str
    private: PrivateKey

    @property
    def algorithm(self) -> str:
        return "RS256" if isinstance(self.private, rsa.RSAPrivateKey) else "ES256"

    @property
    def public(self) -> dict[str, Any]:
        """As a JWKS has it."""
        key = self.private.public_key()
        text = RSAAlgorithm.to_jwk(key) if isinstance(key, rsa.RSAPublicKey) else ECAlgorithm.to_jwk(key)
        return {**json.loads(text), "kid": self.id, "use": "sig"}

    @property
    def public_pem(self) -> bytes:
        """What a verifier that confuses algorithms would take for a shared secret."""
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )


def rsa_key(key_id: str, bits: int = 2048) -> SigningKey:
    """A new RSA key."""
    return SigningKey(key_id, rsa.generate_private_key(public_exponent=65537, key_size=bits))


def ec_key(key_id: str) -> SigningKey:
    """A new key on P-256."""
    return SigningKey(key_id, ec.generate_private_key(ec.SECP256R1()))


def claims(**changes: Any) -> dict[str, Any]:
    """Of a token that is good for five minutes; a change to None leaves the claim out."""
    now = int(time.time())
    made = {"iss": ISSUER, "aud": AUDIENCE, "sub": "agent", "iat": now, "exp": now + 300, "scope": "scan:read"}
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


def signed(
    key: SigningKey, *, algorithm: str | None = None, headers: dict[str, Any] | None = None, **changes: Any
) -> str:
    """A token of the key; a header of None is left out."""
    named = {name: value for name, value in {"kid": key.id, **(headers or {})}.items() if value is not None}
    return jwt.encode(claims(**changes), key.private, algorithm=algorithm or key.algorithm, headers=named)


@dataclass
class KeyServer:
    """Serves what `keys` holds at the moment."""

    keys: list[dict[str, Any]] = field(default_factory=list)
    body: bytes | None = None
    """In place of the keys."""
    status: str = "200 OK"
    asked: int = 0
    """How often it was."""
    url: str = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer."""
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        body = json.dumps({"keys": self.keys}).encode() if self.body is None else self.body
        head = f"HTTP/1.1 {self.status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def key_server(*keys: SigningKey, tls: ssl.SSLContext | None = None) -> AsyncIterator[KeyServer]:
    """Serves the public halves while entered."""
    served = KeyServer(keys=[each.public for each in keys])
    server = await asyncio.start_server(served.answer, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    served.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/keys"
    async with server:
        yield served
