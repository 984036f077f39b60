"""The object store: files in, files out, against a real nats-server."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from scanpool.runtime.errors import BrokerUnavailable, TopologyMissing
from scanpool.runtime.jetstream import JetStream, Write
from scanpool.runtime.objects import ObjectMissing, Objects
from scanpool_schemas.subjects import EXPORTS_BUCKET
from tests.support.broker import Stand, standing
from tests.support.eventually import eventually

MEGABYTE = 1024 * 1024
STREAM = f"OBJ_{EXPORTS_BUCKET}"


def a_file(folder: Path, size: int) -> Path:
    path = folder / "report"
    path.write_bytes(os.urandom(size))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def piece_subject(stand: Stand) -> str:
    info = await stand.jetstream.api(f"STREAM.INFO.{STREAM}", {"subjects_filter": "$O.*.C.>"}, dict[str, Any])
    (subject,) = info["state"]["subjects"]
    return str(subject)


@pytest.mark.parametrize("size", [0, 1, 256 * 1024, 8 * MEGABYTE + 17])
async def test_a_file_comes_out_byte_for_byte_as_it_went_in(tmp_path: Path, size: int) -> None:
    async with standing(("lab",)) as stand:
        objects = Objects(stand.jetstream, EXPORTS_BUCKET)
        source = a_file(tmp_path, size)
        await objects.put("one.1.x", source, "a report")
        await objects.get("one.1.x", tmp_path / "out")
        assert sha256(tmp_path / "out") == sha256(source)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "report"]


async def test_a_large_file_passes_through_bounded_memory(tmp_path: Path) -> None:
    async with standing(("lab",)) as stand:
        objects = Objects(stand.jetstream, EXPORTS_BUCKET)
        source = a_file(tmp_path, 24 * MEGABYTE)
        tracemalloc.start()
        try:
            await objects.put("one.1.x", source, "a report")
            await objects.get("one.1.x", tmp_path / "out")
            _now, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert most < 16 * MEGABYTE


async def test_an_object_that_was_never_put_is_missing(tmp_path: Path) -> None:
    async with standing(("lab",)) as stand:
        with pytest.raises(ObjectMissing, match="is not in the store"):
            await Objects(stand.jetstream, EXPORTS_BUCKET).get("absent", tmp_path / "out")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lost", [1, 4, 8])
async def test_an_object_without_all_of_its_pieces_is_missing_at_once(tmp_path: Path, lost: int) -> None:
    async with standing(("lab",)) as stand:
        objects = Objects(stand.jetstream, EXPORTS_BUCKET)
        await objects.put("one.1.x", a_file(tmp_path, 2 * MEGABYTE), "a report")
        await stand.jetstream.purge(STREAM, await piece_subject(stand), below=lost + 1)
        async with asyncio.timeout(60):
            with pytest.raises(ObjectMissing, match=f"only {8 - lost} of its 8 pieces are there"):
                await objects.get("one.1.x", tmp_path / "out")
        assert not (tmp_path / "out").exists()


async def test_an_object_that_is_not_what_was_put_is_missing(tmp_path: Path) -> None:
    async with standing(("lab",)) as stand:
        objects = Objects(stand.jetstream, EXPORTS_BUCKET)
        await objects.put("one.1.x", a_file(tmp_path, 1000), "a report")
        subject = await piece_subject(stand)
        await stand.jetstream.purge(STREAM, subject, below=2)
        await stand.jetstream.publish(Write(subject=subject, body=b"something else"))
        with pytest.raises(ObjectMissing, match="is damaged in the store"):
            await objects.get("one.1.x", tmp_path / "out")
        assert not (tmp_path / "out").exists()
        assert not (tmp_path / "out.part").exists()


async def test_a_store_that_goes_silent_in_the_middle_is_no_missing_object(tmp_path: Path) -> None:
    async with standing(("lab",)) as stand:
        objects = Objects(JetStream(stand.jetstream.client, timeout_s=0.4), EXPORTS_BUCKET)
        await objects.put("one.1.x", a_file(tmp_path, 24 * MEGABYTE), "a report")
        part = tmp_path / "out.part"
        getting = asyncio.create_task(objects.get("one.1.x", tmp_path / "out"))
        await eventually(lambda: part.exists() and part.stat().st_size > 0)
        with stand.broker.frozen(), pytest.raises(BrokerUnavailable, match="timeout"):
            await asyncio.wait_for(getting, 60)
        assert not part.exists()


async def test_a_list_has_every_object_with_its_size_and_age(tmp_path: Path) -> None:
    async with standing(("lab",)) as stand:
        objects = Objects(stand.jetstream, EXPORTS_BUCKET)
        assert await objects.list() == []
        for name in ("one.1.x", "two.1.x"):
            await objects.put(name, a_file(tmp_path, 300_000), "a report")
        await objects.delete("one.1.x")
        (left,) = await objects.list()
        assert (left.name, left.size_bytes) == ("two.1.x", 300_000)
        assert left.stored_at.tzinfo is not None


async def test_an_object_can_be_deleted_twice_and_its_bytes_are_gone(tmp_path: Path) -> None:
    async with standing(("lab",)) as stand:
        objects = Objects(stand.jetstream, EXPORTS_BUCKET)
        await objects.put("one.1.x", a_file(tmp_path, MEGABYTE), "a report")
        for _ in range(2):
            await objects.delete("one.1.x")
        await objects.delete("never there")
        with pytest.raises(ObjectMissing):
            await objects.get("one.1.x", tmp_path / "out")
        info = await stand.jetstream.api(f"STREAM.INFO.{STREAM}", None, dict[str, Any])
        assert info["state"]["bytes"] < 10_000


async def test_a_bucket_that_is_not_there_is_missing_topology(tmp_path: Path) -> None:
    async with standing() as stand:
        objects = Objects(stand.jetstream, EXPORTS_BUCKET)
        source = a_file(tmp_path, 1)
        calls = (objects.list(), objects.delete("x"), objects.get("x", tmp_path / "out"), objects.put("x", source, ""))
        for call in calls:
            with pytest.raises(TopologyMissing, match="scanpool topology apply"):
                await call
