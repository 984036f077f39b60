"""A bridge beside a running pipeline, and official clients of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server import MCPServer
from mcp.types import CallToolResult, TextContent

from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.bridge.parts import Parts, parts_of
from scanpool.bridge.server import make_server
from scanpool.bridge.serving.application import application
from scanpool.runtime.http import serving
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.resolving import Resolver, resolve
from tests.support.pipeline import Pipeline, connected_jetstream
from tests.support.web import NO_CERTIFICATES


@dataclass(frozen=True)
class RunningBridge:
    """A bridge that answers over HTTP, as one replica."""

    server: MCPServer[Any]
    parts: Parts
    url: str


def bridge_parts(jetstream: JetStream, settings: BridgeSettings) -> Parts:
    """What a bridge works with, over the connection."""
    return parts_of(jetstream, settings)


@asynccontextmanager
async def running_bridge(
    pipeline: Pipeline, settings: BridgeSettings | None = None, *, resolver: Resolver = resolve
) -> AsyncIterator[RunningBridge]:
    """A bridge of its own connection; enter it twice for two replicas."""
    async with bridge_at(pipeline.nats.url, settings, resolver=resolver) as bridge:
        yield bridge


@asynccontextmanager
async def bridge_at(
    nats_url: str, settings: BridgeSettings | None = None, *, resolver: Resolver = resolve
) -> AsyncIterator[RunningBridge]:
    """As `running_bridge`, of any NATS."""
    async with connected_jetstream(nats_url) as jetstream:
        parts = replace(bridge_parts(jetstream, settings or BridgeSettings()), resolve=resolver)
        server = make_server(parts)
        app = application(server, parts)
        async with app.router.lifespan_context(app), serving(app, "127.0.0.1", 0) as port:
            yield RunningBridge(server, parts, f"http://127.0.0.1:{port}/mcp")
            parts.stopping.set()


def connected(bridge: RunningBridge, **options: Any) -> Client:
    """The SDK's own client, over HTTP: `async with connected(bridge) as client: ...`."""
    return Client(over_http(bridge.url), **options)


def signed_in(bridge: RunningBridge, token: str, **options: Any) -> Client:
    """A client that shows the bearer token."""
    return Client(over_http(bridge.url, {"authorization": f"Bearer {token}"}), **options)


@asynccontextmanager
async def over_http(url: str, headers: Mapping[str, str] | None = None) -> AsyncIterator[Any]:
    """The SDK's transport, to a server that speaks no TLS."""
    async with (
        httpx2.AsyncClient(headers=headers, verify=NO_CERTIFICATES, timeout=60, trust_env=False) as http,
        streamable_http_client(url, http_client=http) as streams,
    ):
        yield streams


async def called(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """What the tool answered; text and structured content are the same."""
    result = await asyncio.wait_for(client.call_tool(tool, arguments), 60)
    document = _text(result)
    assert not result.is_error, document
    assert document == result.structured_content
    return document


async def refusal(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Why the tool did nothing."""
    result = await asyncio.wait_for(client.call_tool(tool, arguments), 60)
    assert result.is_error, result
    return _text(result)


def _text(result: CallToolResult) -> dict[str, Any]:
    content = result.content[0]
    assert isinstance(content, TextContent)
    document: dict[str, Any] = json.loads(content.text)
    return document
