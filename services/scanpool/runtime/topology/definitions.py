"""What the pipeline needs in NATS, in the server's own words (JetStream API configuration objects)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scanpool.runtime.settings import RetentionSettings
from scanpool.runtime.topology.streams import METADATA, SECOND_NS, Config, streams
from scanpool_schemas import subjects
from scanpool_schemas.scan import StateName

ACK_WAIT_NS = 30 * SECOND_NS
MAX_ACK_PENDING = 20_000
"""Wide, since a snoozed message keeps its slot."""

DEFAULT_RETENTION = RetentionSettings()

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
    return Topology(
        streams=streams(pools, replicas, retention),
        consumers=[*_doors(), *(c for pool in pools for c in _stages(pool)), *_jobs(pools)],
        schedules=[
            Schedule(job=subjects.JANITOR_JOB, every_s=janitor_every_s),
            *(Schedule(job=subjects.cleanup_job(pool), every_s=cleanup_every_s) for pool in pools),
        ],
    )


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
