"""What the bridge is told: where it listens, whom it believes, and the keys that its replicas share."""

from __future__ import annotations

from dataclasses import dataclass, field

from scanpool.bridge.caller import SCOPES, Caller, Scope
from scanpool.bridge.configuration.model import LOCAL_SUBJECT, Jwt, Token
from scanpool.runtime.settings import RetentionSettings

PATH = "/mcp"
"""Of the protocol's endpoint."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BridgeSettings:
    """Everything the bridge can be told."""

    name: str = "scanpool"
    """The same on all replicas: what one sealed another opens only under this name."""
    host: str = "127.0.0.1"
    port: int = 8765
    public_url: str | None = None
    """The bridge as clients reach it, with the path."""
    allowed_hosts: tuple[str, ...] = ()
    """Hosts by which it may be asked for, beside those of loopback and of the public URL."""
    allowed_origins: tuple[str, ...] = ()
    keys: tuple[bytes, ...] = ()
    """Of 32 bytes; the first seals, all open. Without any, one is made at the start and dies with the process."""
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    """As the janitor has it: how long ended scans can be asked for."""
    local: Caller = field(default_factory=lambda: Caller(subject=LOCAL_SUBJECT, scopes=frozenset(SCOPES)))
    """Who calls over stdio, and over HTTP on loopback where nobody signs in."""
    tokens: tuple[Token, ...] = ()
    jwt: Jwt | None = None
    required_scopes: tuple[Scope, ...] = ()
    """Scopes without all of which a token is refused whole."""
    requests_per_minute: int = 120
    """Of one subject; as many at once, then evenly."""
    submits_per_minute: int = 10
    """The same of calls that ask for a scan."""

    @property
    def signs_in(self) -> bool:
        """Whether callers over HTTP have to say who they are; else they are the local caller."""
        return bool(self.tokens) or self.jwt is not None
