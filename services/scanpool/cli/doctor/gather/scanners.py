"""Facts of one scanner: the certificate that it shows, and what it says to whom it lets in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from scanpool.runtime import configuration
from scanpool.runtime.configuration import SecretUnavailable
from scanpool.scanners.fleet import nessus_settings, tls_of
from scanpool.scanners.nessus import Certificate, Examination, ExportLimits, NessusScanner, look_at_certificate

TRUSTED = frozenset({"trusted", "not encrypted"})


@dataclass(frozen=True, kw_only=True, slots=True)
class ScannerFacts:
    """What came of asking a scanner."""

    shown: Certificate
    told: Examination | None = None
    """None where it was not asked: its certificate is not trusted, or a secret is not at hand."""


async def scanner(pool: str, configured: configuration.Scanner, within: timedelta) -> ScannerFacts:
    """Look at the certificate, then ask; each takes at most so long."""
    shown = await _certificate(configured, within)
    if shown.verdict not in TRUSTED:
        return ScannerFacts(shown=shown)
    try:
        settings = nessus_settings(pool, configured, within, ExportLimits())
    except SecretUnavailable:  # the configuration's own check says so
        return ScannerFacts(shown=shown)
    async with NessusScanner(settings) as asked:
        return ScannerFacts(shown=shown, told=await asked.examine())


async def _certificate(configured: configuration.Scanner, within: timedelta) -> Certificate:
    try:
        async with asyncio.timeout(within.total_seconds()):
            return await look_at_certificate(configured.url, tls_of(configured))
    except TimeoutError:
        return Certificate(verdict="unreachable", why="no connection came about in time")
    except ValueError as error:
        return Certificate(verdict="untrusted", why=str(error))
