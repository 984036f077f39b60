"""What each user of NATS may publish and hear: what its service needs and no more, pool by pool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

from scanpool.runtime.topology.definitions import topology
from scanpool.runtime.topology.grants import (
    Rights,
    api,
    asks,
    cleans,
    commits,
    dead_letters,
    fetches,
    hears,
    joined,
    keys,
    measures,
    publishes,
    purges,
    reads,
    service,
    stores,
    sweeps,
    takes,
    told,
    verifies,
)
from scanpool_schemas import subjects
from scanpool_schemas.scan import StateName

Role: TypeAlias = Literal[
    "admission",
    "dispatcher",
    "poller",
    "validator",
    "janitor",
    "bridge",
    "publisher",
    "subscriber",
    "operator",
    "setup",
    "monitor",
]
ROLES: tuple[Role, ...] = get_args(Role)

_LANES: tuple[StateName, ...] = ("queued-high", "queued-normal", "queued-low")
_PROGRESS = f"KV_{subjects.PROGRESS_BUCKET}"
_ENDS = (subjects.SCAN_COMPLETED, subjects.SCAN_FAILED)


def rights(role: Role, pools: Sequence[str]) -> Rights:
    """The rights of a role in the pools."""
    match role:
        case "admission":
            return _admission(pools)
        case "dispatcher":
            return _dispatcher(pools)
        case "poller":
            return _poller(pools)
        case "validator":
            return _validator(pools)
        case "janitor":
            return _janitor(pools)
        case "bridge":
            return _bridge(pools)
        case "publisher":
            return _publisher(pools)
        case "subscriber":
            return _subscriber()
        case "operator":
            return _operator(pools)
        case "setup":
            return _setup(pools)
        case "monitor":
            return _monitor()


def worker_rights(pool: str) -> Rights:
    """Of what stands beside the scanners of one pool: its dispatcher and poller.

    Not its validator, which needs no scanner: the reports of all pools lie in one bucket, for it to read.
    """
    return _dispatcher((pool,)) | _poller((pool,))


def _admission(pools: Sequence[str]) -> Rights:
    doors = (subjects.ADMISSION_CONSUMER, subjects.CANCEL_CONSUMER)
    return joined(
        service(pools),
        takes(subjects.SCAN_REQUESTS, doors),
        publishes(f"dlq.*.{door}.*.*" for door in doors),
        reads(subjects.SCAN_REQUESTS),
        *(sweeps(pool, f"scan.{pool}.>") for pool in pools),
        *(commits(pool, "pending", *_LANES, "stopping", "failed") for pool in pools),
        *(keys(pool, subjects.load_key("*"), subjects.client_key("*")) for pool in pools),
    )


def _dispatcher(pools: Sequence[str]) -> Rights:
    taken = (*_LANES, "launching")
    own = (subjects.load_key("*"), subjects.health_key("*"), subjects.breaker_key("*"))
    return joined(
        service(pools),
        *(takes(subjects.pool_stream(pool), taken) for pool in pools),
        *(commits(pool, *_LANES, "launching", "running", "failed", "dead") for pool in pools),
        *(keys(pool, *own, subjects.RULES_KEY) for pool in pools),
        *(hears(subjects.key(pool, key) for key in (*own, subjects.CONTROL_KEY)) for pool in pools),
        *(publishes((subjects.scanner_event(pool, "*", "*"), *dead_letters(pool, taken))) for pool in pools),
    )


def _poller(pools: Sequence[str]) -> Rights:
    taken = ("running", "exporting", "stopping")
    return joined(
        service(pools),
        stores(subjects.EXPORTS_BUCKET),
        reads(_PROGRESS),
        *(takes(subjects.pool_stream(pool), taken) for pool in pools),
        *(takes(subjects.SCAN_TICKS, (subjects.cleanup_job(pool),)) for pool in pools),
        *(commits(pool, "exporting", "validating", "stopping", "failed", "dead") for pool in pools),
        *(keys(pool, subjects.load_key("*"), subjects.breaker_key("*")) for pool in pools),
        *(publishes((subjects.progress(pool, "*"), subjects.progress_key(pool, "*"))) for pool in pools),
        *(publishes((subjects.scanner_event(pool, "*", "*"), *dead_letters(pool, taken))) for pool in pools),
        *(publishes(dead_letters("_", (subjects.cleanup_job(pool),))) for pool in pools),
        *(hears((f"order.{pool}.*.*",)) for pool in pools),
        Rights(answers=True),
    )


def _validator(pools: Sequence[str]) -> Rights:
    return joined(
        service(pools),
        fetches(subjects.EXPORTS_BUCKET),
        stores(subjects.FINDINGS_BUCKET),
        *(takes(subjects.pool_stream(pool), ("validating",)) for pool in pools),
        *(commits(pool, "validating", "completed", "failed", "dead") for pool in pools),
        *(publishes(dead_letters(pool, ("validating",))) for pool in pools),
        *(purges(subjects.pool_stream(pool)) for pool in pools),
    )


def _janitor(pools: Sequence[str]) -> Rights:
    return joined(
        service(pools),
        takes(subjects.SCAN_TICKS, (subjects.JANITOR_JOB,)),
        publishes(dead_letters("_", (subjects.JANITOR_JOB,))),
        cleans(pools),
        *(keys(pool, subjects.SPACE_KEY) for pool in pools),
    )


def _bridge(pools: Sequence[str]) -> Rights:
    return joined(
        _publisher(pools),
        fetches(subjects.FINDINGS_BUCKET),
        reads(subjects.SCAN_DLQ),
        hears(("scan.*.*.*",)),
        publishes(("audit.*.*", *(f"order.{pool}.*.*" for pool in pools))),
        measures(pools),
    )


def _publisher(pools: Sequence[str]) -> Rights:
    return joined(
        asks(),
        reads(subjects.SCAN_REQUESTS),
        reads(_PROGRESS),
        *(reads(subjects.pool_stream(pool)) for pool in pools),
        *(sweeps(pool, f"scan.{pool}.>") for pool in pools),
        *(publishes((subjects.requested(pool, "*"), subjects.cancel(pool, "*"))) for pool in pools),
        *(hears((f"scan.{pool}.*.*",)) for pool in pools),
    )


def _subscriber() -> Rights:
    """Consumers of its own, of the ends of scans."""
    operations = ("CONSUMER.CREATE.{}", "CONSUMER.CREATE.{}.>", "CONSUMER.DELETE.{}.*", "CONSUMER.INFO.{}.*")
    return joined(
        asks(),
        told(*_ENDS),
        *(reads(stream) for stream in _ENDS),
        *(api(*(each.format(stream) for each in (*operations, "CONSUMER.MSG.NEXT.{}.*"))) for stream in _ENDS),
        publishes(f"$JS.ACK.{stream}.*.>" for stream in _ENDS),
    )


def _operator(pools: Sequence[str]) -> Rights:
    retried: tuple[StateName, ...] = (*_LANES, "exporting", "validating", "failed")
    return joined(
        service(pools),
        _bridge(pools),
        _subscriber(),
        cleans(pools),
        fetches(subjects.EXPORTS_BUCKET),
        reads(subjects.SCANNER_EVENTS),
        purges(subjects.SCAN_DLQ),
        *(commits(pool, *retried) for pool in pools),
        *(keys(pool, subjects.CONTROL_KEY, subjects.breaker_key("*")) for pool in pools),
    )


def _setup(pools: Sequence[str]) -> Rights:
    wanted = topology(pools)
    streams = [stream["name"] for stream in wanted.streams]
    consumers = [f"{each.stream}.{each.name}" for each in wanted.consumers]
    return joined(
        verifies(pools),
        api(*(f"STREAM.{verb}.{name}" for verb in ("CREATE", "UPDATE") for name in streams)),
        api(*(f"CONSUMER.CREATE.{name}" for name in consumers)),
        publishes(subjects.schedule(each.job) for each in wanted.schedules),
    )


def _monitor() -> Rights:
    """Numbers of every stream and consumer, and no message."""
    names = ("STREAM.LIST", "STREAM.INFO.*", "CONSUMER.NAMES.*", "CONSUMER.LIST.*", "CONSUMER.INFO.*.*")
    return asks() | api(*names)
