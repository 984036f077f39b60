"""What `scanpool doctor` looks at, in parts that do not depend on one another."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path

from scanpool.cli.doctor.catalogue import SECTION_OF, Section
from scanpool.cli.doctor.check import Check
from scanpool.cli.doctor.gather import local, nats, pools, scanners
from scanpool.cli.doctor.judge import local as judge_local
from scanpool.cli.doctor.judge import nats as judge_nats
from scanpool.cli.doctor.judge import pools as judge_pools
from scanpool.cli.doctor.judge import scanners as judge_scanner
from scanpool.cli.doctor.judge import services as judge_services
from scanpool.client.breakers import read_breakers
from scanpool.client.findings_cache import LIMIT_BYTES, default_folder
from scanpool.coordination.control import read_control
from scanpool.runtime.configuration import Configuration, Pool, Scanner, rules_of
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.settings import Settings
from scanpool.runtime.topology.apply import differences
from scanpool.runtime.topology.definitions import topology

CENSUS_S = 120.0
"""Every event of a pool is read: of a hundred thousand scans some seconds."""
STALE = timedelta(minutes=5)
"""After this a dispatcher should have looked at its scanners many times."""
_SHARE = 0.45
"""Of a part's time that each of two calls to a scanner may take."""

_OF_HOST: Mapping[Section, tuple[str, ...]] = {
    "configuration": ("file", "secrets", "clients"),
    "disk": ("work_dir", "findings_cache"),
}
_OF_SCANNER = ("answer", "certificate", "sign_in", "licence", "plugins", "scanner_clock")

