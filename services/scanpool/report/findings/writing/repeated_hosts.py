"""Hosts that a report has more than once are one: what the first appearance does not say is taken from the others."""

from __future__ import annotations

import json
import sqlite3
from itertools import groupby
from operator import itemgetter
from typing import Any

import zstandard

from scanpool.report.findings.packing import Packer

_TEXTS = ("fqdn", "netbios", "os", "started_at", "ended_at")
_REPEATED = f"""
SELECT p.place, h.tags, {", ".join(f"h.{text}" for text in _TEXTS)}
FROM spool.host h JOIN spool.host_place p ON p.id = h.id
WHERE p.place IN (SELECT place FROM spool.host_place GROUP BY place HAVING COUNT(*) > 1)
ORDER BY p.place, h.id
"""  # noqa: S608  # names of ours
_MERGED = f"UPDATE hosts SET tags = ?, {', '.join(f'{text} = ?' for text in _TEXTS)} WHERE id = ?"  # noqa: S608  # ours
_MOST_PROPERTIES = 4_096
"""From so many on, further appearances add none."""


def merge(database: sqlite3.Connection) -> None:
    """Complete the rows of `hosts` that the first appearances filled."""
    pack, unpack = Packer().pack, zstandard.ZstdDecompressor().decompress
    for place, appearances in groupby(database.execute(_REPEATED), key=itemgetter(0)):
        properties: dict[str, Any] = {}
        texts = [""] * len(_TEXTS)
        for _, packed, *more in appearances:
            texts = [first or later for first, later in zip(texts, more, strict=True)]
            if len(properties) < _MOST_PROPERTIES:
                properties = json.loads(unpack(packed)) | properties
        database.execute(_MERGED, (pack(properties), *texts, place))
