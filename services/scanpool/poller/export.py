"""A scan's report, from its scanner through the disk into the object store."""

from __future__ import annotations

from pathlib import Path

import anyio.from_thread
import anyio.to_thread
import zstandard

from scanpool.runtime.objects import Objects
from scanpool.runtime.work_folder import work_folder
from scanpool.scanners.scanner import Scanner
from scanpool_schemas.scan import Export, Exporting

LEVEL = 3
PIECE_BYTES = 1 << 20


class Exporter:
    """Fetches reports; what is on disk is gone when it is done."""

    def __init__(self, objects: Objects, work_dir: Path | None) -> None:
        self._objects = objects
        self._work_dir = work_dir

    async def export(self, scan: Exporting, scanner: Scanner, nonce: str) -> Export:
        """Fetch the report, compress it and store it under a new name.

        Raises:
            ScannerError: the scanner did not give it.
            BrokerUnavailable: the object store did not take it.
        """
        with work_folder("export", self._work_dir) as folder:
            report = await scanner.export(scan.scanner_scan_id, folder / "report.nessus")
            packed = folder / "report.zst"
            await anyio.to_thread.run_sync(_compress, report.path, packed)
            name = f"{scan.id}.{scan.run}.{nonce}"
            await self._objects.put(name, packed, f"raw report of scan {scan.id}, run {scan.run}, zstd")
        return Export(object=name, sha256=report.sha256, size_bytes=report.size_bytes)


def _compress(source: Path, destination: Path) -> None:
    """In a thread, which ends soon after whoever waits for it was told to stop."""
    with (
        source.open("rb") as raw,
        destination.open("wb") as packed,
        zstandard.ZstdCompressor(level=LEVEL).stream_writer(packed, size=source.stat().st_size) as writer,
    ):
        while piece := raw.read(PIECE_BYTES):
            anyio.from_thread.check_cancelled()
            writer.write(piece)
