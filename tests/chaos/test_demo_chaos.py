"""The demonstration of what survives, as a person runs it."""

from __future__ import annotations

import asyncio

import msgspec

from tests.support.cli import started

WITHIN_S = 200.0


async def test_services_and_nats_are_killed_and_every_scan_ends_once() -> None:
    process = await started("demo", "--chaos", "--seed", "7", "--json")
    async with asyncio.timeout(WITHIN_S):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()[-3000:]
    told = msgspec.json.decode(out)
    assert told["ok"]
    assert (told["seed"], len(told["kills"])) == (7, 12)
    assert told["scans"] == {"submitted": 24, "lost": 0, "completed": 24}
    assert (told["launched_twice"], told["places_held"]) == (0, 0)
    assert "killed nats-server" in err.decode()


async def test_options_that_do_not_go_together_are_refused() -> None:
    process = await started("demo", "--keep", "--chaos")
    _, err = await process.communicate()
    assert process.returncode == 2
    assert "--keep" in err.decode()
    process = await started("demo", "--seed", "1")
    _, err = await process.communicate()
    assert process.returncode == 2
    assert "--seed" in err.decode()
