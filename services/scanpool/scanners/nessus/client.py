"""A Nessus scanner, or Tenable Vulnerability Management, behind the `Scanner` protocol."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, TypeVar

import anyio
import msgspec
import structlog

from scanpool.scanners.errors import (
    RequestRejected,
    ScanApiNotLicensed,
    ScanConflict,
    ScannerError,
    ScanNotFound,
    TemplateUnknown,
)
from scanpool.scanners.nessus import bodies, calls
from scanpool.scanners.nessus.api import Api, Observe
from scanpool.scanners.nessus.calls import Call
from scanpool.scanners.nessus.cloud import Cloud
from scanpool.scanners.nessus.examination import Examination, examine
from scanpool.scanners.nessus.export import Exporter
from scanpool.scanners.nessus.faults import AnswerCut
from scanpool.scanners.nessus.onsite import Onsite
from scanpool.scanners.nessus.progress import ACTIVITIES, activity
from scanpool.scanners.nessus.replies import (
    Created,
    Launched,
    Nothing,
    Scans,
    Uploaded,
)
from scanpool.scanners.nessus.sessions import Sessions
from scanpool.scanners.nessus.settings import ApiKeys, NessusSettings
from scanpool.scanners.nessus.sign_in import KeySignIn, SessionSignIn, SignIn
from scanpool.scanners.nessus.wire import Wire
from scanpool.scanners.scanner import (
    Activity,
    ExportedReport,
    Login,
    Progress,
    Readiness,
    ScannerScan,
    ScanSpec,
    SshKey,
)

KEY_FILE_PREFIX = "scanpool-"
"""Private keys are uploaded under a random name that begins with this; no call is known that deletes them again."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


