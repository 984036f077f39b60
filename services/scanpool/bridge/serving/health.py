"""Beside the protocol: is the bridge alive, is it ready, what are its metrics. Says nothing of any scan."""

from __future__ import annotations

import asyncio

import nats.errors
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from nats.aio.client import Client
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from scanpool.bridge.parts import Parts
from scanpool.runtime.http import exposed
from scanpool.runtime.metrics import Metrics

ANSWERS_WITHIN_S = 1.0


def health_routes(parts: Parts) -> list[Route]:
    """`/health` and `/ready`; for whoever asks."""

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_request: Request) -> Response:
        reasons = await obstacles(parts.jetstream.client, parts.stopping)
        status = "not ready" if reasons else "ok"
        return JSONResponse({"status": status, "reasons": reasons}, status_code=503 if reasons else 200)

    return [Route("/health", health), Route("/ready", ready)]


def metrics_route(metrics: Metrics, security: TransportSecuritySettings) -> Route:
    """`/metrics`, for who may reach the bridge at all."""
    guard = TransportSecurityMiddleware(security)

    async def measured(request: Request) -> Response:
        refused = await guard.validate_request(request)
        return refused or exposed(metrics, request)

    return Route("/metrics", measured)


async def obstacles(client: Client, stopping: asyncio.Event) -> list[str]:
    """Why the bridge is not ready; empty where it is."""
    if stopping.is_set():
        return ["stopping"]
    if not client.is_connected:
        return ["not connected to NATS"]
    try:
        await client.request("$JS.API.INFO", b"", timeout=ANSWERS_WITHIN_S)
    except (nats.errors.Error, OSError, TimeoutError):
        return [f"NATS does not answer within {ANSWERS_WITHIN_S:g} s"]
    return []
