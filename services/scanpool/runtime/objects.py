"""The object store: files in, files out, never whole in memory."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import nats.errors
import nats.js.errors
from nats.js.api import ObjectMeta, ObjectMetaOptions
from nats.js.object_store import ObjectStore

from scanpool.runtime.errors import BrokerUnavailable
from scanpool.runtime.jetstream import JetStream

CHUNK_BYTES = 256 * 1024
_GET_BASE_S = 30.0
_GET_BYTES_PER_S = 2 * 1024 * 1024
"""Slower than any store that works; a get whose pieces are gone would wait for ever."""


class ObjectMissing(Exception):
    """The store has no such object, or not all of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredObject:
    """An object as the store lists it."""

    name: str
    size_bytes: int
    stored_at: datetime


class Objects:
    """One bucket of the object store."""

    def __init__(self, jetstream: JetStream, bucket: str) -> None:
        self._jetstream = jetstream
        self._bucket = bucket

    async def put(self, name: str, source: Path, description: str) -> None:
        """Store the file's bytes under a new name.

        Raises:
            BrokerUnavailable: it was not stored whole.
        """
        meta = ObjectMeta(name=name, description=description, options=ObjectMetaOptions(max_chunk_size=CHUNK_BYTES))
        try:
            store = await self._store()
            with source.open("rb") as file:
                await store.put(name, file, meta=meta)
        except (nats.errors.Error, TimeoutError) as error:
            raise BrokerUnavailable(f"storing object {name}: {_said(error)}") from error

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
            limit_s = _GET_BASE_S + (info.size or 0) / _GET_BYTES_PER_S
            with partial.open("wb") as file:
                async with asyncio.timeout(limit_s):
                    await store.get(name, writeinto=file)
            partial.rename(destination)
        except TimeoutError as error:
            raise ObjectMissing(f"object {name}: its pieces did not arrive in time") from error
        except (
            nats.js.errors.ObjectNotFoundError,
            nats.js.errors.ObjectDeletedError,
            nats.js.errors.NotFoundError,
        ) as error:
            raise ObjectMissing(f"object {name} is not in the store") from error
        except nats.js.errors.DigestMismatchError as error:
            raise ObjectMissing(f"object {name} is damaged in the store") from error
        except nats.errors.Error as error:
            raise BrokerUnavailable(f"reading object {name}: {_said(error)}") from error
        finally:
            partial.unlink(missing_ok=True)

    async def delete(self, name: str) -> None:
        """Remove the object; one that is gone already is removed.

        Raises:
            BrokerUnavailable: no answer.
        """
        try:
            store = await self._store()
            with contextlib.suppress(nats.js.errors.ObjectNotFoundError, nats.js.errors.ObjectDeletedError):
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
        return await self._jetstream.client.jetstream(timeout=10).object_store(self._bucket)


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__