def _unobserved(operation: str, outcome: str, seconds: float) -> None:
    """Nobody wants to know."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Product(Protocol):
    """What differs between the products that speak this API; every call ends by the deadline."""

    async def readiness(self, deadline: float) -> Readiness:
        """How it is; raises `ScannerError` where it does not answer."""
        ...

    async def require(self, operation: str, deadline: float) -> None:
        """Raise `ScanApiNotLicensed` where it is known to refuse the operation."""
        ...

    async def refused(self, error: ScanApiNotLicensed | AnswerCut) -> ScannerError:
        """What a refusal for the licence, or a cut that may be one, amounts to."""
        ...

    async def base(self, spec: ScanSpec, deadline: float) -> bodies.Base:
        """What it calls the things that the scan names."""
        ...

    def forget(self) -> None:
        """Look the templates up again next time."""
        ...

    async def progress(self, scan: int, deadline: float) -> Progress:
        """Where the scan stands."""
        ...


class NessusScanner:
    """One Nessus scanner, or one container of Tenable Vulnerability Management.

    Made once a process and scanner, and used by any number of tasks.
    """

    def __init__(
        self,
        settings: NessusSettings,
        *,
        sessions: Sessions | None = None,
        observe: Observe = _unobserved,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._settings = settings
        self._now = now
        self._wire = Wire(settings)
        self._sign_in = _sign_in(settings, self._wire, sessions or Sessions(), now)
        self._api = Api(settings.scanner_instance, self._wire, self._sign_in, observe, now)
        self._unknown_statuses: set[str] = set()
        self._product = self._product_of(settings)
        self._exporter = Exporter(
            self._api,
            settings.export,
            settings.request_timeout.total_seconds(),
            settings.max_connections // 2,
            self._product.progress,
        )
        self._closed = False

    async def readiness(self) -> Readiness:
        """How the scanner is; never raises: a scanner that cannot be reached is not ready."""
        try:
            return await self._product.readiness(self._deadline())
        except ScannerError as error:
            return Readiness(ready=False, reason=f"{error.operation}: {error.message}")

    async def examine(self) -> Examination:
        """Everything that it tells a person who asks how it is; never raises, and changes nothing."""
        return await examine(self._api, self._settings.kind, self._deadline(), self._now)

    async def scans(self) -> tuple[ScannerScan, ...]:
        """All scans that the scanner lists, of whoever made them."""
        listed = (await self._api.call(calls.scans(), Scans, self._deadline())).scans or []
        return tuple(
            ScannerScan(id=each.id, name=each.name or "", activity=activity(self._note(each.status or "")))
            for each in listed
        )

    async def create(self, spec: ScanSpec) -> int:
        """Create a scan, not launched, and answer its number. Not idempotent: look for the name first.

        A folder that is named must exist.
        """
        problem = bodies.problem(spec)
        if problem is not None:
            raise RequestRejected(self._settings.scanner_instance, "create", f"{problem}; nothing was sent")
        deadline = self._deadline()
        await self._product.require("create", deadline)
        base = await self._product.base(spec, deadline)
        key_file = await self._upload(spec.login, deadline)
        body = msgspec.json.encode(bodies.scan(spec, base, key_file))
        call = calls.create(body, secrets=bodies.secrets(spec.login))
        try:
            return (await self._control(call, Created, deadline)).scan.id
        except TemplateUnknown:
            self._product.forget()
            raise

    async def progress(self, scan: int) -> Progress:
        """Where the scan stands. Raises `ScanNotFound` only when the scanner answered so."""
        return await self._product.progress(scan, self._deadline())

    async def launch(self, scan: int) -> None:
        """Launch the scan. Raises `ScanConflict` if it is already running."""
        deadline = self._deadline()
        await self._product.require("launch", deadline)
        await self._control(calls.launch(scan), Launched, deadline)

    async def stop(self, scan: int) -> None:
        """Ask the scanner to stop it; it has stopped only when `progress` says so.

        A paused scan that cannot be stopped as it is, is resumed and then stopped.
        """
        deadline = self._deadline()
        try:
            await self._control(calls.stop(scan), Nothing, deadline)
        except ScanConflict:
            if (await self._product.progress(scan, deadline)).activity is not Activity.PAUSED:
                raise
            await self._control(calls.resume(scan), Nothing, deadline)
            await self._control(calls.stop(scan), Nothing, deadline)

    async def pause(self, scan: int) -> None:
        """Ask the scanner to pause it; `pausing` until `progress` says that it is paused."""
        await self._control(calls.pause(scan), Nothing, self._deadline())

    async def resume(self, scan: int) -> None:
        """Ask the scanner to go on with it; `resuming` until `progress` says that it runs."""
        await self._control(calls.resume(scan), Nothing, self._deadline())

    async def export(self, scan: int, destination: Path) -> ExportedReport:
        """Export the scan's report and stream it to the file; atomic: the file is whole or absent."""
        return await self._exporter.export(scan, destination)

    async def delete(self, scan: int) -> None:
        """Delete the scan; a scan that is already gone is deleted, one in conflict is not."""
        try:
            await self._control(calls.delete(scan), Nothing, self._deadline())
        except ScanNotFound:
            return

    async def close(self) -> None:
        """Sign out where signed in, and close the connections."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._sign_in.close()
        finally:
            await self._wire.close()

    async def __aenter__(self) -> NessusScanner:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _control(self, call: Call, reply: type[T], deadline: float) -> T:
        """Make a call that a restricted licence refuses, and say so where it does."""
        try:
            return await self._api.call(call, reply, deadline)
        except (ScanApiNotLicensed, AnswerCut) as error:
            raise await self._product.refused(error) from error

    async def _upload(self, login: Login | None, deadline: float) -> str | None:
        if not isinstance(login, SshKey):
            return None
        name = KEY_FILE_PREFIX + secrets.token_hex(16)
        content = login.private_key.strip().encode() + b"\n"
        call = calls.upload(name, content, secrets=bodies.secrets(login))
        return (await self._api.call(call, Uploaded, deadline)).fileuploaded

    def _product_of(self, settings: NessusSettings) -> Product:
        if settings.kind == "tenable-vm":
            return Cloud(self._api, self._note, settings.network_scanner)
        return Onsite(self._api, self._note)

    def _note(self, status: str) -> str:
        """Log a status word that we do not know, once."""
        if status not in ACTIVITIES and status not in self._unknown_statuses:
            self._unknown_statuses.add(status)
            log.warning(
                "unknown scan status, taken for running",
                scanner=self._settings.scanner_instance,
                status=status[:40],
            )
        return status

    def _deadline(self) -> float:
        return anyio.current_time() + self._settings.request_timeout.total_seconds()


def _sign_in(settings: NessusSettings, wire: Wire, sessions: Sessions, now: Callable[[], datetime]) -> SignIn:
    user = settings.sign_in
    if isinstance(user, ApiKeys):
        return KeySignIn(user)
    return SessionSignIn(settings.scanner_instance, user, sessions.of(settings.url, user), wire, now)
