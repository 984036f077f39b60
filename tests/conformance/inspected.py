"""What the protocol's inspector makes of the bridge, over HTTP in both eras and over stdio."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from tests.conformance.node import INSPECTOR, Npx, Said
from tests.conformance.official import Outcome
from tests.support.processes import SCANPOOL

IS_ERROR = 5
"""The inspector's exit code for a tool that answers with an error."""
ERAS = ("modern", "legacy")
QUESTIONS = ("prompts/list", "resources/list", "resources/templates/list")


@dataclass(frozen=True)
class Inspector:
    """The inspector before a bridge."""

    npx: Npx
    nats_url: str
    url: str

    async def over_http(self, era: str, *words: str) -> Said:
        """One method, over HTTP in the era."""
        return await self._run(self.url, "--transport", "http", "--protocol-era", era, *words)

    async def over_stdio(self, era: str, *words: str) -> Said:
        """One method of a bridge that the inspector starts."""
        environ = ("-e", f"SCANPOOL_NATS_URL={self.nats_url}")
        return await self._run(*environ, "--protocol-era", era, *words, "--", str(SCANPOOL), "bridge", "--stdio")

    async def _run(self, *words: str) -> Said:
        return await self.npx.run(INSPECTOR, "--cli", *words)


async def inspected(inspector: Inspector) -> AsyncIterator[Outcome]:
    """Each thing that is checked, as it is known."""
    for era in ERAS:
        where = f"http {era}"
        said = await inspector.over_http(era, "--method", "tools/list", "--strict")
        yield outcome(where, "tools/list --strict", said, "17 tools", _tools(said) == 17)
        for method in QUESTIONS:
            said = await inspector.over_http(era, "--method", method, "-q")
            yield outcome(where, method, said, "answered", said.code == 0)
        async for each in _a_scan(inspector, era):
            yield each
    for era in ERAS:
        said = await inspector.over_stdio(era, "--method", "tools/list", "--strict")
        yield outcome(f"stdio {era}", "tools/list --strict", said, "17 tools", _tools(said) == 17)
        said = await inspector.over_stdio(era, *_call("list_pools"))
        yield outcome(f"stdio {era}", "tools/call list_pools", said, "answered", '"lab"' in said.out)


async def _a_scan(inspector: Inspector, era: str) -> AsyncIterator[Outcome]:
    """A scan from its submission to its findings."""
    where = f"http {era}"
    asked = {"targets": ["10.10.0.0/29"], "name": "inspected"}
    said = await inspector.over_http(
        era, "--method", "tools/call", "--tool-name", "run_untrusted_scan", "--tool-args-json", json.dumps(asked), "-q"
    )
    task_id = _structured(said).get("task_id", "none")
    yield outcome(where, "tools/call run_untrusted_scan", said, f"task {task_id}", task_id != "none")
    said = await inspector.over_http(era, *_call("wait_for_scan", task_id=task_id))
    status = _structured(said).get("status")
    yield outcome(where, "tools/call wait_for_scan", said, f"status {status}", status == "completed")
    uri = f"scan://{task_id}/findings?severity=critical&limit=1"
    said = await inspector.over_http(era, "--method", "resources/read", "--uri", uri, "-q")
    yield outcome(where, "resources/read findings", said, "a page", "finding_id" in said.out)
    said = await inspector.over_http(era, *_call("get_scan_status", task_id="nope"))
    yield outcome(where, "an unknown task", said, "an error result", said.code == IS_ERROR, code=IS_ERROR)


def outcome(where: str, name: str, said: Said, told: str, good: bool, *, code: int = 0) -> Outcome:
    """Good where the inspector ended with the code too."""
    good = good and said.code == code
    detail = "" if good else f"exit code {said.code}\n{said.out}{said.err}"
    return Outcome(where, name, good, told if good else f"exit code {said.code}", detail, 1, int(good))


def _call(tool: str, **arguments: str) -> Sequence[str]:
    given = [word for name, value in arguments.items() for word in ("--tool-arg", f"{name}={value}")]
    return ("--method", "tools/call", "--tool-name", tool, *given, "-q")


def _document(said: Said) -> dict[str, object]:
    try:
        document = json.loads(said.out)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _tools(said: Said) -> int:
    tools = _document(said).get("tools")
    return len(tools) if isinstance(tools, list) else 0


def _structured(said: Said) -> dict[str, str]:
    """What the tool answered."""
    document = _document(said)
    found = document.get("structuredContent", document)
    return found if isinstance(found, dict) else {}
