"""One connection to NATS, with the options that were found to survive restarts and lost leaders."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import nats
import nats.errors
import structlog
from nats.aio.client import Client

from scanpool.runtime.errors import BrokerUnavailable, ServerUnsuitable

LEAST_SERVER = (2, 14)
"""Atomic batches and message schedules as the pipeline uses them."""

DEFAULT_URL = "nats://127.0.0.1:4222"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class NatsAddress:
    """Where NATS is and how to sign in."""

    url: str = DEFAULT_URL
    """One URL, or several of one cluster separated by commas."""
    credentials: Path | None = None
    """A NATS credentials file (JWT and seed)."""

    @property
    def servers(self) -> list[str]:
        return [part.strip() for part in self.url.split(",") if part.strip()]

    @property
    def shown(self) -> str:
        """The URL without user and password."""
        return re.sub(r"//[^/@,]*@", "//", self.url)


async def connect(
    address: NatsAddress,
    *,
    name: str,
    timeout_s: float = 10.0,
    on_closed: Callable[[], None] = lambda: None,
) -> Client:
    """Connect and check that the server will do; afterwards reconnects for ever.

    Raises:
        BrokerUnavailable: nobody answered in time.
        ServerUnsuitable: the server is too old or has no JetStream.
    """
    client = Client()
    try:
        async with asyncio.timeout(timeout_s):
            await _open(client, address, name, on_closed)
    except (TimeoutError, OSError, nats.errors.Error, ValueError) as error:
        await client.close()
        reason = str(error) or "no answer in time"
        raise BrokerUnavailable(
            f"NATS at {address.shown} cannot be reached ({reason}); start one with `scanpool up`, "
            "or name yours with --nats URL or SCANPOOL_NATS_URL"
        ) from error
    try:
        await _check_server(client, address)
    except ServerUnsuitable:
        await client.close()
        raise
    return client


async def _open(client: Client, address: NatsAddress, name: str, on_closed: Callable[[], None]) -> None:
    await client.connect(
        servers=address.servers,
        name=name,
        user_credentials=str(address.credentials) if address.credentials else None,
        connect_timeout=2,
        ping_interval=5,
        max_outstanding_pings=2,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.25,  # type: ignore[arg-type]  # nats-py takes seconds, fractions too
        error_cb=_on_error,
        disconnected_cb=_said("disconnected from NATS"),
        reconnected_cb=_said("reconnected to NATS"),
        closed_cb=_closing(on_closed),
    )


async def _on_error(error: Exception) -> None:
    log.debug("nats client error", error=str(error) or type(error).__name__)


def _said(sentence: str) -> Callable[[], Awaitable[None]]:
    async def say() -> None:
        log.info(sentence)

    return say


def _closing(on_closed: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    async def closed() -> None:
        on_closed()

    return closed


async def _check_server(client: Client, address: NatsAddress) -> None:
    version = client.connected_server_version
    if (version.major, version.minor) < LEAST_SERVER:
        least = ".".join(map(str, LEAST_SERVER))
        raise ServerUnsuitable(
            f"NATS at {address.shown} is version {version.major}.{version.minor}; scanpool needs {least} or newer"
        )
    try:
        await client.request("$JS.API.INFO", b"", timeout=5)
    except nats.errors.NoRespondersError as error:
        raise ServerUnsuitable(
            f"NATS at {address.shown} has no JetStream; enable it with `jetstream {{}}` in its configuration"
        ) from error
    except nats.errors.TimeoutError as error:
        raise ServerUnsuitable(f"JetStream at {address.shown} does not answer") from error
