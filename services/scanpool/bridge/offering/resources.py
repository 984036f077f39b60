"""Resources: what tools answer, under an address that a client can keep, read again and listen to."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, cast

from mcp.server import MCPServer
from mcp.server.caching import CacheableMethod
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.types import Annotations, ReadResourceResult
from pydantic import BaseModel, ValidationError

from scanpool.bridge.answering.models.results import FindingFilters
from scanpool.bridge.answering.refusals import EXPECTED, Refusal, refusal_of
from scanpool.bridge.caller import Scope, current_caller
from scanpool.bridge.offering.tools.policy import own_policy
from scanpool.bridge.offering.tools.pools import pool_status
from scanpool.bridge.parts import Parts
from scanpool.bridge.reading.details import finding_detail
from scanpool.bridge.reading.lines import report_lines
from scanpool.bridge.reading.pages import DEFAULT_LIMIT, Asked, findings_page
from scanpool.bridge.reading.summaries import findings_summary
from scanpool.report.findings.profiles import FINDING_FIELDS, PROFILES

READ: CacheableMethod = "resources/read"
KEPT_MS = 3_600_000
"""How long a client may keep what is read of a scan that is over: it changes no more."""
JSON = "application/json"
LINES = "application/jsonl"
_LARGEST_LIMIT = 100
_DIGITS = 9
_NOT_FOUND = frozenset({"unknown_task", "unknown_pool", "expired", "no_findings", "scope", "invalid_argument"})
_OF_A_SCAN = re.compile(r"scan://([A-Za-z0-9_-]{1,64})/.*")


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceDefinition:
    """A resource, or all of a form: the function's docstring says what it is, its parameters stand in the address."""

    uri: str
    read: Callable[..., Awaitable[BaseModel | str]]
    title: str
    scope: Scope
    mime_type: str = JSON
    for_people: bool = False
    """Meant for a person to keep rather than for a model to read."""


class Addresses:
    """Reads what stands under an address, for the caller of the request."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def scan_status(self, task_id: str) -> BaseModel:
        """A scan as it is now; can be listened to."""
        caller = current_caller()
        return await self._parts.statuses.of(await self._parts.scans.status(caller, task_id), caller)

    async def scan_summary(self, task_id: str) -> BaseModel:
        """A scan's findings by plugin, the worst first."""
        return await findings_summary(self._parts, current_caller(), task_id)

    async def scan_findings(
        self,
        task_id: str,
        severity: str | None = None,
        host: str | None = None,
        cursor: str | None = None,
        limit: str = str(DEFAULT_LIMIT),
    ) -> BaseModel:
        """A page of a scan's findings, the worst first."""
        most = max(1, min(_whole("limit", limit), _LARGEST_LIMIT))
        asked = Asked(filters=_filters(severity, host), limit=most, cursor=cursor)
        return await findings_page(self._parts, current_caller(), task_id, asked)

    async def scan_finding(self, task_id: str, finding_id: str) -> BaseModel:
        """One finding of a scan, with what is known of it."""
        return await finding_detail(self._parts, current_caller(), task_id, _whole("finding_id", finding_id))

    async def scan_report(self, task_id: str) -> str:
        """All findings of a scan, a JSON line each."""
        return await report_lines(self._parts, current_caller(), task_id)

    async def pool(self, pool: str) -> BaseModel:
        """A pool, what holds it back, and its scanners."""
        return await pool_status(self._parts, current_caller(), pool)

    async def policy(self) -> BaseModel:
        """What you may scan, pool by pool."""
        return await own_policy(self._parts, current_caller())

    async def profiles(self) -> str:
        """The fields of findings, and which of them each schema_profile holds."""
        known = {name: {"type": field.kind, "needs": list(field.needs)} for name, field in FINDING_FIELDS.items()}
        return json.dumps({"fields": known, "profiles": {name: list(of) for name, of in PROFILES.items()}})


