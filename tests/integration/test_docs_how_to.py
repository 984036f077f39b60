"""The Python of the how-to pages, run as it stands against a real pipeline."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.pages import ROOT
from tests.support.pipeline import Pipeline, Scanner, running_pipeline

pytestmark = pytest.mark.asyncio(loop_scope="module")

_BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = ("publish-a-scan", "use-the-client-library", "subscribe")
BLOCKS = [
    pytest.param(found["code"], id=f"{page}-{number}")
    for page in PAGES
    for number, found in enumerate(_BLOCK.finditer((ROOT / f"docs/how-to/{page}.md").read_text(encoding="utf-8")), 1)
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    async with running_pipeline({"internal": (Scanner("s1", capacity=8),)}) as running:
        ended = await running.client.submit(["10.10.0.1"], name="one that a new subscriber is told of")
        await running.client.wait(ended.id, timeout=60)
        yield running


@pytest.mark.parametrize("code", BLOCKS)
async def test_the_code_runs_as_it_stands(pipeline: Pipeline, code: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "error", "-c", code),
        env={**os.environ, "SCANPOOL_NATS_URL": pipeline.nats.url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert out, "it prints something"


async def test_what_the_pages_asked_for_was_scanned(pipeline: Pipeline) -> None:
    names = {scan.name: scan.id for scan in await pipeline.client.list()}
    assert {"weekly", "patch level", "one host", "from a script"} <= set(names)
    assert (await pipeline.client.wait(names["patch level"], timeout=60)).status == "completed"
