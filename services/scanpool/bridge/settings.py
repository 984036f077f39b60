"""What the bridge is told: where it listens, whom it believes, and the keys that its replicas share."""

from __future__ import annotations

from dataclasses import dataclass, field

from scanpool.bridge.caller import SCOPES, Caller

LOCAL_SUBJECT = "local"


@dataclass(frozen=True, kw_only=True, slots=True)
class BridgeSettings:
    """Everything the bridge can be told."""

    name: str = "scanpool"
    """The same on all replicas: what one sealed another opens only under this name."""
    host: str = "127.0.0.1"
    port: int = 8765
    allowed_hosts: tuple[str, ...] = ()
    """Host headers that are answered beside those of loopback."""
    allowed_origins: tuple[str, ...] = ()
    keys: tuple[bytes, ...] = ()
    """Of 32 bytes; the first seals, all open. Without any, one is made at the start and dies with the process."""
    local: Caller = field(default_factory=lambda: Caller(subject=LOCAL_SUBJECT, scopes=frozenset(SCOPES)))
    """Who calls over stdio, and over HTTP on loopback where nobody signs in."""
