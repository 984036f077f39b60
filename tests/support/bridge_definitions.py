"""What a bridge offers, without a NATS behind it: tools, resources, prompts; and the reference page about them.

`python -m tests.support.bridge_definitions docs/reference/mcp.md` writes the page;
`... tests/contract/golden/bridge/tools.json` the tools as clients see them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.types import Prompt, Resource, ResourceTemplate, Tool
from nats.aio.client import Client as NatsClient

from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.bridge.offering.tools import all_tools
from scanpool.bridge.parts import parts_of
from scanpool.bridge.server import make_server
from scanpool.runtime.jetstream import JetStream


@dataclass(frozen=True)
class Offered:
    """What a client is told that there is."""

    tools: list[Tool]
    resources: list[Resource]
    templates: list[ResourceTemplate]
    prompts: list[Prompt]
    scopes: dict[str, str]
    """By tool; clients are not told."""


async def offered() -> Offered:
    """As a client without a network sees it."""
    parts = parts_of(JetStream(NatsClient()), BridgeSettings())
    async with Client(make_server(parts)) as client:
        return Offered(
            tools=(await client.list_tools()).tools,
            resources=(await client.list_resources()).resources,
            templates=(await client.list_resource_templates()).resource_templates,
            prompts=(await client.list_prompts()).prompts,
            scopes={each.name: each.scope for each in all_tools(parts)},
        )


def definitions(tools: list[Tool]) -> list[dict[str, Any]]:
    """As they go over the wire."""
    return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]


def page(found: Offered) -> str:
    """The reference page."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Offered) -> Iterator[str]:
    yield from (
        "# MCP bridge: tools, resources, prompts",
        "",
        "What `scanpool bridge` offers to agents, generated from code. To set it up: [agents](../how-to/agents.md).",
        "",
        "## Tools",
    )
    for tool in found.tools:
        yield from _tool(tool, found.scopes[tool.name])
    yield from ("", "## Resources", "", "| address | what it is |", "| --- | --- |")
    for resource in found.resources:
        yield f"| `{resource.uri}` | {resource.description} |"
    for template in found.templates:
        yield f"| `{template.uri_template}` | {template.description} |"
    yield from ("", "## Prompts", "", "| prompt | arguments | what it is for |", "| --- | --- | --- |")
    for prompt in found.prompts:
        names = ", ".join(f"`{each.name}`" for each in prompt.arguments or [])
        yield f"| `{prompt.name}` | {names} | {prompt.description} |"


def _tool(tool: Tool, scope: str) -> Iterator[str]:
    assert tool.annotations is not None
    kind = "reads" if tool.annotations.read_only_hint else "changes something"
    yield from ("", f"### {tool.name}", "", " ".join((tool.description or "").split()), "", f"Scope `{scope}`; {kind}.")
    arguments = tool.input_schema.get("properties", {})
    if arguments:
        yield from ("", "| argument | type | |", "| --- | --- | --- |")
    required = tool.input_schema.get("required", [])
    for name, schema in arguments.items():
        needed = "required" if name in required else _default(schema)
        said = "; ".join(part for part in (schema.get("description", ""), needed) if part)
        yield f"| `{name}` | {_type(schema)} | {said} |".replace("<pool>", "`<pool>`").replace(
            "<scanner>", "`<scanner>`"
        )
    answer = ", ".join(f"`{name}`" for name in (tool.output_schema or {}).get("properties", {}))
    yield from ("", f"Answers {answer}.")


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    bounds = [f"{sign} {schema[key]}" for key, sign in (("minimum", "≥"), ("maximum", "≤")) if key in schema]
    return " ".join([schema.get("type", "object"), *bounds])


def _default(schema: dict[str, Any]) -> str:
    return f"default `{json.dumps(schema['default'])}`" if "default" in schema else ""


if __name__ == "__main__":
    destination = Path(sys.argv[1])
    everything = asyncio.run(offered())
    as_json = json.dumps(definitions(everything.tools), indent=1) + "\n"
    destination.write_text(as_json if destination.suffix == ".json" else page(everything))
