"""The bridge of `up` and `demo`: in the same process, for agents of this machine."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from importlib import import_module

from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.bridge.serving.exposure import open_door, url_of
from scanpool.runtime.settings import Settings

PORTS = range(BridgeSettings().port, BridgeSettings().port + 100)
"""The first that is free is taken, where none is named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnBridge:
    """A bridge beside the services; who comes before it runs waits at its door."""

    settings: BridgeSettings
    door: socket.socket

    @property
    def url(self) -> str:
        """Of the protocol's endpoint."""
        return url_of(self.settings, self.door)

    async def serve(self, settings: Settings, *, after: asyncio.Event, stopping: asyncio.Event) -> None:
        """Load it beside what else goes on, which takes a second or two; serve it once `after` is set.

        Raises:
            BrokerError: NATS cannot be reached at the start, or was lost for good.
        """
        await asyncio.to_thread(import_module, "scanpool.bridge.serving.running")
        from scanpool.bridge.serving.running import serve_http

        await after.wait()
        await serve_http(self.settings, settings, self.door, stopping=stopping)


def own_bridge(settings: BridgeSettings, port: int | None = None) -> OwnBridge:
    """A bridge with its door open, on the port or on the first that is free.

    Raises:
        PortTaken: something else listens there.
    """
    return OwnBridge(settings=settings, door=open_door(settings, PORTS if port is None else (port,)))
