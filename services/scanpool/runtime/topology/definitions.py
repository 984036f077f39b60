"""What the pipeline needs in NATS, in the server's own words (JetStream API configuration objects)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

from scanpool.runtime.settings import RetentionSettings
from scanpool_schemas import subjects
from scanpool_schemas.scan import StateName

Config: TypeAlias = dict[str, Any]

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
ACK_WAIT_NS = 30 * SECOND_NS
MAX_ACK_PENDING = 20_000
"""Wide, since a snoozed message keeps its slot."""
OBJECTS_KEPT_BEYOND = timedelta(days=15)
"""After the longest retention: age only sweeps up pieces of uploads that were cut off."""

DEFAULT_RETENTION = RetentionSettings()
METADATA = {"owner": "scanpool"}

_ACTED_ON_BY: Mapping[StateName, str] = {
    "queued-high": "dispatcher: gives each a place on a scanner",
    "queued-normal": "dispatcher: gives each a place on a scanner",
    "queued-low": "dispatcher: gives each a place on a scanner",
    "launching": "dispatcher: takes a launch over when its lease is over",
    "running": "poller: looks at the scan on its scanner",
    "exporting": "poller: fetches the report",
    "stopping": "poller: stops the scan on its scanner",
    "validating": "validator: reads the report",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Consumer:
    """A durable consumer of a stream."""

    stream: str
    name: str
    config: Config


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """A periodic tick, kept in the stream of ticks."""

    job: str
    every_s: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Topology:
    """Everything that has to be there."""

    streams: Sequence[Config]
    consumers: Sequence[Consumer]
    schedules: Sequence[Schedule] = field(default_factory=tuple)


def topology(
    pools: Sequence[str],
    *,
    replicas: int | None = None,
    retention: RetentionSettings | None = DEFAULT_RETENTION,
    janitor_every_s: int = 30,
    cleanup_every_s: int = 300,
) -> Topology:
    """The whole topology for the pools; the streams come before those that take from them.

    `replicas` None leaves open how many copies the streams have, `retention` None how long they keep ended scans.
    """
    streams = [_requests(), *(_pool(pool) for pool in pools), *_for_subscribers(pools)]
    streams += [_scanner_events(), _bridge_audit(), _ticks(), *_object_stores(), _progress()]
    ages = _ages(retention) if retention is not None else {}
    for stream in streams:
        if replicas is not None:
            stream["num_replicas"] = replicas
        if stream["name"] in ages:
            stream["max_age"] = _ns(ages[stream["name"]])
        stream["metadata"] = METADATA
    return Topology(
        streams=streams,
        consumers=[*_doors(), *(c for pool in pools for c in _stages(pool)), *_jobs(pools)],
        schedules=[
            Schedule(job=subjects.JANITOR_JOB, every_s=janitor_every_s),
            *(Schedule(job=subjects.cleanup_job(pool), every_s=cleanup_every_s) for pool in pools),
        ],
    )


def _ages(retention: RetentionSettings) -> dict[str, timedelta]:
    """How long each stream keeps what it has of ended scans: as long as the janitor keeps the scans."""
    return {
        subjects.SCAN_COMPLETED: retention.completed,
        subjects.SCAN_FAILED: retention.failed,
        subjects.SCAN_DLQ: retention.dead,
        f"OBJ_{subjects.EXPORTS_BUCKET}": retention.longest + OBJECTS_KEPT_BEYOND,
        f"OBJ_{subjects.FINDINGS_BUCKET}": retention.longest + OBJECTS_KEPT_BEYOND,
    }


def _ns(length: timedelta) -> int:
    return length // timedelta(microseconds=1) * 1000


def _requests() -> Config:
    return {
        "name": subjects.SCAN_REQUESTS,
        "description": "The one door: scan and cancel requests that admission has not answered yet",
        "subjects": ["scan.*.requested.*", "scan.*.cancel.*"],
        "retention": "workqueue",
        "storage": "file",
        "discard": "new",
        "discard_new_per_subject": True,
        "max_msgs_per_subject": 1,
        "max_age": 0,  # said, so that one set by hand is noticed
        "max_msg_size": subjects.MAX_REQUEST_BYTES,
    }


def _pool(pool: str) -> Config:
    return {
        "name": subjects.pool_stream(pool),
        "description": f"Pool {pool}: its scans as events (scan.{pool}.<state>.<id>), its scanners as keys",
        "subjects": [
            f"$KV.{subjects.pool_bucket(pool)}.>",
            *(subjects.event(pool, state, "*") for state in subjects.STATES),
        ],
        "retention": "limits",
        "storage": "file",
        "discard": "old",
        "max_msgs_per_subject": 1,
        "max_msgs": -1,
        "max_age": 0,  # a scan that is not over is never dropped
        "max_msg_size": subjects.MAX_EVENT_BYTES,
        "allow_atomic": True,
        "allow_rollup_hdrs": True,
        "allow_direct": False,
    }


def _for_subscribers(pools: Sequence[str]) -> list[Config]:
    completed = _taken_from_pools(pools, ("completed",))
    failed = _taken_from_pools(pools, ("failed", "dead"))
    dead = _taken_from_pools(pools, ("dead",))
    kept = {"retention": "limits", "storage": "file", "discard": "old"}
    return [
        {
            **kept,
            "name": subjects.SCAN_COMPLETED,
            "description": "Completed scans of all pools, for subscribers",
            "sources": completed,
        },
        {
            **kept,
            "name": subjects.SCAN_FAILED,
            "description": "Failed, cancelled, timed out and dead scans of all pools, for subscribers",
            "sources": failed,
        },
        {
            **kept,
            "name": subjects.SCAN_DLQ,
            "description": "Dead letters: dead scans, and messages that never became a scan",
            "subjects": ["dlq.>"],
            "sources": dead,
        },
    ]


def _taken_from_pools(pools: Sequence[str], states: Sequence[StateName]) -> list[Config]:
    return [
        {
            "name": subjects.pool_stream(pool),
            "subject_transforms": [
                {
                    "src": subjects.event(pool, state, "*"),
                    "dest": subjects.event(pool, state, "{{wildcard(1)}}"),
                }
                for state in states
            ],
        }
        for pool in pools
    ]


def _scanner_events() -> Config:
    return {
        "name": subjects.SCANNER_EVENTS,
        "description": "What befell scanners: readiness, licence, second runs",
        "subjects": ["scanner.*.*.*"],
        "retention": "limits",
        "storage": "file",
        "discard": "old",
        "max_age": 7 * DAY_NS,
    }


def _bridge_audit() -> Config:
    return {
        "name": subjects.BRIDGE_AUDIT,
        "description": "Who asked for or cancelled which scan through the bridge; arguments only as digests",
        "subjects": ["audit.*.*"],
        "retention": "limits",
        "storage": "file",
        "discard": "old",
        "max_age": 90 * DAY_NS,
    }


def _ticks() -> Config:
    return {
        "name": subjects.SCAN_TICKS,
        "description": "Ticks of periodic jobs; one replica gets each, and they do not pile up",
        "subjects": [subjects.schedule(">"), subjects.tick(">")],
        "retention": "workqueue",
        "storage": "file",
        "discard": "old",
        "max_msgs_per_subject": 1,
        "allow_msg_schedules": True,
        "allow_msg_ttl": True,
        "allow_rollup_hdrs": True,
    }


def _object_stores() -> list[Config]:
    return [
        _object_store(subjects.EXPORTS_BUCKET, "raw reports, zstd"),
        _object_store(subjects.FINDINGS_BUCKET, "findings of reports, SQLite"),
    ]


def _object_store(bucket: str, what: str) -> Config:
    return {
        "name": f"OBJ_{bucket}",
        "description": f"Object store: {what}, named <id>.<run>.<nonce>",
        "subjects": [f"$O.{bucket}.C.>", f"$O.{bucket}.M.>"],
        "retention": "limits",
        "storage": "file",
        "discard": "new",
        "allow_rollup_hdrs": True,
        "allow_direct": True,
    }


def _progress() -> Config:
    return {
        "name": f"KV_{subjects.PROGRESS_BUCKET}",
        "description": "KV: how far running scans are; gone an hour after the last word",
        "subjects": [f"$KV.{subjects.PROGRESS_BUCKET}.>"],
        "retention": "limits",
        "storage": "file",
        "discard": "new",
        "max_msgs_per_subject": 1,
        "max_age": 3600 * SECOND_NS,
        "allow_rollup_hdrs": True,
        "allow_direct": True,
        "deny_delete": True,
    }


def _durable(stream: str, name: str, filter_subject: str, description: str) -> Consumer:
    return Consumer(
        stream=stream,
        name=name,
        config={
            "name": name,
            "durable_name": name,
            "description": description,
            "deliver_policy": "all",
            "ack_policy": "explicit",
            "ack_wait": ACK_WAIT_NS,
            "max_deliver": -1,
            "max_ack_pending": MAX_ACK_PENDING,
            "filter_subject": filter_subject,
            "metadata": METADATA,
        },
    )


def _doors() -> list[Consumer]:
    stream = subjects.SCAN_REQUESTS
    return [
        _durable(
            stream,
            subjects.ADMISSION_CONSUMER,
            "scan.*.requested.*",
            "admission: makes each request a queued scan, or refuses it",
        ),
        _durable(
            stream,
            subjects.CANCEL_CONSUMER,
            "scan.*.cancel.*",
            "admission: has each scan stopped that is to be cancelled",
        ),
    ]


def _stages(pool: str) -> list[Consumer]:
    return [
        _durable(subjects.pool_stream(pool), state, subjects.event(pool, state, "*"), _ACTED_ON_BY[state])
        for state in subjects.ACTED_ON
    ]


def _jobs(pools: Sequence[str]) -> list[Consumer]:
    jobs = [(subjects.JANITOR_JOB, "janitor: expiry, overdue scans, orphans, the invariant")]
    jobs += [(subjects.cleanup_job(pool), f"poller: cleans the scanners of pool {pool}") for pool in pools]
    return [_durable(subjects.SCAN_TICKS, job, subjects.tick(job), what) for job, what in jobs]