Looked = Callable[[], Awaitable[list[Check]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """A part that is looked at by itself."""

    section: Section
    """Where it is told that it could not be looked at."""
    names: tuple[str, ...]
    """Of the checks that come of it."""
    place: str
    look: Looked
    within_s: float | None = None
    """How long it may take, where not as long as all others."""

    @property
    def sections(self) -> set[Section]:
        """Of the checks that come of it."""
        return {SECTION_OF[name] for name in self.names}


@dataclass(frozen=True, kw_only=True, slots=True)
class Patient:
    """What is to be looked at."""

    jetstream: JetStream | None
    """None where NATS cannot be reached."""
    settings: Settings
    environ: Mapping[str, str]
    found: local.Found
    pools: tuple[str, ...]
    """Of NATS and of the configuration."""
    in_nats: frozenset[str]
    now: Callable[[], datetime]
    within_s: float
    repair: bool = False

    @property
    def configuration(self) -> Configuration | None:
        """What the file says, where it can be used."""
        return self.found.configuration

    @property
    def configured(self) -> dict[str, Pool]:
        """The configured pools among those that are looked at."""
        known = self.configuration.pools if self.configuration else {}
        return {pool: each for pool, each in known.items() if pool in self.pools}


def units(patient: Patient) -> list[Unit]:
    """Every part; those of NATS only where it answers."""
    own = list(_of_host(patient))
    if patient.jetstream is not None:
        own += _of_nats(patient, patient.jetstream)
        own += [unit for pool in sorted(patient.in_nats) for unit in _of_pool(patient, patient.jetstream, pool)]
    own += [
        _of_scanner(patient, pool, each)
        for pool, of in patient.configured.items()
        for each in of.scanners
        if each.enabled
    ]
    return own


def _of_host(patient: Patient) -> Iterator[Unit]:
    async def file() -> list[Check]:
        found = patient.found
        if found.facts is None:
            return [judge_local.absent(found.absent)]
        clients = judge_local.clients(found.configuration) if found.configuration else []
        return [*judge_local.file(found.facts), *clients]

    async def folders() -> list[Check]:
        return await asyncio.to_thread(_folders, patient)

    yield Unit(section="configuration", names=_OF_HOST["configuration"], place="", look=file)
    yield Unit(section="disk", names=_OF_HOST["disk"], place="", look=folders)


def _folders(patient: Patient) -> list[Check]:
    work = patient.settings.work_dir or Path(tempfile.gettempdir())
    cache = default_folder(patient.environ)
    room = max(0, LIMIT_BYTES - local.size_of(cache))
    return [
        judge_local.work_dir(local.folder(work), patient.settings.max_report_bytes),
        judge_local.findings_cache(local.folder(cache), room),
    ]


def _of_nats(patient: Patient, jetstream: JetStream) -> Iterator[Unit]:
    wanted = topology(patient.pools, retention=patient.settings.retention)

    async def streams() -> list[Check]:
        names = [each["name"] for each in wanted.streams]
        found = await nats.stream_standings(jetstream, names, patient.now)
        return [*judge_nats.replicas(found), *judge_nats.clocks(found)]

    async def account() -> list[Check]:
        return judge_nats.account(await nats.limits(jetstream))

    async def drift() -> list[Check]:
        found = await differences(jetstream, wanted)
        return judge_nats.topology(found, patient.pools, configured=patient.configuration is not None)

    async def services() -> list[Check]:
        return judge_services.running(await nats.consumers_of_all(jetstream), patient.now())

    async def unnamed() -> list[Check]:
        number = await pools.letters(jetstream, "_")
        return [judge_pools.dead_letters("", 0, number)] if number else []

    yield Unit(section="nats", names=("replicas", "clock"), place="", look=streams)
    yield Unit(section="nats", names=("account",), place="", look=account)
    yield Unit(section="topology", names=("topology",), place="", look=drift)
    yield Unit(section="services", names=("running",), place="", look=services)
    yield Unit(section="pools", names=("dead_letters",), place="", look=unnamed)


def _of_pool(patient: Patient, jetstream: JetStream, pool: str) -> Iterator[Unit]:
    async def served() -> list[Check]:
        return await _served(patient, jetstream, pool)

    async def places() -> list[Check]:
        facts = await pools.places(jetstream, pool, patient.now(), repair=patient.repair)
        return judge_pools.places(facts)

    async def room() -> list[Check]:
        return [judge_nats.room(await nats.rooms(jetstream, pool, patient.settings.space), patient.now())]

    async def people() -> list[Check]:
        control = await read_control(jetstream, pool)
        dead, letters = await pools.dead_scans(jetstream, pool), await pools.letters(jetstream, pool)
        return [*judge_pools.holds(pool, control, patient.now()), judge_pools.dead_letters(pool, dead, letters)]

    yield Unit(section="services", names=("running", "rules"), place=pool, look=served)
    yield Unit(section="disk", names=("room",), place=pool, look=room)
    yield Unit(section="pools", names=("places",), place=pool, look=places, within_s=CENSUS_S)
    yield Unit(section="pools", names=("holds", "dead_letters"), place=pool, look=people)
    if pool in patient.configured:
        capacity = partial(_capacity, jetstream, pool, patient.configured[pool])
        yield Unit(section="pools", names=("capacity",), place=pool, look=capacity)
    seen = partial(_seen, patient, jetstream, pool)
    yield Unit(section="scanners", names=("breaker", "seen_by_dispatcher"), place=pool, look=seen)


async def _served(patient: Patient, jetstream: JetStream, pool: str) -> list[Check]:
    rules = await pools.rules_of(jetstream, [pool])
    consumers = await nats.consumers_of(jetstream, pool)
    waiting = sum(each.pending + each.unsettled for each in consumers)
    digests = None
    if patient.configuration is not None:
        digests = {name: rules_of(name, patient.configuration).digest for name in patient.configuration.pools}
    known = rules[pool]
    is_over = known is not None and known.retired and not waiting
    running = [] if is_over else judge_services.running(consumers, patient.now())
    return [*judge_local.rules(digests, rules, {pool: waiting}), *running]


async def _capacity(jetstream: JetStream, pool: str, configured: Pool) -> list[Check]:
    given = {name: load.capacity for name, load in (await pools.loads_of(jetstream, pool)).items()}
    wanted = {each.instance_id: each.max_concurrent_scans for each in configured.scanners}
    return judge_pools.capacity(pool, wanted, given)


async def _seen(patient: Patient, jetstream: JetStream, pool: str) -> list[Check]:
    rules = (await pools.rules_of(jetstream, [pool]))[pool]
    checks = judge_pools.breakers(pool, await read_breakers(jetstream, pool))
    enabled = [each.name for each in rules.scanners if each.enabled] if rules and not rules.retired else []
    shut = {each.place for each in checks if each.code == "breaker_open"}
    for name in enabled:
        instance = f"{pool}.{name}"
        if instance not in shut:  # such a scanner is not looked at
            health = await pools.health_of(jetstream, pool, name)
            checks.append(judge_pools.seen_by_dispatcher(instance, health, patient.now(), STALE))
    return checks


def _of_scanner(patient: Patient, pool: str, configured: Scanner) -> Unit:
    instance = f"{pool}.{configured.instance_id}"

    async def look() -> list[Check]:
        facts = await scanners.scanner(pool, configured, timedelta(seconds=_SHARE * patient.within_s))
        return scanner_checks(instance, facts, patient.now())

    return Unit(section="scanners", names=_OF_SCANNER, place=instance, look=look)


def scanner_checks(instance: str, facts: scanners.ScannerFacts, now: datetime) -> list[Check]:
    """Every check of a scanner; what could not be looked at for another trouble is left out."""
    shown, told = facts.shown, facts.told
    checks = [judge_scanner.certificate(instance, shown, now)]
    if told is not None or shown.verdict == "unreachable":
        checks.append(judge_scanner.answer(instance, shown, told))
    if told is not None:
        checks += [
            judge_scanner.sign_in(instance, told),
            *judge_scanner.licence(instance, told, now),
            judge_scanner.plugins(instance, told, now),
            judge_scanner.clock(instance, told),
        ]
    return [each for each in checks if each is not None]


def needs_nats(only: Collection[str]) -> bool:
    """Whether something of these sections and names is looked at in NATS; in all of them where none are named."""
    return not only or not {*_OF_SCANNER, *chain.from_iterable(_OF_HOST.values())}.issuperset(only)


def chosen(parts: Collection[Unit], only: Collection[str]) -> list[Unit]:
    """The parts from which a check of the sections and names comes; all where none are named."""
    wanted = set(only)
    return [each for each in parts if not wanted or not wanted.isdisjoint((*each.names, *each.sections))]
