"""Fetching the raw report of a scan."""

from __future__ import annotations

import hashlib
from pathlib import Path

import anyio.to_thread
import zstandard

from scanpool.client.errors import NoResult
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.objects import ObjectMissing, Objects
from scanpool_schemas import subjects
from scanpool_schemas.scan import Export

_PIECE_BYTES = 256 * 1024


async def download(jetstream: JetStream, export: Export, destination: Path) -> None:
    """Write the report to the file, byte for byte as the scanner gave it; the file is there whole or not at all.

    Raises:
        NoResult: it is no longer in the object store, or damaged there.
    """
    packed = destination.with_name(destination.name + ".zst")
    unpacked = destination.with_name(destination.name + ".part")
    try:
        await Objects(jetstream, subjects.EXPORTS_BUCKET).get(export.object, packed)
        digest = await anyio.to_thread.run_sync(_unpack, packed, unpacked)
        if digest != export.sha256:
            raise NoResult(f"report {export.object} is damaged: its SHA-256 is not that of the export")
        unpacked.replace(destination)
    except ObjectMissing as error:
        raise NoResult(f"the report is gone: {error}") from error
    except zstandard.ZstdError as error:
        raise NoResult(f"report {export.object} is damaged: {error}") from error
    finally:
        packed.unlink(missing_ok=True)
        unpacked.unlink(missing_ok=True)


def _unpack(packed: Path, destination: Path) -> str:
    """Unpack and answer the hex SHA-256 of what came out."""
    digest = hashlib.sha256()
    with (
        packed.open("rb") as source,
        zstandard.ZstdDecompressor().stream_reader(source) as reader,
        destination.open("wb") as target,
    ):
        while piece := reader.read(_PIECE_BYTES):
            digest.update(piece)
            target.write(piece)
    return digest.hexdigest()
