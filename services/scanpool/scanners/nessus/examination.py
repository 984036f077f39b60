"""Everything that a scanner tells of itself when a person asks how it is: for `scanpool doctor`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from scanpool.scanners.errors import PermissionDenied, ScannerError, SignInFailed
from scanpool.scanners.nessus import calls, licence, readiness
from scanpool.scanners.nessus.api import Api
from scanpool.scanners.nessus.calls import Call
from scanpool.scanners.nessus.faults import decode
from scanpool.scanners.nessus.progress import number
from scanpool.scanners.nessus.replies import Folders, LicenceProperties, Nothing, Number, Properties, ServerStatus
from scanpool.scanners.nessus.settings import Kind
from scanpool.scanners.nessus.wire import Answer

CLOUD_EDITION = "Tenable Vulnerability Management"


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenceFacts:
    """What the scanner's licence allows, and how much of it is used; None is what it does not say."""

    edition: str
    version: str
    plugin_set: str
    """The plugin feed that is loaded, as YYYYMMDDhhmm; empty where it does not say."""
    can_launch: bool | None
    evidence: str
    """How it is known whether scans may be launched."""
    ips: int | None = None
    ips_used: int | None = None
    agents: int | None = None
    agents_used: int | None = None
    expires: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Examination:
    """How far the scanner could be asked, and what it said until then."""

    unreachable: str = ""
    """Why it could not be asked at all."""
    not_ready: str = ""
    """Why it is not ready, in its own words."""
    refused: str = ""
    """Why it does not accept us."""
    failed: str = ""
    """Why it could not be asked for its licence although it accepts us."""
    clock_ahead_s: float | None = None
    """How far its clock is ahead of ours, to a second; None where it does not say."""
    licence: LicenceFacts | None = None


async def examine(api: Api, kind: Kind, deadline: float, now: Callable[[], datetime]) -> Examination:
    """Ask the scanner for everything; what is left out came after what went wrong."""
    if kind == "tenable-vm":
        return await _cloud(api, deadline, now)
    status_call = calls.server_status()
    try:
        answer, ahead_s = await _asked(api, status_call, deadline, now)
        status = decode(api.scanner, status_call, answer, ServerStatus)
    except ScannerError as error:
        return Examination(unreachable=error.message)
    if obstacle := readiness.obstacle(status):
        return Examination(not_ready=obstacle, clock_ahead_s=ahead_s)
    return await _signed_in(api, deadline, ahead_s)


async def _signed_in(api: Api, deadline: float, ahead_s: float | None) -> Examination:
    try:
        await api.call(calls.who_am_i(), Nothing, deadline)
    except (SignInFailed, PermissionDenied) as error:
        return Examination(refused=error.message, clock_ahead_s=ahead_s)
    except ScannerError as error:
        return Examination(unreachable=f"{error.operation}: {error.message}", clock_ahead_s=ahead_s)
    try:
        found = await api.call(calls.properties(), Properties, deadline)
    except ScannerError as error:
        return Examination(failed=f"{error.operation}: {error.message}", clock_ahead_s=ahead_s)
    return Examination(clock_ahead_s=ahead_s, licence=_facts(found))


async def _cloud(api: Api, deadline: float, now: Callable[[], datetime]) -> Examination:
    """Tenable's cloud tells nothing of licence and feed; a short question needs valid keys."""
    call = calls.folders()
    try:
        answer, ahead_s = await _asked(api, call, deadline, now)
        decode(api.scanner, call, answer, Folders)
    except (SignInFailed, PermissionDenied) as error:
        return Examination(refused=error.message)
    except ScannerError as error:
        return Examination(unreachable=error.message)
    evidence = "it launches scans by licence, and says so only where it refuses"
    told = LicenceFacts(edition=CLOUD_EDITION, version="", plugin_set="", can_launch=True, evidence=evidence)
    return Examination(clock_ahead_s=ahead_s, licence=told)


async def _asked(api: Api, call: Call, deadline: float, now: Callable[[], datetime]) -> tuple[Answer, float | None]:
    """The answer, and how far the scanner's clock is ahead."""
    before = now()
    answer = await api.ask(call, deadline)
    return answer, ahead_of(before + (now() - before) / 2, answer.date)


def ahead_of(ours: datetime, date: str | None) -> float | None:
    """How far a clock that says this date, in whole seconds, is ahead of ours; None where it says none."""
    if date is None:
        return None
    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        return None
    theirs = theirs if theirs.tzinfo is not None else theirs.replace(tzinfo=UTC)
    ahead_s = (theirs - ours).total_seconds()
    return ahead_s if ahead_s >= 0 else min(0.0, ahead_s + 1)


def _facts(found: Properties) -> LicenceFacts:
    stated = found.license or LicenceProperties()
    read = licence.read(found)
    permitted = licence.permission(read, None)
    expires = stated.expiration_date if stated.expiration_date is not None else found.expiration
    return LicenceFacts(
        edition=read.edition,
        version=read.version,
        plugin_set=read.plugin_set,
        can_launch=permitted.launch,
        evidence=permitted.evidence,
        ips=_whole(stated.ips),
        ips_used=_whole(found.used_ip_count if found.used_ip_count is not None else stated.ips_used),
        agents=_whole(stated.agents),
        agents_used=_whole(stated.agents_used),
        expires=_instant(expires),
    )


def _whole(value: Number) -> int | None:
    told = number(value)
    return None if told is None else int(told)


def _instant(value: Number) -> datetime | None:
    """The moment that many seconds after the epoch; None for none, or one that no calendar has."""
    told = number(value)
    if not told:
        return None
    try:
        return datetime.fromtimestamp(told, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None
