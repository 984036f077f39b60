"""When a finding was seen: when the scanner was done with its host."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from scanpool.report.findings.export.origin import origin
from scanpool.report.findings.store import Store

_HOST = "SELECT ended_at, started_at FROM hosts WHERE name = ? AND address = ?"
_MOST_KEPT = 1024


class Moments:
    """Looks up the times of hosts; a time without a zone, which is the scanner's clock, is taken for UTC."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._of_scan = origin(store).ended_at
        self._known: dict[tuple[str, str], datetime | None] = {}

    def of(self, row: Mapping[str, Any]) -> datetime | None:
        """When the host was done, else when it was begun, else when the scan was over; None where nobody says."""
        key = (row["host"], row["host_ip"])
        if key not in self._known:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            self._known[key] = self._read(key)
        return self._known[key]

    def _read(self, key: tuple[str, str]) -> datetime | None:
        texts = next(self._store.rows(_HOST, key), ())
        return next((_moment(text) for text in texts if text), self._of_scan)


def _moment(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)
