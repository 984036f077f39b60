"""What an argument may be completed to: the caller's own scans, the pools, the credentials that it may name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from mcp.types import Completion

from scanpool.bridge.caller import Caller
from scanpool.bridge.following.scans import may_see
from scanpool.bridge.parts import Parts

MOST = 100
"""Values in one answer; the protocol's limit."""
LOOKED_AT = 500
"""The newest scans of all, among which a caller's are looked for."""

Completer = Callable[[Caller], Awaitable[list[str]]]


class Completions:
    """Completes arguments of prompts and of resources' addresses."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._known: Mapping[str, Completer] = {
            "task_id": self._tasks,
            "pool": self._pools,
            "scanner_pool": self._pools,
            "severity": _severities,
        }

    async def complete(self, caller: Caller, argument: str, begun: str) -> Completion:
        """The values of the argument that begin so."""
        completer = self._known.get(argument)
        values = [each for each in await completer(caller) if each.startswith(begun)] if completer else []
        return Completion(values=values[:MOST], total=len(values), has_more=len(values) > MOST)

    async def _tasks(self, caller: Caller) -> list[str]:
        if not caller.may("scan:read"):
            return []
        found = await self._parts.scanpool.list(limit=LOOKED_AT)
        return [scan.id for scan in found if may_see(caller, scan)]

    async def _pools(self, caller: Caller) -> list[str]:
        if not caller.may("pool:read"):
            return []
        return [each.pool for each in await self._parts.scanpool.pools()]


async def _severities(_caller: Caller) -> list[str]:
    return ["critical", "high", "medium", "low", "info"]
