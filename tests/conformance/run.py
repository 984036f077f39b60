"""Checks the bridge with the protocol's own conformance suite and inspector, of pinned versions.

    python -m tests.conformance.run [--cache DIR]

Installs Node from PyPI and both tools from npm below the cache folder, starts NATS, emulated scanners, the bridge and a
server of fixture tools, and prints a line for each scenario. Ends with 0 where all are as expected, with 1 where one is
not, with 2 where the tools cannot be had.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from scanpool.runtime import logs
from tests.conformance.fixture import fixture_server
from tests.conformance.inspected import Inspector, inspected
from tests.conformance.node import CONFORMANCE, INSPECTOR, Missing, Npx, prepare
from tests.conformance.official import ON_THE_BRIDGE, ON_THE_FIXTURE, Outcome, scenario
from tests.support.agents import has_rules, policy
from tests.support.bridge_command import bridge_command
from tests.support.eventually import becomes
from tests.support.pipeline import Scanner, running_pipeline

UNHINDERED = 100_000
"""Requests a minute: a suite asks more often than an agent may."""
SLOW = {"lab": (Scanner("s1", options={"scan_seconds": 3000.0}),)}
"""A scan takes five seconds, so that a wait for it is one: a task, where the inspector knows tasks."""


async def outcomes(npx: Npx) -> AsyncIterator[Outcome]:
    """Each thing that is checked, as it is known."""
    async with running_pipeline(SLOW, clients=[policy()]) as pipeline:
        await becomes(lambda: has_rules(pipeline.jetstream))
        with tempfile.TemporaryDirectory(prefix="scanpool-conformance-") as folder:
            limits = {"requests_per_minute": UNHINDERED, "submits_per_minute": UNHINDERED}
            async with (
                bridge_command(pipeline.nats.url, Path(folder), **limits) as bridge,
                fixture_server(pipeline.jetstream) as fixture,
            ):
                for name in ON_THE_BRIDGE:
                    yield await scenario(npx, "bridge", name, bridge.url)
                for name in ON_THE_FIXTURE:
                    yield await scenario(npx, "fixture", name, fixture)
                async for each in inspected(Inspector(npx, pipeline.nats.url, bridge.url)):
                    yield each


async def run(npx: Npx) -> int:
    """Print every line and the sum; answers the exit code."""
    found = []
    async for each in outcomes(npx):
        print(each.line, flush=True)
        if each.detail:
            print(each.detail, file=sys.stderr, flush=True)
        found.append(each)
    bad = [each.name for each in found if not each.good]
    checks, passed = sum(each.checks for each in found), sum(each.passed for each in found)
    end = f"not as expected: {', '.join(bad)}" if bad else "all as expected"
    print(f"{len(found)} scenarios and calls, {passed} of {checks} checks passed; {end}")
    return 1 if bad else 0


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "scanpool" / "conformance"
    parser.add_argument("--cache", type=Path, default=cache, help="where Node and both tools are kept")
    arguments = parser.parse_args()
    try:
        npx = prepare(arguments.cache.resolve())
    except Missing as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{CONFORMANCE}, {INSPECTOR}", flush=True)
    logs.configure(level="error", stream=sys.stderr)
    return asyncio.run(run(npx))


if __name__ == "__main__":
    sys.exit(main())
