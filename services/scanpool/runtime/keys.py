"""Reads the keys of a pool's bucket, which people can write and delete too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from scanpool.runtime.errors import BrokerError, SequenceMoved
from scanpool.runtime.jetstream import JetStream, Write
from scanpool_schemas import decoding, subjects

_T = TypeVar("_T", bound=msgspec.Struct)


class KeyUnreadable(BrokerError):
    """A key of a pool holds what no version of scanpool wrote."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Key(Generic[_T]):
    """A key as it was read."""

    value: _T | None
    """None where it was never written, or deleted."""
    revision: int
    """What its next write expects; 0 where it was never written."""


async def read_key(jetstream: JetStream, pool: str, name: str, kind: type[_T]) -> Key[_T]:
    """The key as it is now.

    Raises:
        KeyUnreadable: names the key and the remedy.
        BrokerUnavailable, TopologyMissing: it could not be read.
    """
    stored = await jetstream.last(subjects.pool_stream(pool), subjects.key(pool, name))
    if stored is None:
        return Key(value=None, revision=0)
    if not stored.body:  # the marker of a deletion
        return Key(value=None, revision=stored.sequence)
    try:
        return Key(value=decoding.decode(stored.body, kind), revision=stored.sequence)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        bucket = subjects.pool_bucket(pool)
        raise KeyUnreadable(
            f"key {name} of bucket {bucket} was not written by scanpool ({error}); "
            f"delete it with `nats kv del {bucket} {name}`, and it is written anew"
        ) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed(Generic[_T]):
    """A key before and after a change."""

    before: _T | None
    after: _T


async def change_key(
    jetstream: JetStream, pool: str, name: str, kind: type[_T], change: Callable[[_T | None], _T]
) -> Changed[_T]:
    """Set the key to what the change makes of it, decided anew whenever somebody else was faster.

    Nothing is written where the change leaves it as it is.

    Raises: as `read_key`, and `PublishUnknown` where it is not known whether it was written.
    """
    while True:
        key = await read_key(jetstream, pool, name, kind)
        after = change(key.value)
        if after == key.value:
            return Changed(before=key.value, after=after)
        body = msgspec.json.encode(after)
        try:
            await jetstream.publish(Write(subject=subjects.key(pool, name), body=body, expected_sequence=key.revision))
        except SequenceMoved:
            continue
        return Changed(before=key.value, after=after)
