"""A scanner whose calls for scans go through its breaker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Protocol, TypeVar

import structlog

from scanpool.runtime.errors import BrokerError
from scanpool.scanners.errors import BreakerOpen, ExportFailed, FingerprintMismatch, RateLimited, ScannerError
from scanpool.scanners.scanner import ExportedReport, Progress, Readiness, Scanner, ScannerScan, ScanSpec

_NO_SIGN = (ExportFailed, FingerprintMismatch, RateLimited)
"""Errors that say nothing about whether the scanner is well."""

_T = TypeVar("_T")

log = structlog.get_logger(__name__)


class Gate(Protocol):
    """The breakers, as a guard needs them; a call raises `BrokerError` where they cannot be reached."""

    async def why_shut(self, pool: str, scanner: str) -> str | None:
        """Why the scanner may not be called now; None is that it may."""
        ...

    async def call_failed(self, pool: str, scanner: str, operation: str, reason: str) -> None:
        """A call failed in a way that counts."""
        ...

    async def call_succeeded(self, pool: str, scanner: str, operation: str) -> None:
        """A call was answered."""
        ...


class Guarded:
    """A `Scanner` whose calls raise `BreakerOpen` while its breaker is not closed, and are counted by it.

    Whether it is ready may always be asked: the probe is such a call.
    """

    def __init__(self, scanner: Scanner, gate: Gate, pool: str, name: str, counted: Collection[str]) -> None:
        self._scanner = scanner
        self._gate = gate
        self._pool = pool
        self._name = name
        self._counted = counted

    async def readiness(self) -> Readiness:
        """As the scanner's own; not counted."""
        return await self._scanner.readiness()

    async def scans(self) -> tuple[ScannerScan, ...]:
        """As the scanner's own."""
        return await self._through("list scans", self._scanner.scans)

    async def create(self, spec: ScanSpec) -> int:
        """As the scanner's own."""
        return await self._through("create", lambda: self._scanner.create(spec))

    async def progress(self, scan: int) -> Progress:
        """As the scanner's own."""
        return await self._through("progress", lambda: self._scanner.progress(scan))

    async def launch(self, scan: int) -> None:
        """As the scanner's own."""
        await self._through("launch", lambda: self._scanner.launch(scan))

    async def stop(self, scan: int) -> None:
        """As the scanner's own."""
        await self._through("stop", lambda: self._scanner.stop(scan))

    async def pause(self, scan: int) -> None:
        """As the scanner's own."""
        await self._through("pause", lambda: self._scanner.pause(scan))

    async def resume(self, scan: int) -> None:
        """As the scanner's own."""
        await self._through("resume", lambda: self._scanner.resume(scan))

    async def export(self, scan: int, destination: Path) -> ExportedReport:
        """As the scanner's own."""
        return await self._through("export", lambda: self._scanner.export(scan, destination))

    async def delete(self, scan: int) -> None:
        """As the scanner's own."""
        await self._through("delete", lambda: self._scanner.delete(scan))

    async def close(self) -> None:
        """As the scanner's own; not counted."""
        await self._scanner.close()

    async def _through(self, operation: str, call: Callable[[], Awaitable[_T]]) -> _T:
        shut = await self._gate.why_shut(self._pool, self._name)
        if shut is not None:
            raise BreakerOpen(f"{self._pool}.{self._name}", operation, f"not called: {shut}")
        try:
            answer = await call()
        except ScannerError as error:
            await self._noted(operation, error)
            raise
        await self._noted(operation, None)
        return answer

    async def _noted(self, operation: str, error: ScannerError | None) -> None:
        """Count the call; where it cannot be counted now it is not, since the call itself matters more."""
        if isinstance(error, _NO_SIGN):
            return
        try:
            if error is not None and error.code in self._counted:
                await self._gate.call_failed(self._pool, self._name, operation, str(error))
            else:
                await self._gate.call_succeeded(self._pool, self._name, operation)
        except BrokerError as trouble:
            log.warning("call not counted by the breaker", scanner=f"{self._pool}.{self._name}", error=str(trouble))