def all_resources(parts: Parts) -> tuple[ResourceDefinition, ...]:
    """The resources in a fixed order."""
    at = Addresses(parts)
    return (
        _of_a_scan("status", at.scan_status, "Scan status"),
        _of_a_scan("summary", at.scan_summary, "Findings by plugin"),
        _of_a_scan("findings{?severity,host,cursor,limit}", at.scan_findings, "Findings"),
        _of_a_scan("findings/{finding_id}", at.scan_finding, "Finding"),
        ResourceDefinition(
            uri="scan://{task_id}/report.jsonl",
            read=at.scan_report,
            title="All findings",
            scope="scan:read",
            mime_type=LINES,
            for_people=True,
        ),
        ResourceDefinition(uri="pool://{pool}/status", read=at.pool, title="Pool status", scope="pool:read"),
        ResourceDefinition(uri="policy://targets", read=at.policy, title="What may be scanned", scope="scan:read"),
        ResourceDefinition(uri="schema://profiles", read=at.profiles, title="Fields of findings", scope="scan:read"),
    )


def _of_a_scan(what: str, read: Callable[..., Awaitable[BaseModel]], title: str) -> ResourceDefinition:
    return ResourceDefinition(uri=f"scan://{{task_id}}/{what}", read=read, title=title, scope="scan:read")


def add_resources(server: MCPServer[object], parts: Parts) -> None:
    """Register every resource with the server."""
    for each in all_resources(parts):
        server.resource(
            each.uri,
            name=each.read.__name__,
            title=each.title,
            description=each.read.__doc__,
            mime_type=each.mime_type,
            annotations=Annotations(audience=["user"] if each.for_people else ["user", "assistant"]),
        )(_answering(each))


class Kept:
    """Middleware: what is read of a scan that is over may be kept; of any other nothing may."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Set how long the answer holds."""
        result = await call_next(ctx)
        named = _OF_A_SCAN.fullmatch(str((ctx.params or {}).get("uri", ""))) if ctx.method == READ else None
        if named is None or not isinstance(result, dict | ReadResourceResult):
            return result
        try:
            over = (await self._parts.scans.status(current_caller(), named[1])).is_over
        except Refusal:
            return result
        if not over:
            return result
        if isinstance(result, dict):
            return {**result, "ttlMs": KEPT_MS, "cacheScope": "private"} if "ttlMs" in result else result
        return result.model_copy(update={"ttl_ms": KEPT_MS, "cache_scope": "private"})


def _answering(definition: ResourceDefinition) -> Callable[..., Awaitable[str]]:
    @wraps(definition.read)
    async def answering(*args: Any, **arguments: Any) -> str:
        if not current_caller().may(definition.scope):
            raise ResourceNotFoundError("there is no such resource, or your token has not the scope for it")
        try:
            found = await definition.read(*args, **arguments)
        except EXPECTED as error:
            raise _error(refusal_of(error)) from error
        return found if isinstance(found, str) else found.model_dump_json(by_alias=True, exclude_none=True)

    answering.__annotations__ = {**definition.read.__annotations__, "return": str}
    return cast(Callable[..., Awaitable[str]], answering)


def _error(refusal: Refusal) -> ResourceError:
    if refusal.code in _NOT_FOUND:
        return ResourceNotFoundError(refusal.message)
    return ResourceError(f"{refusal.message}; {refusal.hint}")


def _whole(name: str, text: str) -> int:
    """A number in an address; the SDK's own error would repeat what stood in its place."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        raise Refusal("invalid_argument", f"{name} is no whole number", hint=f"write {name} as 12")
    return int(text)


def _filters(severity: str | None, host: str | None) -> FindingFilters:
    given = {name: value for name, value in (("severity", severity), ("host", host)) if value}
    try:
        return FindingFilters.model_validate(given)
    except ValidationError as error:
        raise Refusal(
            "invalid_argument", "severity or host is none that there can be", hint="as severity=critical,high"
        ) from error
