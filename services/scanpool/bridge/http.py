"""The bridge over streamable HTTP: one path for the protocol, and health beside it."""

from __future__ import annotations

from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette

from scanpool.bridge.settings import BridgeSettings

PATH = "/mcp"
_LOOPBACK_HOSTS = ("127.0.0.1:*", "localhost:*", "[::1]:*", "127.0.0.1", "localhost", "[::1]")
_LOOPBACK_ORIGINS = tuple(f"http://{host}" for host in _LOOPBACK_HOSTS)


def application(server: MCPServer[object], settings: BridgeSettings) -> Starlette:
    """The application; its lifespan has to be run."""
    return server.streamable_http_app(streamable_http_path=PATH, transport_security=_transport_security(settings))


def _transport_security(settings: BridgeSettings) -> TransportSecuritySettings:
    """A page in a browser on the caller's machine cannot reach the bridge by a name of its own (DNS rebinding)."""
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[*_LOOPBACK_HOSTS, *settings.allowed_hosts],
        allowed_origins=[*_LOOPBACK_ORIGINS, *settings.allowed_origins],
    )
