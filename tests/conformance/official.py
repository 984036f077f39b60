"""Scenarios of the protocol's conformance suite, run one by one against a server."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.node import CONFORMANCE, Npx

BASELINE = Path(__file__).with_name("expected-failures.yml")

ON_THE_BRIDGE = (
    "server-initialize",
    "server-session-lifecycle",
    "server-stateless",
    "ping",
    "tools-list",
    "resources-list",
    "prompts-list",
    "sep-2164-resource-not-found",
    "dns-rebinding-protection",
    "http-header-validation",
    "caching",
    "input-required-result-unsupported-methods",
)
"""Those that call no tool of their own."""
ON_THE_FIXTURE = (
    "tasks-lifecycle",
    "tasks-capability-negotiation",
    "tasks-wire-fields",
    "tasks-request-state-removal",
    "tasks-mrtr-input",
    "tasks-request-headers",
    "tasks-dispatch-and-envelope",
    "tasks-required-task-error",
    "tasks-mrtr-composition",
)


@dataclass(frozen=True)
class Outcome:
    """What came of one thing that was checked."""

    where: str
    name: str
    good: bool
    told: str
    """In a few words."""
    detail: str = ""
    """What was printed, where it is bad."""
    checks: int = 1
    passed: int = 1

    @property
    def line(self) -> str:
        """For a person."""
        return f"{'ok  ' if self.good else 'FAIL'}  {self.where:<9} {self.name:<44} {self.told}"


async def scenario(npx: Npx, where: str, name: str, url: str) -> Outcome:
    """Run it; it is good where it fails no other check than the baseline has, and every one of those."""
    results = npx.folder / name
    shutil.rmtree(results, ignore_errors=True)
    words = ("server", "--url", url, "--scenario", name, "--expected-failures", str(BASELINE), "-o", str(results))
    said = await npx.run(CONFORMANCE, *words)
    counted = _counted(results)
    passed, checks = counted["SUCCESS"], counted["SUCCESS"] + counted["FAILURE"] + counted["WARNING"]
    good = said.code == 0 and checks > 0
    told = f"{passed}/{checks}" + (" as the baseline says" if good and passed < checks else "")
    return Outcome(where, name, good, told, "" if good else said.out + said.err, checks, passed)


def _counted(results: Path) -> Counter[str]:
    """How many checks ended how."""
    counted: Counter[str] = Counter()
    for file in results.rglob("checks.json"):
        counted.update(check["status"] for check in json.loads(file.read_text(encoding="utf-8")))
    return counted
