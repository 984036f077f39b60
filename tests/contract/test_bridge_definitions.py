"""What agents are told that the bridge can do: a contract with them, small enough to be read before the first word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mcp.types import Prompt, Resource, ResourceTemplate

from tests.support.bridge_definitions import definitions, offered, page

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden" / "bridge" / "tools.json"
BUDGET_BYTES = 20_000

ESTABLISHED = {
    "run_untrusted_scan": {
        "targets",
        "name",
        "description",
        "idempotency_key",
        "scanner_pool",
        "scanner_instance",
        "schema_profile",
    },
    "run_authenticated_scan": {
        "targets",
        "name",
        "scan_type",
        "description",
        "idempotency_key",
        "scanner_pool",
        "scanner_instance",
        "schema_profile",
    },
    "get_scan_status": {"task_id"},
    "get_scan_results": {"task_id", "page", "page_size", "schema_profile", "custom_fields", "filters"},
    "list_scanners": {"scanner_pool"},
    "list_pools": set(),
    "get_pool_status": {"scanner_pool"},
    "get_queue_status": {"scanner_pool"},
    "list_tasks": {"limit", "status_filter", "scanner_pool", "target_filter"},
}
"""Names and arguments that programs out there use."""
MUTATING = {"run_untrusted_scan", "run_authenticated_scan", "cancel_scan"}


async def test_the_tools_are_what_they_were() -> None:
    """After a change that is meant: `python -m tests.support.bridge_definitions <the golden file>`."""
    assert definitions((await offered()).tools) == json.loads(GOLDEN.read_text())


async def test_all_definitions_together_are_small() -> None:
    told = json.dumps(definitions((await offered()).tools), separators=(",", ":"), ensure_ascii=False)
    assert len(told.encode()) <= BUDGET_BYTES


async def test_every_tool_says_what_it_does_what_it_takes_and_what_it_answers() -> None:
    tools = (await offered()).tools
    assert len({tool.name for tool in tools}) == len(tools) == 17
    for tool in tools:
        assert tool.description, tool.name
        assert tool.title, tool.name
        assert tool.input_schema["additionalProperties"] is False, tool.name
        assert tool.output_schema is not None, tool.name
        assert (tool.output_schema["type"], bool(tool.output_schema["properties"])) == ("object", True), tool.name


async def test_only_tools_that_change_nothing_say_so() -> None:
    for tool in (await offered()).tools:
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint == (tool.name not in MUTATING), tool.name
    destructive = {
        each.name for each in (await offered()).tools if each.annotations and each.annotations.destructive_hint
    }
    assert destructive == MUTATING


@pytest.mark.parametrize(("name", "arguments"), ESTABLISHED.items())
async def test_the_established_tools_keep_their_arguments(name: str, arguments: set[str]) -> None:
    tool = next(each for each in (await offered()).tools if each.name == name)
    assert arguments <= set(tool.input_schema.get("properties", {}))
    assert not {"ssh_password", "escalation_password"} & set(tool.input_schema.get("properties", {}))


async def test_every_prompt_and_resource_is_described() -> None:
    found = await offered()
    described: list[Prompt | Resource | ResourceTemplate] = [*found.prompts, *found.resources, *found.templates]
    assert len(described) == 12
    assert all(each.description for each in described)


async def test_the_reference_page_is_what_the_code_says() -> None:
    """After a change that is meant: `python -m tests.support.bridge_definitions docs/reference/mcp.md`."""
    path = ROOT / "docs" / "reference" / "mcp.md"
    if not path.exists():
        pytest.skip("docs are not here: the wheel is tested by itself")
    assert path.read_text() == page(await offered())
