"""The object store: files in, files out, never whole in memory."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BufferedWriter
from pathlib import Path
from typing import Any

import msgspec
import nats.errors
import nats.js.errors
from nats.js.api import ObjectInfo, ObjectMetaOptions
from nats.js.object_store import ObjectStore

from scanpool.runtime.errors import BrokerError, BrokerUnavailable, TopologyMissing
from scanpool.runtime.jetstream import JetStream, Write

CHUNK_BYTES = 256 * 1024


class ObjectMissing(Exception):
    """The store has no such object, or not all of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredObject:
    """An object as the store lists it."""

    name: str
    size_bytes: int
    stored_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pieces:
    """What was stored of a file."""

    number: int
    size_bytes: int
    digest: str


class Objects:
    """One bucket of the object store."""

    def __init__(self, jetstream: JetStream, bucket: str) -> None:
        self._jetstream = jetstream
        self._bucket = bucket
        self._stream = f"OBJ_{bucket}"

    async def put(self, name: str, source: Path, description: str) -> None:
        """Store the file's bytes under a new name. Nothing is read: who may store need not be able to read.

        Raises:
            BrokerUnavailable: it was not stored whole.
            TopologyMissing: the bucket does not exist; so for every call here.
        """
        try:
            await self._store()
        except nats.errors.Error as error:
            raise BrokerUnavailable(f"storing object {name}: {_said(error)}") from error
        nuid = secrets.token_hex(16)
        pieces = f"$O.{self._bucket}.C.{nuid}"
        try:
            stored = await self._put_pieces(pieces, source)
            entry = ObjectInfo(name=name, bucket=self._bucket, description=description, nuid=nuid)
            await self._put_entry(entry, stored)
        except BrokerError as error:
            await self._drop(pieces)
            raise BrokerUnavailable(f"storing object {name}: {error}") from error

    async def _put_pieces(self, subject: str, source: Path) -> _Pieces:
        digest, size, number = hashlib.sha256(), 0, 0
        with source.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, CHUNK_BYTES):
                await self._jetstream.publish(Write(subject=subject, body=piece))
                digest.update(piece)
                size, number = size + len(piece), number + 1
        return _Pieces(number=number, size_bytes=size, digest=_digest(digest.digest()))

    async def _put_entry(self, info: ObjectInfo, stored: _Pieces) -> None:
        info.size, info.chunks, info.digest = stored.size_bytes, stored.number, stored.digest
        info.mtime = datetime.now(UTC).isoformat()
        info.options = ObjectMetaOptions(max_chunk_size=CHUNK_BYTES)
        subject = f"$O.{self._bucket}.M.{base64.urlsafe_b64encode(info.name.encode()).decode()}"
        body = msgspec.json.encode(info.as_dict())
        await self._jetstream.publish(Write(subject=subject, body=body, headers={"Nats-Rollup": "sub"}))

    async def _drop(self, pieces: str) -> None:
        """Pieces of an object that will never be whole take no room; where NATS does not answer, age removes them."""
        with contextlib.suppress(BrokerError):
            await self._jetstream.api(f"STREAM.PURGE.{self._stream}", {"filter": pieces}, dict[str, Any])

    async def get(self, name: str, destination: Path) -> None:
        """Write the object's bytes to the file; the digest is checked before it is named so.

        Raises:
            ObjectMissing: it is not there, or not whole.
            BrokerUnavailable: no answer.
        """
        partial = destination.with_name(destination.name + ".part")
        try:
            store = await self._store()
            info = await store.get_info(name)
            with partial.open("wb") as file:
                await self._fetch(info, file)
            partial.replace(destination)
        except nats.js.errors.NotFoundError as error:
            raise ObjectMissing(f"object {name} is not in the store") from error
        except nats.errors.Error as error:
            raise BrokerUnavailable(f"reading object {name}: {_said(error)}") from error
        finally:
            partial.unlink(missing_ok=True)

    async def _fetch(self, info: ObjectInfo, file: BufferedWriter) -> None:
        """Piece by piece: nats-py's own get waits for ever for a piece that is gone, and cannot be given up cleanly."""
        pieces, sequence, digest = f"$O.{self._bucket}.C.{info.nuid}", 0, hashlib.sha256()
        for number in range(info.chunks or 0):
            stored = await self._jetstream.next_from(self._stream, sequence + 1, pieces)
            if stored is None:
                raise ObjectMissing(
                    f"object {info.name} is not whole: only {number} of its {info.chunks} pieces are there"
                )
            digest.update(stored.body)
            file.write(stored.body)
            sequence = stored.sequence
        if info.digest != _digest(digest.digest()):
            raise ObjectMissing(f"object {info.name} is damaged in the store")

    async def delete(self, name: str) -> None:
        """Remove the object; one that is gone already is removed.

        Raises:
            BrokerUnavailable: no answer.
        """
        try:
            store = await self._store()
            with contextlib.suppress(nats.js.errors.ObjectNotFoundError):
                await store.delete(name)
        except nats.errors.Error as error:
            raise BrokerUnavailable(f"deleting object {name}: {_said(error)}") from error

    async def list(self) -> list[StoredObject]:
        """All objects of the bucket.

        Raises:
            BrokerUnavailable: no answer.
        """
        try:
            store = await self._store()
            found = await store.list(ignore_deletes=True)
        except nats.js.errors.NotFoundError:
            return []
        except nats.errors.Error as error:
            raise BrokerUnavailable(f"listing objects: {_said(error)}") from error
        return [
            StoredObject(name=info.name, size_bytes=info.size or 0, stored_at=datetime.fromisoformat(info.mtime))
            for info in found
            if info.mtime
        ]

    async def _store(self) -> ObjectStore:
        try:
            return await self._jetstream.client.jetstream(timeout=10).object_store(self._bucket)
        except nats.js.errors.NotFoundError as error:
            raise TopologyMissing(
                f"bucket {self._bucket} of the object store does not exist; run `scanpool topology apply`"
            ) from error


def _digest(sha256: bytes) -> str:
    return f"SHA-256={base64.urlsafe_b64encode(sha256).decode()}"


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__
