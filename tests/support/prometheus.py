"""Debian's Prometheus, scraping on loopback, and what its queries answer."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.eventually import becomes
from tests.support.pages import ROOT
from tests.support.ports import own_port
from tests.support.requirements import require

RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
RULES_TEST = RULES.with_name("rules_test.yml")


def tool(name: str) -> str:
    """The path of `prometheus` or `promtool`; the test is skipped where there is none."""
    path = shutil.which(name)
    if path is None:
        require("promtool", f"{name} is not installed (Debian: apt-get install prometheus)")
    return path


@dataclass(frozen=True)
class Prometheus:
    """A Prometheus that answers."""

    http: httpx.AsyncClient

    async def query(self, expr: str) -> list[dict[str, Any]]:
        """The series that the expression gives now.

        Raises:
            ValueError: it is no expression.
        """
        answer = (await self.http.get("/api/v1/query", params={"query": expr})).json()
        if answer["status"] != "success":
            raise ValueError(f"{expr}: {answer['error']}")
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    async def rules(self) -> list[dict[str, Any]]:
        """Every rule with its health."""
        groups = (await self.http.get("/api/v1/rules")).json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    async def exemplars(self, expr: str) -> list[dict[str, Any]]:
        """Exemplars of the last hour."""
        now = time.time()
        asked = {"query": expr, "start": str(now - 3600), "end": str(now + 1)}
        found = (await self.http.get("/api/v1/query_exemplars", params=asked)).json()["data"]
        return [exemplar for series in found for exemplar in series["exemplars"]]


@asynccontextmanager
async def running_prometheus(folder: Path, targets: Sequence[str]) -> AsyncIterator[Prometheus]:
    """A Prometheus that scrapes the targets (`host:port`) every half second and evaluates the rules as often."""
    program, port = tool("prometheus"), own_port()
    config = folder / "prometheus.yml"
    config.write_text(json.dumps(_config(targets)))
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program,
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--enable-feature=exemplar-storage",
            stdout=log,
            stderr=log,
        )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            await _ready(http, process, folder / "log")
            yield Prometheus(http)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _config(targets: Sequence[str]) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": "500ms", "evaluation_interval": "500ms", "scrape_timeout": "500ms"},
        "storage": {"exemplars": {"max_exemplars": 10_000}},
        "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "scanpool", "static_configs": [{"targets": list(targets)}]}],
    }


async def _ready(http: httpx.AsyncClient, process: asyncio.subprocess.Process, log: Path) -> None:
    async def answers() -> bool:
        assert process.returncode is None, log.read_text()
        return await _answers(http)

    await becomes(answers, within_s=60)


async def _answers(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/-/ready")).status_code == 200
    except httpx.TransportError:
        return False
