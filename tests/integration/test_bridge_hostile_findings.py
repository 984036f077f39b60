"""What a scanned host wrote reaches an agent below `untrusted` alone: cleaned, bounded, and still there to be seen."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from mcp import Client

from scanpool.bridge.caller import called_by
from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.bridge.reading.lines import report_lines
from scanpool.bridge.reading.rows import RESULT_BYTES
from tests.support.bridge import called, connected, refusal, running_bridge
from tests.support.bridge_findings import completed, hostile_hosts, reported, tampered
from tests.support.hostile import INVISIBLE, LONG, MARK, VISIBLE, check_document
from tests.support.pipeline import Pipeline, running_pipeline
from tests.support.reports import host, item

pytestmark = pytest.mark.asyncio(loop_scope="module")

COUNT = len((*VISIBLE, *INVISIBLE))
PROFILES = ("minimal", "summary", "brief", "full")
SETTINGS = BridgeSettings(requests_per_minute=100_000)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pipeline]:
    """Scans: one that is hostile in every text, an earlier harmless one, one with long texts, one tampered with."""
    folder = tmp_path_factory.mktemp("hostile")
    files = {name: folder / f"{name}.sqlite" for name in ("harmless", "hostile", "long", "tampered")}
    hosts = {
        "harmless": [host("10.0.0.77", item(1))],
        "hostile": hostile_hosts(),
        "long": hostile_hosts(LONG, "é" * 1_000_000, f"{MARK}\n" * 100_000, "\U0001f98a" * 250_000),
        "tampered": hostile_hosts(*VISIBLE),
    }
    async with running_pipeline(services=()) as running:
        for name, path in files.items():
            result = reported(path, *hosts[name])
            if name == "tampered":
                tampered(path)
            await completed(running.jetstream, path, result, targets=(f"{name}.example",))
        yield running


async def told(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """What the tool answered, which fits and in which nothing hostile stands where it may not."""
    document = await called(client, tool, **arguments)
    check_document(document)
    assert len(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()) <= RESULT_BYTES
    return document


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("scan", ["hostile", "long", "tampered"])
async def test_no_tool_tells_it_anywhere_else(pipeline: Pipeline, scan: str, mode: str) -> None:
    async with running_bridge(pipeline, SETTINGS) as bridge, connected(bridge, mode=mode) as client:
        for profile in PROFILES:
            page = {"task_id": scan, "schema_profile": profile, "include_output": True}
            assert check_document(await told(client, "get_scan_results", **page)) >= 3
            assert check_document(await told(client, "get_scan_results", **page, format="jsonl")) >= 1
        for group_by in ("plugin", "host", "family"):
            assert check_document(await told(client, "summarize_findings", task_id=scan, group_by=group_by)) >= 2
        await told(client, "summarize_findings", task_id=scan, group_by="cve")
        detail = await told(client, "get_finding", task_id=scan, finding_id=1)
        assert detail["finding"]["plugin_id"] == 1001
        for base, other in ((scan, "harmless"), ("harmless", scan)):
            assert check_document(await told(client, "compare_scans", base_task_id=base, task_id=other)) >= 2


async def test_what_is_seen_is_there_to_be_looked_at(pipeline: Pipeline) -> None:
    async with running_bridge(pipeline, SETTINGS) as bridge, connected(bridge) as client:
        page = await told(client, "get_scan_results", task_id="hostile", custom_fields=["solution"])
        shown = {each["untrusted"]["solution"] for each in page["findings"]}
        detail = await told(client, "get_finding", task_id="hostile", finding_id=3)
    assert {*VISIBLE} <= shown
    assert len(page["findings"]) == page["total"] == COUNT
    assert MARK in detail["finding"]["untrusted"]["plugin_output"]
    assert detail["finding"]["untrusted"]["cve"]
    assert "cve" not in detail["finding"]


async def test_the_lines_of_a_page_are_json_each(pipeline: Pipeline) -> None:
    async with running_bridge(pipeline, SETTINGS) as bridge, connected(bridge) as client:
        page = await told(client, "get_scan_results", task_id="hostile", schema_profile="full", format="jsonl", limit=3)
    lines = [json.loads(each) for each in page["untrusted"]["jsonl"].split("\n")]
    assert [each.get("type") for each in lines] == ["schema", "scan_metadata", None, None, None, "pagination"]
    assert all(MARK in each["plugin_name"] for each in lines[2:-1])
    assert lines[-1]["next_cursor"] == page["next_cursor"]


@pytest.mark.parametrize("number", [1, 2, 3, 4])
async def test_a_long_output_is_read_to_its_end_in_parts_that_fit(pipeline: Pipeline, number: int) -> None:
    async with running_bridge(pipeline, SETTINGS) as bridge, connected(bridge) as client:
        part = await told(client, "get_finding", task_id="long", finding_id=number)
        length, end = part["output_length"], part["next_offset"]
        assert length >= 100_000
        last = await told(client, "get_finding", task_id="long", finding_id=number, offset=length - 10)
        following = await told(client, "get_finding", task_id="long", finding_id=number, offset=end)
        beyond = await told(client, "get_finding", task_id="long", finding_id=number, offset=10**12)
    assert len(part["finding"]["untrusted"]["plugin_output"]) == end >= 1000
    assert len(last["finding"]["untrusted"]["plugin_output"]) == 10
    assert "next_offset" not in last
    assert following["output_offset"] == end
    assert beyond["finding"]["untrusted"]["plugin_output"] == ""


async def test_a_filter_out_of_a_hostile_text_does_no_more_than_find_it(pipeline: Pipeline) -> None:
    async with running_bridge(pipeline, SETTINGS) as bridge, connected(bridge) as client:
        page = await told(client, "get_scan_results", task_id="hostile", filters={"text": VISIBLE[3][:60]})
        problem = await refusal(client, "get_scan_results", task_id="hostile", custom_fields=["\x1b[2J\u202eplugin"])
    assert page["total"] == 1
    assert "\x1b" not in problem["message"]
    assert "\u202e" not in problem["message"]


async def test_the_whole_report_is_lines_of_the_same_kind(pipeline: Pipeline) -> None:
    async with running_bridge(pipeline, SETTINGS) as bridge:
        with called_by(SETTINGS.local):
            text = await report_lines(bridge.parts, SETTINGS.local, "hostile")
    first, *rows, end = [json.loads(each) for each in text.splitlines()]
    assert (first["type"], first["task_id"]) == ("scan_metadata", "hostile")
    assert (end["total"], end["returned"], len(rows)) == (COUNT, COUNT, COUNT)
    assert all(check_document(row) >= 3 for row in rows)


async def test_what_no_xml_may_hold_is_refused_with_its_report(tmp_path: Path) -> None:
    broken = host("10.0.0.1", item(1, "PLACE").replace("PLACE", "&#xD83D;"))
    with pytest.raises(AssertionError, match="report"):
        reported(tmp_path / "broken.sqlite", broken)
