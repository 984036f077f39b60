"""Nessus clients and scans for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from scanpool.scanners.nessus import ApiKeys, ExportLimits, NessusSettings, UserPassword
from scanpool.scanners.scanner import ScanSpec

KEYS = ApiKeys(access_key="the-access-key", secret_key="the-secret-key")
USER = UserPassword(username="scanpool", password="the-pass-word")
QUICK = ExportLimits(poll_interval=timedelta(milliseconds=20))


def nessus_settings(url: str, **fields: object) -> NessusSettings:
    """Settings with keys, short of patience enough for a test."""
    settings = NessusSettings(
        scanner_instance="lab.a",
        url=url,
        sign_in=KEYS,
        request_timeout=timedelta(seconds=5),
        export=QUICK,
    )
    return replace(settings, **fields)  # type: ignore[arg-type]


def a_scan_spec(**fields: object) -> ScanSpec:
    """A scan of one host, without login."""
    spec = ScanSpec(name="weekly [lab/01J/1]", targets=("10.0.0.1",))
    return replace(spec, **fields)  # type: ignore[arg-type]
