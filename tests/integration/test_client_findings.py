"""Files of findings come out of the object store once, whole, and make room for each other."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from scanpool.client.errors import NoResult
from scanpool.client.findings_cache import FindingsCache, default_folder
from scanpool.runtime.objects import Objects
from scanpool_schemas import subjects
from scanpool_schemas.scan import Findings
from tests.support.broker import Stand, standing

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stand() -> AsyncIterator[Stand]:
    async with standing(("lab",)) as running:
        yield running


async def stored(stand: Stand, folder: Path, name: str, content: bytes) -> Findings:
    source = folder / "source"
    source.write_bytes(content)
    await Objects(stand.jetstream, subjects.FINDINGS_BUCKET).put(name, source, "for a test")
    return Findings(object=name, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content), version=1)


async def test_a_file_is_fetched_once(stand: Stand, tmp_path: Path) -> None:
    findings = await stored(stand, tmp_path, "once", b"content")
    cache = FindingsCache(stand.jetstream, tmp_path / "cache")
    path = await cache.file(findings)
    assert path.read_bytes() == b"content"
    await Objects(stand.jetstream, subjects.FINDINGS_BUCKET).delete("once")
    assert await cache.file(findings) == path
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert oct((tmp_path / "cache").stat().st_mode)[-3:] == "700"


async def test_what_is_gone_or_damaged_is_told_and_leaves_nothing(stand: Stand, tmp_path: Path) -> None:
    cache = FindingsCache(stand.jetstream, tmp_path / "cache")
    gone = Findings(object="never", sha256="0" * 64, size_bytes=1, version=1)
    with pytest.raises(NoResult, match="never"):
        await cache.file(gone)
    stored_as = await stored(stand, tmp_path, "other", b"other bytes")
    wrong = Findings(object="other", sha256="1" * 64, size_bytes=stored_as.size_bytes, version=1)
    with pytest.raises(NoResult, match="damaged"):
        await cache.file(wrong)
    assert list((tmp_path / "cache").iterdir()) == []


async def test_files_that_were_not_used_for_longest_make_room(stand: Stand, tmp_path: Path) -> None:
    cache = FindingsCache(stand.jetstream, tmp_path / "cache", limit_bytes=250)
    first, second, third = [await stored(stand, tmp_path, f"room-{n}", bytes([n]) * 100) for n in (1, 2, 3)]
    paths = [await cache.file(each) for each in (first, second)]
    for path, age in zip(paths, (100, 200), strict=True):
        os.utime(path, (path.stat().st_mtime - age, path.stat().st_mtime - age))
    newest = await cache.file(third)
    assert [path.exists() for path in (*paths, newest)] == [True, False, True]


async def test_a_file_larger_than_all_the_room_is_kept_while_it_is_the_last_one(stand: Stand, tmp_path: Path) -> None:
    cache = FindingsCache(stand.jetstream, tmp_path / "cache", limit_bytes=10)
    path = await cache.file(await stored(stand, tmp_path, "large", b"x" * 1000))
    assert path.exists()


@pytest.mark.parametrize(("environ", "folder"), [({"XDG_CACHE_HOME": "/c"}, "/c/scanpool/findings"), ({}, None)])
async def test_the_folder_is_where_caches_are(environ: dict[str, str], folder: str | None) -> None:
    assert default_folder(environ) == (Path(folder) if folder else Path.home() / ".cache/scanpool/findings")
