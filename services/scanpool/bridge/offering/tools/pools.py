"""Pools, their scanners and their queues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from scanpool.bridge.answering.models.pools import (
    PoolInfo,
    PoolList,
    PoolStatusInfo,
    QueuedTask,
    QueueInfo,
    QueueStatus,
    ScannerInfo,
    ScannerList,
)
from scanpool.bridge.answering.toolkit import ToolDefinition
from scanpool.bridge.asking.policy import Ruled
from scanpool.bridge.caller import Caller, current_caller
from scanpool.bridge.following.estimate import position
from scanpool.bridge.following.scans import may_see
from scanpool.bridge.following.told import addresses
from scanpool.bridge.offering.tools.policy import nameable
from scanpool.bridge.parts import Parts
from scanpool.client import PoolStatus, ScannerStatus
from scanpool.client.stats import PoolStats
from scanpool_schemas.keys import PoolRules
from scanpool_schemas.status import ScanStatus

SHOWN_TASKS = 10


def tools(parts: Parts) -> tuple[ToolDefinition, ...]:
    """The tools of this topic."""

    async def list_scanners(scanner_pool: str | None = None) -> ScannerList:
        """The scanners of a pool, or of all pools, with their load and capacity."""
        found = await parts.scanpool.scanners(pool=scanner_pool)
        told = [await _addresses(parts, current_caller(), pool) for pool in dict.fromkeys(each.pool for each in found)]
        urls = {instance: url for each in told for instance, url in each.items()}
        return ScannerList(scanners=[_scanner(each, urls) for each in found], total=len(found))

    async def list_pools() -> PoolList:
        """The pools of scanners, with their load and capacity."""
        found = [_pool(each) for each in await parts.scanpool.pools()]
        return PoolList(pools=found, total=len(found))

    async def get_pool_status(scanner_pool: str | None = None) -> PoolStatusInfo:
        """One pool (without a name the default one): its load, what holds it back, what may be scanned with what."""
        return await pool_status(parts, current_caller(), scanner_pool)

    async def get_queue_status(scanner_pool: str | None = None) -> QueueStatus:
        """What waits and runs in a pool, or in all pools; of waiting scans only your own are named."""
        stats = await parts.scanpool.stats(pool=scanner_pool)
        return QueueStatus(pools=[await _queue(parts, each, current_caller()) for each in stats])

    return (
        ToolDefinition(call=list_scanners, title="Scanners", scope="pool:read"),
        ToolDefinition(call=list_pools, title="Pools", scope="pool:read"),
        ToolDefinition(call=get_pool_status, title="Pool status", scope="pool:read"),
        ToolDefinition(call=get_queue_status, title="Queue status", scope="pool:read"),
    )


async def pool_status(parts: Parts, caller: Caller, name: str | None) -> PoolStatusInfo:
    """The pool of this name; without one the default one.

    Raises:
        UnknownPool: there is none.
    """
    pool = await parts.scanpool.pool(name)
    rules = await parts.lookup.rules(pool.pool) or PoolRules()
    urls = addresses(caller, pool.pool, rules)
    scanners = [_scanner(each, urls) for each in await parts.scanpool.scanners(pool=pool.pool)]
    named = nameable(caller, Ruled(pool=pool.pool, rules=rules))
    return PoolStatusInfo(
        pool=_pool(pool),
        held_back=held_back(pool),
        what_may_be_scanned=list(pool.allow),
        credentials=[each.id for each in named],
        scanners=scanners,
    )


def held_back(pool: PoolStatus) -> list[str]:
    """What keeps scans of the pool from being placed."""
    reasons = []
    if pool.paused is not None:
        reasons.append("the pool is paused by an operator")
    if pool.no_room is not None:
        reasons.append("there is no room for more scans in the store")
    if pool.retired:
        reasons.append("the pool was taken out of the configuration and takes no new scans")
    if not pool.scanners_ready:
        reasons.append("no scanner of the pool is ready")
    if pool.capacity and pool.active >= pool.capacity:
        reasons.append("every place on the scanners is taken")
    return reasons


async def _addresses(parts: Parts, caller: Caller, pool: str) -> dict[str, str]:
    return addresses(caller, pool, await parts.lookup.rules(pool) or PoolRules())


def _scanner(scanner: ScannerStatus, urls: Mapping[str, str]) -> ScannerInfo:
    return ScannerInfo(
        scanner_instance=scanner.scanner_instance,
        scanner_pool=scanner.pool,
        ready=scanner.ready,
        reason=_why_not(scanner),
        active_scans=scanner.active,
        capacity=scanner.capacity,
        breaker=scanner.breaker,
        cordoned=scanner.cordoned is not None,
        edition=scanner.edition or None,
        last_seen=scanner.last_seen,
        scanner_url=urls.get(scanner.scanner_instance),
    )


def _why_not(scanner: ScannerStatus) -> str | None:
    """Why it is given no scans, in words of ours: what a scanner answered may name its address."""
    if not scanner.enabled:
        return "disabled in the configuration"
    if scanner.cordoned is not None:
        return "cordoned by an operator"
    if scanner.breaker != "closed":
        return "it failed too often; it is tried again from time to time"
    if scanner.can_launch is False:
        return "its licence does not let scans be launched"
    return None if scanner.ready else "it does not answer, or is not ready"


def _pool(pool: PoolStatus) -> PoolInfo:
    return PoolInfo(
        scanner_pool=pool.pool,
        default=pool.default,
        scanners=pool.scanners,
        scanners_ready=pool.scanners_ready,
        active_scans=pool.active,
        capacity=pool.capacity,
        utilization_pct=round(100 * pool.active / pool.capacity) if pool.capacity else 0,
        waiting=pool.waiting,
        paused=pool.paused is not None,
    )


async def _queue(parts: Parts, stats: PoolStats, caller: Caller) -> QueueInfo:
    queued = await parts.scanpool.list(pool=stats.pool, status=["queued"])
    return QueueInfo(
        scanner_pool=stats.pool,
        queue_depth=stats.requested + sum(stats.queued.values()),
        waiting_by_lane=stats.queued,
        in_flight=stats.in_flight,
        dlq_size=stats.dead_letters,
        oldest_waiting_s=stats.oldest_waiting_s,
        next_tasks=next_tasks(queued, caller, parts.now()),
    )


def next_tasks(queued: Sequence[ScanStatus], caller: Caller, now: datetime) -> list[QueuedTask]:
    """The caller's waiting scans, in the order in which they will be placed."""
    tasks = [
        QueuedTask(
            task_id=scan.id,
            priority=scan.priority,
            queue_position=position(scan, queued),
            waiting_s=max(0, round((now - scan.submitted_at).total_seconds())),
        )
        for scan in queued
        if may_see(caller, scan)
    ]
    return sorted(tasks, key=lambda task: task.queue_position)[:SHOWN_TASKS]
