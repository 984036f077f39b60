"""The snippets of the page for agents: they are read as hosts read them, and what they start answers."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml
from mcp import Client, StdioServerParameters

from scanpool.bridge.caller import SCOPES
from scanpool.runtime.configuration import load
from tests.support.bridge import bridge_at
from tests.support.broker import standing
from tests.support.pages import ROOT
from tests.support.processes import SCANPOOL
from tests.support.scanners_file import a_configuration, a_pool, a_scanner, written

PAGE = (ROOT / "docs" / "how-to" / "agents.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def servers() -> Iterator[dict[str, Any]]:
    """The server `scanpool` of every host's snippet."""
    for document in (*map(json.loads, blocks("json")), *map(tomllib.loads, blocks("toml"))):
        (named,) = (document[key] for key in ("mcpServers", "servers", "mcp_servers") if key in document)
        yield named["scanpool"]


def started_ones() -> list[dict[str, Any]]:
    return [each for each in servers() if "command" in each]


def test_every_host_either_starts_it_or_names_where_it_is() -> None:
    assert len(list(servers())) == 5
    for each in servers():
        assert ("command" in each) != ("url" in each)
        assert each.get("url", "https://scanpool.corp.example/mcp") == "https://scanpool.corp.example/mcp"


async def test_what_a_host_starts_answers() -> None:
    assert started_ones()
    async with standing(("lab",)) as stand:
        for each in started_ones():
            assert (each["command"], set(each["env"])) == ("scanpool", {"SCANPOOL_NATS_URL"})
            environ = {"SCANPOOL_NATS_URL": stand.broker.url}
            async with Client(StdioServerParameters(command=str(SCANPOOL), args=each["args"], env=environ)) as client:
                assert (await client.list_tools()).tools


async def test_the_request_that_shows_that_it_answers_does() -> None:
    (command,) = (block for block in blocks("sh") if block.startswith("curl"))
    words = shlex.split(command.replace("\\\n", " "))
    headers = dict(words[place + 1].split(": ", 1) for place, word in enumerate(words) if word == "-H")
    body = words[words.index("-d") + 1]
    async with (
        standing(("lab",)) as stand,
        bridge_at(stand.broker.url) as bridge,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        answer = await http.post(bridge.url, content=body, headers=headers)
    assert answer.status_code == 200
    assert '"protocolVersion":"2025-06-18"' in answer.text


def test_the_policy_of_the_page_is_a_good_one(tmp_path: Any) -> None:
    (policy,) = map(yaml.safe_load, blocks("yaml"))
    credential = {"id": "linux-audit", "kind": "ssh_password", "username": "audit", "password": {"env": "PASSWORD"}}
    document = a_configuration(pools={"internal": a_pool(scanners=[a_scanner(url="https://nessus1.corp.example")])})
    file = written(tmp_path, {**document, **policy, "credentials": [{**credential, "pools": ["internal"]}]})
    configuration = load(file, {"ACCESS_KEY": "a", "SECRET_KEY": "s"})
    assert [each.subject for each in configuration.clients] == ["local", "triage-agent"]


def test_every_scope_is_told() -> None:
    section = PAGE.split("## Tokens", 1)[1].split("## Single", 1)[0]
    assert {each for each in SCOPES if f"`{each}`" in section} == set(SCOPES)


@pytest.mark.parametrize("name", ["requests_per_minute", "submits_per_minute"])
def test_limits_are_those_of_the_bridge(name: str) -> None:
    from scanpool.bridge.configuration.settings import BridgeSettings

    assert str(getattr(BridgeSettings(), name)) in PAGE
