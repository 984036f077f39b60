"""Exports: asked for, waited for, and streamed to a file that is whole or absent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from scanpool.scanners.errors import ExportFailed, ExportNotReady, ExportTooLarge, RateLimited, ScannerUnavailable
from scanpool.scanners.nessus import calls
from scanpool.scanners.nessus.api import Api
from scanpool.scanners.nessus.faults import decode, words
from scanpool.scanners.nessus.replies import Exporting, ExportStatus
from scanpool.scanners.nessus.report_file import END, ReportFile
from scanpool.scanners.nessus.settings import ExportLimits
from scanpool.scanners.nessus.wire import UNTOLD_WAIT_S, Answer
from scanpool.scanners.scanner import ExportedReport

Look = Callable[[int, float], Awaitable[object]]
"""Looks at a scan until the deadline; raises `ScanNotFound` where there is none."""

T = TypeVar("T")

MAX_EXPORTS = 2
"""How many exports one call makes, where the first comes to nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fruitless:
    """An export came to nothing; another one may do better."""

    why: str


class Exporter:
    """Exports the reports of one scanner's scans; few at once, so that other calls find a connection."""

    def __init__(self, api: Api, limits: ExportLimits, request_timeout_s: float, downloads: int, look: Look) -> None:
        self._look = look
        self._api = api
        self._limits = limits
        self._request_timeout_s = request_timeout_s
        self._turn = anyio.Semaphore(downloads)

    async def export(self, scan: int, destination: Path) -> ExportedReport:
        """Export the report of a scan to the file."""
        reasons: list[str] = []
        async with self._turn:
            while len(reasons) < MAX_EXPORTS:
                result = await self._once(scan, destination)
                if isinstance(result, ExportedReport):
                    return result
                reasons.append(result.why)
        raise self._failed(f"{MAX_EXPORTS} exports came to nothing: {'; '.join(reasons)}")

    async def _once(self, scan: int, destination: Path) -> ExportedReport | Fruitless:
        begun = await self._api.call(calls.export(scan), Exporting, self._soon())
        if begun.token is None and begun.file is None:
            raise self._unavailable("it began an export, but named neither token nor file")
        place = f"/tokens/{begun.token}" if begun.token else f"/scans/{scan}/export/{begun.file}"
        if never := await self._wait(scan, place):
            return never
        return await self._patiently(lambda: self._download(scan, place, destination))

    async def _wait(self, scan: int, place: str) -> Fruitless | None:
        """Wait until the export is ready; answers why it never will be."""
        limit = self._limits.ready_within
        with anyio.move_on_after(limit.total_seconds()):
            while True:
                match await self._patiently(lambda: self._ready(scan, place)):
                    case True:
                        return None
                    case False:
                        await anyio.sleep(self._limits.poll_interval.total_seconds())
                    case Fruitless() as fruitless:
                        return fruitless
        raise ExportNotReady(self._api.scanner, "export", f"the export was not ready within {limit}")

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What is asked, again where the scanner wants a pause: the export that it made is kept.

        Raises:
            RateLimited: the pauses are longer than an export may take.
        """
        left_s = self._limits.ready_within.total_seconds()
        while True:
            try:
                return await ask()
            except RateLimited as error:
                pause_s = UNTOLD_WAIT_S if error.retry_after_s is None else error.retry_after_s
                left_s -= pause_s
                if left_s < 0:
                    raise
                await anyio.sleep(max(pause_s, self._limits.poll_interval.total_seconds()))

    async def _ready(self, scan: int, place: str) -> bool | Fruitless:
        call = calls.export_status(place)
        answer = await self._api.ask(call, self._soon())
        if answer.status == 404:
            return await self._gone(scan, answer)
        if answer.status == 500 and words(answer) is not None:
            return Fruitless(why=self._api.describe(answer))
        export = decode(self._api.scanner, call, answer, ExportStatus)
        if export.status == "error":
            return Fruitless(why="it failed on the scanner")
        return export.status == "ready"

    async def _gone(self, scan: int, answer: Answer) -> Fruitless:
        """What a missing export means. Raises `ScanNotFound` if it is the scan that is missing."""
        if words(answer) is None:
            raise self._unavailable(
                "it answered with status 404, but not as a Nessus scanner does: is there a proxy in between?"
            )
        await self._look(scan, self._soon())
        return Fruitless(why="it vanished from the scanner")

    async def _download(self, scan: int, place: str, destination: Path) -> ExportedReport | Fruitless:
        deadline = anyio.current_time() + self._limits.download_within.total_seconds()
        with ReportFile(destination) as report:

            async def keep(chunk: bytes) -> None:
                if report.size_bytes + len(chunk) > self._limits.max_report_bytes:
                    raise self._too_large()
                await anyio.to_thread.run_sync(report.write, chunk)

            answer = await self._api.ask(calls.download(place), deadline, keep)
            if answer.status == 404:
                return await self._gone(scan, answer)
            if answer.broken:
                return Fruitless(why=f"{answer.broken} after {report.size_bytes} bytes of it")
            if not report.ends_well:
                return Fruitless(why=f"its {report.size_bytes} bytes do not end in {END.decode()}")
            return await anyio.to_thread.run_sync(report.finish)

    def _soon(self) -> float:
        return anyio.current_time() + self._request_timeout_s

    def _failed(self, message: str) -> ExportFailed:
        return ExportFailed(self._api.scanner, "export", message)

    def _too_large(self) -> ExportTooLarge:
        limit = self._limits.max_report_bytes
        return ExportTooLarge(
            self._api.scanner, "export", f"the report is over the limit of {limit} bytes (max_report_bytes)"
        )

    def _unavailable(self, message: str) -> ScannerUnavailable:
        return ScannerUnavailable(self._api.scanner, "export", message)
