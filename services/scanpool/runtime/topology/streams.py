"""The streams of the topology, key-value buckets and object stores among them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeAlias

from scanpool.runtime.settings import RetentionSettings
from scanpool_schemas import subjects
from scanpool_schemas.scan import StateName

Config: TypeAlias = dict[str, Any]

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
OBJECTS_KEPT_BEYOND = timedelta(days=15)
"""After the longest retention: age only sweeps up pieces of uploads that were cut off."""
METADATA = {"owner": "scanpool"}


def streams(pools: Sequence[str], replicas: int | None, retention: RetentionSettings | None) -> list[Config]:
    """All of them, those that take from others after these; `replicas` and `retention` as `topology` has them."""
    found = [_requests(), *(_pool(pool) for pool in pools), *_for_subscribers(pools)]
    found += [_scanner_events(), _bridge_audit(), _ticks(), *_object_stores(), _progress()]
    ages = _ages(retention) if retention is not None else {}
    for stream in found:
        if replicas is not None:
            stream["num_replicas"] = replicas
        if stream["name"] in ages:
            stream["max_age"] = _ns(ages[stream["name"]])
        stream["metadata"] = METADATA
    return found


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
        "allow_msg_ttl": True,  # of keys; an event never has one
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
