"""Pools and scanners as outward faces show them, made up."""

from __future__ import annotations

from typing import Any

from scanpool.client import PoolStatus, ScannerStatus
from tests.support.builders import NOW


def a_pool(**fields: Any) -> PoolStatus:
    """One with a scanner that is ready, and a scan that waits."""
    known: dict[str, Any] = {
        "pool": "lab",
        "default": True,
        "retired": False,
        "scanners": 1,
        "scanners_ready": 1,
        "capacity": 2,
        "active": 0,
        "waiting": 1,
        "allow": (),
        "templates": {},
        "credentials": (),
    }
    return PoolStatus(**{**known, **fields})


def a_scanner(name: str = "a", **fields: Any) -> ScannerStatus:
    """One that is ready, with two places that are free."""
    known: dict[str, Any] = {
        "scanner_instance": f"lab.{name}",
        "pool": "lab",
        "name": name,
        "kind": "nessus",
        "enabled": True,
        "ready": True,
        "reason": "",
        "can_launch": True,
        "edition": "",
        "version": "",
        "capacity": 2,
        "active": 0,
        "last_seen": NOW,
    }
    return ScannerStatus(**{**known, **fields})
