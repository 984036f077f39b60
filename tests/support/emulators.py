"""Emulated scanners for tests: start one, order faults from it, read what it counted."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from scanpool.emulator.options import Options
from scanpool.emulator.server import Emulator

TEMPO = 600.0
"""A scan of the default length takes 0.1 seconds."""


class Control:
    """The control interface of a running emulator, over HTTP like any other judge of it."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def fault(self, name: str, *, times: int | None = None, **parameters: Any) -> dict[str, Any]:
        """Put a fault in force."""
        answer = await self._http.post("/_control/faults", json={"fault": name, "times": times, **parameters})
        answer.raise_for_status()
        fault: dict[str, Any] = answer.json()
        return fault

    async def clear_faults(self) -> None:
        """Take every fault out of force."""
        (await self._http.delete("/_control/faults")).raise_for_status()

    async def stats(self) -> dict[str, Any]:
        """What was done with every scan, and how many were active at once."""
        answer = await self._http.get("/_control/stats")
        answer.raise_for_status()
        stats: dict[str, Any] = answer.json()
        return stats


@dataclass(frozen=True)
class RunningEmulator:
    """An emulator that answers, and the two ways to reach it."""

    emulator: Emulator
    options: Options
    control: Control
    api: httpx.AsyncClient
    """Signed in with the API keys."""

    @property
    def url(self) -> str:
        """Where its API begins."""
        return self.emulator.url


@asynccontextmanager
async def running_emulator(*, tls: bool = False, **options: Any) -> AsyncIterator[RunningEmulator]:
    """An emulator on a free loopback port, fast unless the options say otherwise."""
    chosen = Options(**{"time_scale": TEMPO, **options})
    async with Emulator(chosen, tls=tls) as emulator:
        verify = _trusting(emulator.ca_pem)
        keys = f"accessKey={emulator.access_key}; secretKey={emulator.secret_key}"
        async with (
            httpx.AsyncClient(base_url=emulator.url, verify=verify) as anonymous,
            httpx.AsyncClient(base_url=emulator.url, verify=verify, headers={"X-ApiKeys": keys}, timeout=60) as api,
        ):
            yield RunningEmulator(emulator, chosen, Control(anonymous), api)


def _trusting(ca_pem: str | None) -> ssl.SSLContext | bool:
    """What to verify against; nothing has to be where there is no TLS."""
    return ssl.create_default_context(cadata=ca_pem) if ca_pem else False
