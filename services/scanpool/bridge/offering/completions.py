"""What an argument may be completed to: the caller's own scans, the pools, the credentials that it may name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from mcp.types import Completion

from scanpool.bridge.caller import Caller
from scanpool.bridge.following.scans import owner_for
from scanpool.bridge.parts import Parts

MOST = 100
"""Values in one answer; the protocol's limit."""

Completer = Callable[[Caller, str], Awaitable[Completion]]


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
        return await completer(caller, begun) if completer else _of([], begun)

    async def _tasks(self, caller: Caller, begun: str) -> Completion:
        """Of the newest scans; one that is over and gone is none."""
        if not caller.may("scan:read"):
            return _of([], begun)
        values, total = await self._parts.owned.ids(owner_for(caller), begun, MOST)
        return Completion(values=values, total=total, has_more=total > len(values))

    async def _pools(self, caller: Caller, begun: str) -> Completion:
        if not caller.may("pool:read"):
            return _of([], begun)
        return _of([each.pool for each in await self._parts.scanpool.pools()], begun)


async def _severities(_caller: Caller, begun: str) -> Completion:
    return _of(["critical", "high", "medium", "low", "info"], begun)


def _of(known: Sequence[str], begun: str) -> Completion:
    values = [each for each in known if each.startswith(begun)]
    return Completion(values=values[:MOST], total=len(values), has_more=len(values) > MOST)
