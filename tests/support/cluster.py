"""Three nats-servers that are one cluster on loopback; tests kill the one that leads."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx

from scanpool.runtime.nats_binary import nats_server
from tests.support.eventually import becomes, once
from tests.support.ports import own_port

META = "meta"
"""The group of servers that places streams and consumers."""
WITHIN_S = 60.0
"""A deadline that only a broken cluster meets."""


@dataclass
class Node:
    """One server of the cluster, with a store and ports of its own."""

    name: str
    folder: Path
    client_port: int
    route_port: int
    monitor_port: int
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.client_port}"

    @property
    def is_up(self) -> bool:
        """Whether its process lives."""
        return self.process is not None and self.process.returncode is None

    async def start(self, routes: list[str]) -> None:
        """Start it, on what its store holds."""
        self.folder.mkdir(exist_ok=True)
        config = self.folder / "nats.conf"
        config.write_text(self._config(routes))
        with (self.folder / "nats.log").open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                nats_server(),
                "-c",
                str(config),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    async def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None and self.is_up:
            self.process.kill()
            await self.process.wait()

    async def seen(self, path: str) -> Mapping[str, Any]:
        """What its monitor answers; nothing while it does not."""
        try:
            async with httpx.AsyncClient(timeout=2) as http:
                answer = await http.get(f"http://127.0.0.1:{self.monitor_port}{path}")
        except httpx.HTTPError:
            return {}
        document: Mapping[str, Any] = answer.json()
        return document

    def _config(self, routes: list[str]) -> str:
        return f"""
            host: 127.0.0.1
            port: {self.client_port}
            http: "127.0.0.1:{self.monitor_port}"
            server_name: {self.name}
            jetstream {{ store_dir: {json.dumps(str(self.folder / "store"))} }}
            cluster {{
              name: scanpool-test
              host: 127.0.0.1
              port: {self.route_port}
              routes: {json.dumps(routes)}
            }}
        """


class Cluster:
    """The three servers."""

    def __init__(self, folder: Path) -> None:
        self.nodes = [
            Node(
                name=f"n{number}",
                folder=folder / f"n{number}",
                client_port=own_port(),
                route_port=own_port(),
                monitor_port=own_port(),
            )
            for number in (1, 2, 3)
        ]
        self.killed: list[tuple[str, str]] = []
        """Each time a server was killed: what it led, and its name."""

    @property
    def url(self) -> str:
        """All servers, as services take them."""
        return ",".join(node.url for node in self.nodes)

    async def start(self) -> None:
        """Start all, and wait until they are one."""
        for node in self.nodes:
            await node.start(self._routes)
        await self.until_whole()

    async def stop(self) -> None:
        """End all."""
        await asyncio.gather(*(node.kill() for node in self.nodes))

    async def until_whole(self) -> None:
        """Wait until every server has caught up with the others."""
        await becomes(self._is_whole, within_s=WITHIN_S)

    async def leader(self, of: str) -> Node:
        """The server that leads the stream, or `meta`."""

        async def leaders() -> list[Node]:
            names = [await self._leader_as_seen_by(node, of) for node in self.nodes]
            return [each for name in names for each in self.nodes if each.name == name and each.is_up]

        return (await once(leaders, within_s=WITHIN_S))[0]

    async def strike(self, target: str, down_s: float) -> None:
        """Kill the server that leads the target, start it again after a while, and wait until all have caught up."""
        victim = await self.leader(target)
        await victim.kill()
        self.killed.append((target, victim.name))
        await anyio.sleep(down_s)
        await victim.start(self._routes)
        await self.until_whole()

    @property
    def _routes(self) -> list[str]:
        return [f"nats://127.0.0.1:{node.route_port}" for node in self.nodes]

    async def _leader_as_seen_by(self, node: Node, of: str) -> str:
        if of == META:
            seen = await node.seen("/jsz")
            return str(seen.get("meta_cluster", {}).get("leader", ""))
        seen = await node.seen("/jsz?accounts=true&streams=true")
        streams = [each for account in seen.get("account_details", []) for each in account.get("stream_detail", [])]
        return next((str(each["cluster"].get("leader", "")) for each in streams if each["name"] == of), "")

    async def _is_whole(self) -> bool:
        answers = await asyncio.gather(*(node.seen("/healthz") for node in self.nodes))
        meta = [await node.seen("/jsz") for node in self.nodes]
        peers = {len(each.get("meta_cluster", {}).get("replicas") or []) for each in meta} | {0}
        return all(each.get("status") == "ok" for each in answers) and max(peers) == len(self.nodes) - 1


@asynccontextmanager
async def running_cluster() -> AsyncIterator[Cluster]:
    """Three servers whose stores are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="scanpool-cluster-") as folder:
        cluster = Cluster(Path(folder))
        try:
            await cluster.start()
            yield cluster
        finally:
            await cluster.stop()
