"""Builds the services of a process from its settings: which jobs there are, and what each works with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from typing import Literal, TypeVar, get_args

from scanpool.admission.service import Admission, AdmissionParts
from scanpool.cli.running.counting import count_round
from scanpool.cli.running.process import Host
from scanpool.coordination.client_counts import ClientCounts
from scanpool.coordination.stage import Answer, Stage
from scanpool.dispatcher.lanes import Lanes
from scanpool.dispatcher.orders import Orders
from scanpool.dispatcher.service import Dispatcher, DispatcherParts
from scanpool.janitor.service import Janitor, JanitorParts
from scanpool.poller.cleanup import Cleanup
from scanpool.poller.decide import Limits
from scanpool.poller.export import Exporter
from scanpool.poller.orders.service import OrderParts
from scanpool.poller.orders.service import Orders as ScanOrders
from scanpool.poller.service import Poller, PollerParts
from scanpool.poller.telling import Teller
from scanpool.report.limits import Limits as ReportLimits
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.objects import Objects
from scanpool.runtime.outcomes import Done, Outcome
from scanpool.runtime.pull import Puller
from scanpool.runtime.punctual import Punctual
from scanpool.runtime.resolving import resolve
from scanpool.runtime.settings import Settings
from scanpool.runtime.worker import Handler, Job
from scanpool.validator.service import Validator, ValidatorParts
from scanpool_schemas import subjects
from scanpool_schemas.scan import (
    AnyScan,
    Exporting,
    Launching,
    Queued,
    Running,
    StateName,
    Stopping,
    Validating,
)

ServiceName = Literal["admission", "dispatcher", "poller", "validator", "janitor"]
SERVICES: tuple[ServiceName, ...] = get_args(ServiceName)
NEED_CONFIGURATION: frozenset[ServiceName] = frozenset({"dispatcher", "poller"})
"""Those that talk to scanners; the others read what they need from NATS."""

LAUNCHES_AT_ONCE = 64
LOOKS_AT_ONCE = 64
ADMISSIONS_AT_ONCE = 16
STOPS_AT_ONCE = 16
PAUSING_LOOK_EVERY = timedelta(seconds=1)
"""How soon a scan that is pausing is looked at again, while somebody waits for the answer."""

_ScanT = TypeVar("_ScanT", bound=AnyScan)


def global_jobs(service: ServiceName, host: Host, pools: Callable[[], tuple[str, ...]]) -> list[Job]:
    """The service's jobs that are not of one pool."""
    match service:
        case "admission":
            return _admission_jobs(host)
        case "janitor":
            return _janitor_jobs(host, pools)
        case "dispatcher" | "poller" | "validator":
            return []


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolWork:
    """A service's part in one pool: jobs, and what it looks after at intervals."""

    jobs: list[Job]
    look: Callable[[], Awaitable[None]] | None = None
    """Called every `readiness_every`."""
    probe: Callable[[], Awaitable[None]] | None = None
    """Called every second."""
    serve: Callable[[asyncio.Event, timedelta], Awaitable[None]] | None = None
    """Answers requests until the event is set; what is in hand then has as long as is said."""


def pool_work(service: ServiceName, host: Host, pool: str) -> PoolWork:
    """The service's part in the pool."""
    match service:
        case "dispatcher":
            return _dispatcher_work(host, pool)
        case "poller":
            return PoolWork(jobs=_poller_jobs(host, pool), serve=partial(_orders(host).serve, pool))
        case "validator":
            return PoolWork(jobs=_validator_jobs(host, pool))
        case "admission" | "janitor":
            return PoolWork(jobs=[])


def _dispatcher_work(host: Host, pool: str) -> PoolWork:
    assert host.live is not None
    assert host.fleet is not None
    live = host.live
    dispatcher = Dispatcher(
        DispatcherParts(
            jetstream=host.jetstream,
            ledger=host.ledger,
            scanners=host.fleet,
            breakers=host.breakers,
            clockwork=host.clockwork,
            launch=host.settings.launch,
            deployment=host.settings.deployment,
            replica=host.replica,
            spec=Orders(lambda: live.current),
        )
    )
    lanes = Lanes(host.client, pool, lambda: dispatcher.room(pool))
    place = Job(
        name="dispatcher",
        source=lanes,
        handler=_stage(host, Queued, dispatcher.place),
        concurrency=LAUNCHES_AT_ONCE,
        settled=lanes.settled,
    )
    takeover = _state_job(host, pool, "launching", "dispatcher", LAUNCHES_AT_ONCE)
    return PoolWork(
        jobs=[place, takeover(_stage(host, Launching, dispatcher.take_over))],
        look=lambda: dispatcher.look_at_scanners(pool),
        probe=lambda: dispatcher.probe_scanners(pool),
    )


