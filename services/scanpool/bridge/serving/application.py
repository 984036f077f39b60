"""The bridge over streamable HTTP: one path for the protocol, and health beside it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette

from scanpool.bridge.configuration.checks import is_loopback
from scanpool.bridge.configuration.settings import PATH, BridgeSettings
from scanpool.bridge.parts import Parts
from scanpool.bridge.serving.heads import PlainHeads
from scanpool.bridge.serving.health import health_routes, metrics_route
from scanpool.bridge.serving.streams import EndingStreams

_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")


def application(server: MCPServer[object], parts: Parts) -> Starlette:
    """The application; its lifespan has to be run. Metrics are beside the protocol only where none but this machine
    can ask for them.
    """
    security = transport_security(parts.settings)
    app = server.streamable_http_app(streamable_http_path=PATH, transport_security=security)
    app.add_middleware(EndingStreams, lasting=parts.lasting, stopping=parts.stopping)
    app.add_middleware(PlainHeads)
    app.router.routes += health_routes(parts)
    if is_loopback(parts.settings.host):
        app.router.routes.append(metrics_route(parts.metrics, security))
    return app


def transport_security(settings: BridgeSettings) -> TransportSecuritySettings:
    """A page in a browser on the caller's machine cannot reach the bridge by a name of its own (DNS rebinding).

    Switched on whatever the address: the SDK, left to itself, checks nothing on any but loopback.
    """
    origins = [f"http://{host}" for host in _LOOPBACK_HOSTS]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=list(_with_any_port(_hosts(settings))),
        allowed_origins=[*_with_any_port(origins), *settings.allowed_origins],
    )


def _hosts(settings: BridgeSettings) -> list[str]:
    hosts = [*_LOOPBACK_HOSTS, *settings.allowed_hosts]
    if settings.public_url:
        hosts.append(urlsplit(settings.public_url).netloc)
    if settings.host not in {"0.0.0.0", "::", ""}:  # noqa: S104 (where it listens, not whom it answers)
        hosts.append(f"[{settings.host}]" if ":" in settings.host else settings.host)
    return list(dict.fromkeys(hosts))


def _with_any_port(hosts: list[str]) -> Iterator[str]:
    """Each as it is, and where it names no port with any."""
    for host in hosts:
        yield host
        if not _names_port(host):
            yield f"{host}:*"


def _names_port(host: str) -> bool:
    return ":" in host.rpartition("]")[2].rpartition("//")[2]
