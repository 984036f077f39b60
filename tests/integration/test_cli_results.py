"""`scanpool results` of scans that ran: findings, exports, the report itself."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.support.cli import Ended, scanpool, started
from tests.support.pipeline import Pipeline, Scanner, running_pipeline

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    async with running_pipeline({"lab": (Scanner("s1"),)}) as running:
        asked = {"scan_type": "authenticated", "credential_ref": "linux"}
        scan = await running.client.submit(["10.10.0.0/29"], name="weekly", id="weekly", **asked)
        assert (await running.client.wait(scan.id, timeout=60)).status == "completed"
        yield running


@pytest.fixture
def environ(pipeline: Pipeline, tmp_path: Path) -> dict[str, str]:
    return {"SCANPOOL_NATS_URL": pipeline.nats.url, "XDG_CACHE_HOME": str(tmp_path / "cache")}


async def export(environ: dict[str, str], format: str, *words: str) -> Ended:
    ended = await scanpool("results", "export", "weekly", "--format", format, *words, environ=environ)
    assert (ended.code, ended.err) == (0, "")
    return ended


async def test_an_export_has_every_finding_of_the_scan_and_says_which_scan_it_is(
    pipeline: Pipeline, environ: dict[str, str]
) -> None:
    count = (await pipeline.client.results("weekly")).results_summary.items
    assert count > 10
    lines = [json.loads(line) for line in (await export(environ, "jsonl")).out.splitlines()]
    assert len(lines) == count + 3
    assert (lines[0]["total"], lines[1]["scan"]["id"]) == (count, "weekly")
    (run,) = (await export(environ, "sarif")).document["runs"]
    assert (len(run["results"]), run["automationDetails"]["id"]) == (count, "scanpool/lab/weekly/1")


async def test_the_report_is_exported_as_the_scanner_gave_it(
    pipeline: Pipeline, environ: dict[str, str], tmp_path: Path
) -> None:
    target = tmp_path / "weekly.nessus"
    ended = await scanpool(
        "results", "export", "weekly", "--format", "nessus", "--output", str(target), environ=environ
    )
    assert ended.code == 0
    summary = (await pipeline.client.results("weekly")).results_summary
    content = target.read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (summary.size_bytes, summary.sha256)
    assert (await export(environ, "nessus")).out.encode() == content


async def test_findings_of_the_report_and_of_the_scan_are_the_same(environ: dict[str, str], tmp_path: Path) -> None:
    target = tmp_path / "weekly.nessus"
    await scanpool("results", "export", "weekly", "--format", "nessus", "--output", str(target), environ=environ)
    of_scan, of_file = [await rows(environ, named) for named in ("weekly", str(target))]
    assert of_scan == of_file
    assert of_scan["total"] > 10


async def rows(environ: dict[str, str], named: str) -> Any:
    found = (await scanpool("results", "findings", named, "--json", "--profile", "full", environ=environ)).document
    return {name: value for name, value in found.items() if name != "next_cursor"}


async def test_a_scan_without_findings_and_one_that_is_not_there_are_told(environ: dict[str, str]) -> None:
    unknown = await scanpool("results", "findings", "never", "--json", environ=environ)
    assert (unknown.code, unknown.document["error"]["code"]) == (1, "unknown_scan")
    ended = await scanpool("results", "export", "never", "--format", "nessus", environ=environ)
    assert (ended.code, ended.out, "never" in ended.err) == (1, "", True)


async def test_a_reader_that_has_seen_enough_ends_the_export(environ: dict[str, str]) -> None:
    process = await started("results", "export", "weekly", "--format", "jsonl", environ=environ)
    assert process.stdout is not None
    await process.stdout.readline()
    process.stdout._transport.close()  # type: ignore[attr-defined]  # as a pipe into head does
    async with asyncio.timeout(60):
        assert await process.wait() in (0, 141)
