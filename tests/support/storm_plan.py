"""What is to happen in a storm, laid down beforehand from one seed: requests, cancels, faults, kills, blows to NATS."""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scanpool_schemas.names import derived_scan_id

SEED_VARIABLE = "SCANPOOL_CHAOS_SEED"
SIZE_VARIABLE = "SCANPOOL_CHAOS"
OWNER = "storm"
REQUEST_BOUND_S = 4.0
"""No emulated scanner acts on a request later than this after it was sent: `slow` stays well below it."""
SHORT_S = 6
"""Seconds after which the services stop a scan that says nothing of its duration."""
LONG_S = 600
"""What the other scans say of theirs."""

Make = Callable[[random.Random], dict[str, Any]]

FAULTS: Mapping[str, Make] = {
    "down": lambda _: {},
    "slow": lambda chance: {"seconds": round(chance.uniform(0.3, 2.5), 2)},
    "server_error": lambda chance: {"status": chance.choice([500, 502, 503])},
    "garbage": lambda chance: {"html": chance.random() < 0.5},
    "rate_limit": lambda chance: {"retry_after": 1, "date": chance.random() < 0.5},
    "loading": lambda chance: {"cut": chance.random() < 0.5},
    "session_expiry": lambda chance: {"times": chance.randint(1, 4)},
    "too_many_users": lambda _: {},
    "licence": lambda chance: {"cut": chance.random() < 0.5},
    "lost_scan": lambda _: {"times": 1},
    "aborted": lambda chance: {"times": chance.randint(1, 2), "at": round(chance.random(), 2)},
    "cut_before_create": lambda chance: {"times": chance.randint(1, 3)},
    "cut_after_create": lambda chance: {"times": chance.randint(1, 3)},
    "cut_after_launch": lambda chance: {"times": chance.randint(1, 3)},
    "export_error": lambda chance: {"times": chance.randint(1, 2)},
    "truncated_export": lambda chance: {"times": chance.randint(1, 3), "cut": chance.random() < 0.5},
    "malformed_export": lambda _: {"times": 1},
    "slow_download": lambda chance: {"seconds": round(chance.uniform(0.05, 0.3), 2)},
}
"""The faults that are ordered, and how their parameters are drawn.

An export that is never ready is not among them: it is waited for longer than a storm lasts.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Blow:
    """What happens to NATS: something is killed, and started again after `down_s`."""

    at_s: float
    target: str
    """`server`; in a cluster `meta`, or the stream whose leader is meant."""
    down_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How large a storm is."""

    scans: int
    pools: Mapping[str, Sequence[int]]
    """By pool, the places of its scanners."""
    crew: Sequence[Sequence[str]]
    """The services of each process."""
    submitted_within_s: float
    kills: int
    kills_every_s: float
    slow: str | None = None
    """The scanner on which a scan takes longer than SHORT_S."""
    blows: Sequence[Blow] = ()
    """Their times are shifted by up to a second."""
    faults_until_s: float = 0.0
    """When the last fault is taken back; without faults 0."""

    @property
    def instances(self) -> dict[str, int]:
        """The places of each scanner, by `<pool>.<scanner>`."""
        return {
            f"{pool}.s{number}": places
            for pool, scanners in self.pools.items()
            for number, places in enumerate(scanners, start=1)
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A scan to ask for."""

    at_s: float
    id: str
    pool: str
    name: str
    fields: Mapping[str, Any]
    """Of the request, besides its name."""
    twice: bool
    """Asked for by two clients at once, under one idempotency key."""
    cancel_after_s: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Spell:
    """A fault of one scanner, taken back after a while."""

    at_s: float
    lasts_s: float
    fault: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kill:
    """A process to kill."""

    at_s: float
    victim: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Everything that happens in a storm."""

    seed: int
    size: Size
    orders: tuple[Order, ...]
    spells: Mapping[str, tuple[Spell, ...]]
    """By scanner, one after the other."""
    kills: tuple[Kill, ...]
    blows: tuple[Blow, ...] = field(default=())


def seed_of(environ: Mapping[str, str] = os.environ) -> int:
    """The seed that a failing run named, else a new one."""
    return int(environ.get(SEED_VARIABLE) or secrets.randbelow(1_000_000))


def is_full(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the full size is asked for."""
    return environ.get(SIZE_VARIABLE) == "full"


def planned(seed: int, size: Size) -> Plan:
    """The storm of this seed; the same for the same seed and size."""
    chance = random.Random(seed)
    orders = [_order(chance, size, number) for number in range(1, size.scans + 1)]
    spells = {instance: _spells(chance, size.faults_until_s) for instance in size.instances}
    kills = [
        Kill(at_s=1.0 + number * size.kills_every_s, victim=chance.randrange(len(size.crew)))
        for number in range(size.kills)
    ]
    blows = [
        Blow(
            at_s=blow.at_s + chance.random(), target=blow.target, down_s=round(blow.down_s * chance.uniform(0.5, 1), 2)
        )
        for blow in size.blows
    ]
    return Plan(
        seed=seed,
        size=size,
        orders=tuple(sorted(orders, key=lambda order: order.at_s)),
        spells=spells,
        kills=tuple(kills),
        blows=tuple(blows),
    )


def _order(chance: random.Random, size: Size, number: int) -> Order:
    twice = chance.random() < 0.15
    key = f"key-{number}"
    scan_id = derived_scan_id(OWNER, key) if twice else f"storm-{number}"
    fields: dict[str, Any] = {
        "targets": [f"10.10.0.{chance.randint(1, 254)}"],
        "priority": chance.choice(["high", "normal", "normal", "low"]),
        "owner": OWNER,
        **_login(chance),
        **_limits(chance),
        **({"idempotency_key": key} if twice else {}),
    }
    return Order(
        at_s=chance.uniform(0, size.submitted_within_s),
        id=scan_id,
        pool=chance.choice(list(size.pools)),
        name=f"storm {number}",
        fields=fields,
        twice=twice,
        cancel_after_s=chance.uniform(0, 12) if chance.random() < 0.15 else None,
    )


def _login(chance: random.Random) -> dict[str, Any]:
    draw = chance.random()
    if draw < 0.55:
        return {"scan_type": "untrusted"}
    if draw < 0.85:
        return {"scan_type": "authenticated", "credential_ref": chance.choice(["linux", "linux", "wrong"])}
    return {"scan_type": "authenticated_privileged", "credential_ref": "linux-sudo"}


def _limits(chance: random.Random) -> dict[str, Any]:
    """Some name the first scanner and say nothing of their duration: on the slow one they take longer than they may."""
    draw = chance.random()
    if draw < 0.06:
        return {"scanner": "s1"}
    if draw < 0.10:
        return {"max_duration_s": LONG_S, "max_wait_s": chance.randint(1, 10)}
    return {"max_duration_s": LONG_S}


def _spells(chance: random.Random, until_s: float) -> tuple[Spell, ...]:
    spells = []
    at_s = chance.uniform(0.2, 2)
    while at_s < until_s:
        fault = chance.choice(list(FAULTS))
        lasts_s = chance.uniform(0.5, 3)
        spells.append(Spell(at_s=at_s, lasts_s=lasts_s, fault=fault, parameters=FAULTS[fault](chance)))
        at_s += lasts_s + chance.uniform(0.1, 2)
    return tuple(spells)