def _poller_jobs(host: Host, pool: str) -> list[Job]:
    assert host.fleet is not None
    settings = host.settings
    limits = _poll_limits(settings)
    poller = Poller(
        PollerParts(
            jetstream=host.jetstream,
            scanners=host.fleet,
            exporter=Exporter(Objects(host.jetstream, subjects.EXPORTS_BUCKET), settings.work_dir),
            teller=Teller(host.jetstream, limits),
            clockwork=host.clockwork,
            limits=limits,
            launch_bound=settings.launch.takeover_after,
        )
    )

    def deleted() -> None:
        host.metrics.work.deletions.add("scanner_scan")

    cleanup = Cleanup(host.ledger, host.fleet, settings.deployment, settings.retention, deleted=deleted)

    async def clean(_delivery: Delivery) -> Outcome:
        await cleanup.run_once(pool, host.clockwork.now())
        return Done()

    return [
        _state_job(host, pool, "running", "poller", LOOKS_AT_ONCE)(_timed(host, _stage(host, Running, poller.poll))),
        _state_job(host, pool, "exporting", "poller", settings.exports_at_once)(_stage(host, Exporting, poller.export)),
        _state_job(host, pool, "stopping", "poller", STOPS_AT_ONCE)(_stage(host, Stopping, poller.stop)),
        _tick_job(host, subjects.cleanup_job(pool), "poller", clean),
    ]


def _timed(host: Host, handler: Handler) -> Handler:
    def late(seconds: float) -> None:
        host.metrics.work.poll_late_seconds.observe(seconds=seconds)

    return Punctual(handler, late=late)


def _orders(host: Host) -> ScanOrders:
    assert host.fleet is not None
    return ScanOrders(
        OrderParts(
            jetstream=host.jetstream,
            scans=host.ledger,
            scanners=host.fleet,
            teller=Teller(host.jetstream, _poll_limits(host.settings)),
            now=host.clockwork.now,
            look_every=min(host.settings.poll.shortest, PAUSING_LOOK_EVERY),
        )
    )


def _poll_limits(settings: Settings) -> Limits:
    return Limits(max_duration=settings.max_duration, poll=settings.poll)


def _validator_jobs(host: Host, pool: str) -> list[Job]:
    settings = host.settings
    validator = Validator(
        ValidatorParts(
            jetstream=host.jetstream,
            exports=Objects(host.jetstream, subjects.EXPORTS_BUCKET),
            findings=Objects(host.jetstream, subjects.FINDINGS_BUCKET),
            clockwork=host.clockwork,
            limits=ReportLimits(**asdict(settings.report)),
            work_dir=settings.work_dir,
        )
    )
    job = _state_job(host, pool, "validating", "validator", settings.validations_at_once)
    return [job(_stage(host, Validating, validator.validate))]


def _admission_jobs(host: Host) -> list[Job]:
    admission = Admission(
        AdmissionParts(
            jetstream=host.jetstream,
            ledger=host.ledger,
            clockwork=host.clockwork,
            resolve=resolve,
            counting=ClientCounts(host.jetstream),
            pools=host.settings.pools,
        )
    )
    doors = ((subjects.ADMISSION_CONSUMER, admission.requested), (subjects.CANCEL_CONSUMER, admission.cancel))
    return [
        Job(
            name="admission",
            source=Puller(host.client, subjects.SCAN_REQUESTS, consumer, credit=ADMISSIONS_AT_ONCE),
            handler=handler,
            concurrency=ADMISSIONS_AT_ONCE,
        )
        for consumer, handler in doors
    ]


def _janitor_jobs(host: Host, pools: Callable[[], tuple[str, ...]]) -> list[Job]:
    janitor = Janitor(
        JanitorParts(
            jetstream=host.jetstream,
            ledger=host.ledger,
            exports=Objects(host.jetstream, subjects.EXPORTS_BUCKET),
            clockwork=host.clockwork,
            retention=host.settings.retention,
            max_duration=host.settings.max_duration,
            pools=pools,
            findings=Objects(host.jetstream, subjects.FINDINGS_BUCKET),
            space=host.settings.space,
            store=host.settings.store,
            takeover_after=host.settings.launch.takeover_after,
            told=lambda done: count_round(host.metrics, done),
        )
    )
    return [_tick_job(host, subjects.JANITOR_JOB, "janitor", janitor.tick)]


def _stage(host: Host, kind: type[_ScanT], handle: Callable[[_ScanT], Awaitable[Answer]]) -> Handler:
    return Stage(host.ledger, host.clockwork, kind, handle)


def _state_job(host: Host, pool: str, state: StateName, service: str, concurrency: int) -> Callable[[Handler], Job]:
    source = Puller(host.client, subjects.pool_stream(pool), state, credit=concurrency)
    return lambda handler: Job(name=service, source=source, handler=handler, concurrency=concurrency)


def _tick_job(host: Host, job: str, service: str, handler: Handler) -> Job:
    source = Puller(host.client, subjects.SCAN_TICKS, job, credit=1)
    return Job(name=service, source=source, handler=handler, concurrency=1)
