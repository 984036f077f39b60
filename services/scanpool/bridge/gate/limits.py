"""How much one subject may ask of this process: requests, and scans apart from them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from scanpool.bridge.answering.refusals import Refusal
from scanpool.bridge.caller import Scope, current_caller
from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.bridge.gate.token_bucket import Bucket, full, is_full, take

LIMITED = -32010
"""The JSON-RPC code of a request that is refused for its number; of the range that implementations define."""
SUBMITS: frozenset[Scope] = frozenset({"scan:run", "scan:run:auth"})
"""Scopes of the tools that ask for a scan."""
KEPT_BUCKETS = 1024

_ANY_ERA = frozenset(
    {
        "initialize",
        "server/discover",
        "tools/list",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "prompts/list",
        "prompts/get",
        "completion/complete",
    }
)
_MODERN = frozenset({"subscriptions/listen", "tasks/get", "tasks/update", "tasks/cancel"})
"""Unknown to handshake versions of the protocol, and answered as that, however many they are."""


class Limiter:
    """Counts the calls of each subject."""

    def __init__(self, settings: BridgeSettings, clock: Callable[[], float]) -> None:
        """`clock` tells seconds that never go back."""
        self._requests = _Buckets(settings.requests_per_minute, clock)
        self._submits = _Buckets(settings.submits_per_minute, clock)

    def request(self) -> None:
        """Count a request of the caller's.

        Raises:
            Refusal: `limit`.
        """
        _check(self._requests.wait_s(current_caller().subject), "requests", self._requests.per_minute)

    def submit(self) -> None:
        """Count a call of the caller's that asks for a scan.

        Raises:
            Refusal: `limit`.
        """
        _check(self._submits.wait_s(current_caller().subject), "requests for scans", self._submits.per_minute)


class Limited:
    """Middleware: refuse what is too much. Calls of tools are left to the gate, which answers as tools do."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.request_id is not None and _counts(ctx.method, ctx.protocol_version):
            try:
                self._limiter.request()
            except Refusal as refusal:
                raise _error(refusal) from None
        return await call_next(ctx)


class _Buckets:
    """One bucket a subject; those that are full again are forgotten."""

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}

    def wait_s(self, subject: str) -> float:
        now_s = self._clock()
        taken = take(self._buckets.get(subject) or full(self.per_minute, now_s), self.per_minute, now_s)
        self._buckets[subject] = taken.bucket
        if len(self._buckets) > KEPT_BUCKETS:
            self._forget(now_s)
        return taken.retry_after_s

    def _forget(self, now_s: float) -> None:
        kept = self._buckets.items()
        self._buckets = {name: each for name, each in kept if not is_full(each, self.per_minute, now_s)}


def _check(wait_s: float, what: str, per_minute: int) -> None:
    if wait_s > 0:
        retry_after_s = math.ceil(wait_s)
        raise Refusal(
            "limit",
            f"more than {per_minute} {what} a minute",
            hint=f"wait {retry_after_s} s; wait_for_scan waits for a scan in one call",
            retryable=True,
            retry_after_s=retry_after_s,
        )


def _counts(method: str, version: str) -> bool:
    return method in _ANY_ERA or (method in _MODERN and version in MODERN_PROTOCOL_VERSIONS)


def _error(refusal: Refusal) -> MCPError:
    data = {"code": refusal.code, "retryable": True, "retry_after_s": refusal.retry_after_s, "hint": refusal.hint}
    return MCPError(code=LIMITED, message=refusal.message, data=data)
