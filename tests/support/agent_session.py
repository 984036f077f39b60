"""Writes `docs/how-to/agent-session.md` from a session with a running bridge.

    python -m tests.support.agent_session docs/how-to/agent-session.md

Ids, instants and what takes more or less time stand as they are in every run.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

from tests.support.agents import has_rules, policy
from tests.support.bridge import connected, running_bridge
from tests.support.eventually import becomes
from tests.support.pipeline import running_pipeline
from tests.support.scripted_agent import Call, ScriptedAgent

NETWORK = "10.10.0.0/29"
HOST = "10.10.0.1"
WITHIN_S = 60.0
LINE = 110
SCAN_ID = "01JD8Z4G2Q8E5W7RZ0T3B6N9KC"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
ADDRESS = "https://scanner.lab.example:8834"
INSTANT = "2026-03-01T12:00:00Z"
STEPS = (
    "It asks whether it may scan what its user named. One target is not allowed:",
    "It scans the other one. The answer comes at once, with the scan's id and what to do next:",
    "It waits. Clients that know the tasks extension of the protocol get a task here and poll that instead:",
    "It reads what was found in groups, the worst first. Names of plugins and hosts stand under `untrusted`:",
    "It asks for what is critical on one host:",
    "It reads on in the one finding that it reports, with the remedy:",
)
"""What is said before each call."""
PAGE = """\
# A session of an agent

What an agent's host and the bridge say to each other while a user asks: *are there critical findings on
`web1.lab.example`? It is in 10.10.0.0/29; have a look at 192.0.2.1 too.* It is made from a run against the emulated
scanner; ids, times and addresses are replaced. How to connect an agent: [scans for agents](agents.md).

{steps}
With that it answers: one critical finding on the host, `Larch HTTP Server < 2.2.11 Authentication Bypass` on port 80;
an update removes it; 192.0.2.1 was not scanned, since its policy does not allow it; and since the scan ran without
credentials (`authentication_status` is `not_applicable`), more may be wrong inside.

In all {calls} calls, and about {tokens} tokens of its context besides the definitions of the tools.
"""
_ID = re.compile(r"\b01[0-9A-HJKMNP-TV-Z]{24}\b")
_TRACE = re.compile(r"\b[0-9a-f]{32}\b")
_INSTANT = re.compile(r"\b20\d\d-\d\d-\d\dT[\d:.]+Z")
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
_LASTS = {"waited_s": 0, "ran_s": 1, "estimated_wait_s": 0, "estimated_wait_minutes": 0.0}


async def session() -> list[Call]:
    """The calls of the session, one for each step."""
    async with running_pipeline(clients=[policy(networks=["10.10.0.0/24"])]) as pipeline:
        await becomes(lambda: has_rules(pipeline.jetstream), within_s=WITHIN_S)
        async with running_bridge(pipeline) as bridge, connected(bridge) as client:
            agent = ScriptedAgent(client)
            checked = await agent.call("check_targets", targets=[NETWORK, "192.0.2.1"])
            allowed = [each["target"] for each in checked.answer["targets"] if each["allowed"]]
            scan = await agent.call("run_untrusted_scan", targets=allowed, name="web1 and its neighbours")
            over = await agent.follow(scan)
            task_id = over.answer["task_id"]
            await agent.call("summarize_findings", task_id=task_id, min_severity="critical", limit=2)
            filters = {"severity": "critical", "host": HOST}
            page = await agent.call("get_scan_results", task_id=task_id, filters=filters, schema_profile="summary")
            finding_id = page.answer["findings"][0]["finding_id"]
            await agent.call("get_finding", task_id=task_id, finding_id=finding_id)
    return agent.calls


def page(calls: list[Call]) -> str:
    """The session as a page."""
    steps = zip(STEPS, calls, strict=True)
    told = "\n".join(f"{number}. {say}\n\n{_shown(call)}" for number, (say, call) in enumerate(steps, start=1))
    return PAGE.format(steps=told, calls=len(calls), tokens=round(sum(each.tokens for each in calls), -2))


def calls_of(text: str) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Tool, arguments and answer of every call on a page."""
    blocks = re.findall(r"^ *```json\n(.*?)^ *```$", text, flags=re.MULTILINE | re.DOTALL)
    documents = [json.loads(block) for block in blocks]
    asked, answers = documents[::2], documents[1::2]
    return [(ask["name"], ask["arguments"], answer) for ask, answer in zip(asked, answers, strict=True)]


def normal(document: Any) -> Any:
    """The document with what differs between runs replaced."""
    match document:
        case dict():
            return {key: _LASTS.get(key, normal(each)) for key, each in document.items()}
        case list():
            return [normal(each) for each in document]
        case str():
            ids_replaced = _TRACE.sub(TRACE_ID, _ID.sub(SCAN_ID, document))
            return _INSTANT.sub(INSTANT, _ADDRESS.sub(ADDRESS, ids_replaced))
        case _:
            return document


def _shown(call: Call) -> str:
    asked = json.dumps(normal({"name": call.tool, "arguments": call.arguments}), ensure_ascii=False)
    answer = _laid_out(normal(call.answer))
    return _indented(f"```json\n{asked}\n```\n\n```json\n{answer}\n```\n")


def _laid_out(document: Any, indent: str = "") -> str:
    """As JSON; what fits into a line stands in one."""
    line = json.dumps(document, ensure_ascii=False)
    if len(indent) + len(line) <= LINE or not isinstance(document, dict | list):
        return line
    inner = indent + "  "
    if isinstance(document, list):
        parts = [_laid_out(each, inner) for each in document]
        return "[\n" + ",\n".join(inner + part for part in parts) + f"\n{indent}]"
    named = [f"{json.dumps(key)}: {_laid_out(each, inner)}" for key, each in document.items()]
    return "{\n" + ",\n".join(inner + part for part in named) + f"\n{indent}}}"


def _indented(text: str) -> str:
    """As a part of the item of the list before."""
    return "".join(f"   {line}" if line.strip() else line for line in text.splitlines(keepends=True))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(asyncio.run(session())), encoding="utf-8")
