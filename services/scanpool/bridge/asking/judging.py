"""A caller's request for a scan, out of a tool's arguments; and what the policy says of it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import msgspec

from scanpool.bridge.answering.refusals import EXPECTED, Refusal, refusal_of
from scanpool.bridge.asking.policy import Policy, Ruled, denied
from scanpool.bridge.caller import current_caller
from scanpool.bridge.parts import Parts
from scanpool.client import AmbiguousScan, UnknownScan
from scanpool.coordination.client_policy import Confirm, Denied
from scanpool_schemas.names import derived_scan_id, new_scan_id
from scanpool_schemas.request import ScanRequest, decode_scan_request
from scanpool_schemas.targets import Targets

_SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """What a tool was called with."""

    fields: dict[str, Any]
    """Of the request."""
    scanner_pool: str | None
    scanner_instance: str | None
    """`<pool>.<scanner>`, or the scanner's name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A request that may be made, once it is confirmed where there is a question."""

    request: ScanRequest
    where: Ruled
    scan_id: str
    """Derived from owner and idempotency key, or from the approval that came with the call; else a new one."""
    repeated: bool = False
    """It was made before, and nothing is judged again: it is the same scan."""
    question: str | None = None
    """What a person has to be asked first."""


async def judged(parts: Parts, policy: Policy, ask: Ask, seal: str | None) -> Judged | Refusal:
    """What is to be done about it; a refusal is the answer where it may not be, or cannot be judged now."""
    try:
        return await _judged(parts, policy, ask, seal)
    except EXPECTED as error:
        return refusal_of(error)


async def _judged(parts: Parts, policy: Policy, ask: Ask, seal: str | None) -> Judged:
    pool, scanner = place(ask.scanner_pool, ask.scanner_instance)
    request = _request(ask, scanner)
    where = await policy.ruled(pool)
    scan_id = _scan_id(request, seal, parts)
    if (request.idempotency_key or seal) and await _is_known(parts, scan_id, where.pool):
        return Judged(request=request, where=where, scan_id=scan_id, repeated=True)
    _check_scanner(request, where)
    judgement = await policy.judged(request, where, parts.now())
    match judgement.decision:
        case Denied() as denial:
            raise denied(denial)
        case Confirm(why):
            text = question(request, where.pool, judgement.targets, why)
            return Judged(request=request, where=where, scan_id=scan_id, question=text)
        case _:
            return Judged(request=request, where=where, scan_id=scan_id)


def place(scanner_pool: str | None, scanner_instance: str | None) -> tuple[str | None, str | None]:
    """The pool and the scanner that are meant.

    Raises:
        Refusal: they contradict each other.
    """
    if not scanner_instance:
        return scanner_pool or None, None
    pool, dot, scanner = scanner_instance.rpartition(".")
    if not dot:
        return scanner_pool or None, scanner
    if scanner_pool and scanner_pool != pool:
        raise Refusal(
            "invalid_argument",
            "scanner_instance names another pool than scanner_pool",
            hint="give scanner_instance as list_scanners shows it, and leave scanner_pool out",
        )
    return pool, scanner


def question(request: ScanRequest, pool: str, targets: Targets, why: str) -> str:
    """What a person is asked: all that the scan will touch, in words of ours and in normalised targets."""
    texts = targets.texts
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    kind = "an intrusive scan" if request.intensity == "intrusive" else "a scan"
    credential = f" with credential {request.credential_ref}" if request.credential_ref else ""
    return (
        f"Start {kind} of {', '.join(texts[:_SHOWN])}{more} ({targets.address_count:,} addresses) "
        f"in pool {pool}{credential}? You are asked because {why}."
    )


def _request(ask: Ask, scanner: str | None) -> ScanRequest:
    caller = current_caller()
    fields = {name: value for name, value in ask.fields.items() if value is not None}
    if fields.get("intensity") == "intrusive" and not caller.may("scan:intrusive"):
        raise Refusal(
            "scope",
            "your token does not have the scope 'scan:intrusive' that an intrusive scan needs",
            hint="ask with intensity safe, or ask those who run scanpool for a token with this scope",
        )
    document = {**fields, "scanner": scanner, "owner": caller.subject, "client": caller.subject}
    return decode_scan_request(msgspec.json.encode(document))


def _check_scanner(request: ScanRequest, where: Ruled) -> None:
    """As admission does, which would say which scanners there are: that is for who may read pools."""
    if request.scanner is not None and request.scanner not in {each.name for each in where.rules.scanners}:
        raise Refusal(
            "invalid_argument",
            f"pool {where.pool} has no scanner of this name (unknown_scanner)",
            hint="leave scanner_instance out; list_scanners shows the scanners there are",
        )


def _scan_id(request: ScanRequest, seal: str | None, parts: Parts) -> str:
    key = request.idempotency_key or (f"approval {seal}" if seal else None)
    if key is not None:
        return derived_scan_id(request.owner or "", key)
    return new_scan_id(parts.now(), secrets.token_bytes(10))


async def _is_known(parts: Parts, scan_id: str, pool: str) -> bool:
    """Whether the caller's scan of this id is there already.

    Raises:
        Refusal: it is, in another pool: nobody could tell the two apart by their id.
    """
    try:
        found = await parts.scanpool.status(scan_id)
    except UnknownScan:
        return False
    except AmbiguousScan:
        return True
    if found.pool != pool:
        raise Refusal(
            "conflict",
            f"this idempotency_key was used for a scan in pool {found.pool}",
            hint="use another idempotency_key in this pool",
            task_id=scan_id,
        )
    return True
