"""What runs, what is killed when, and what must hold at the end. No I/O."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scanpool.cli.demo.plan import DemoScanner
from scanpool_schemas.status import ScanStatus

SCANNERS: Sequence[DemoScanner] = (
    DemoScanner(pool="internal", name="berlin", capacity=3, faults=({"fault": "cut_after_create", "times": 2},)),
    DemoScanner(pool="internal", name="munich", capacity=2, faults=({"fault": "truncated_export", "times": 2},)),
    DemoScanner(pool="dmz", name="edge1", capacity=2, faults=({"fault": "cut_after_launch", "times": 1},)),
    DemoScanner(pool="dmz", name="edge2", capacity=2),
)
SCANS = 24
PROCESSES: Mapping[str, tuple[str, ...]] = {
    "admission, janitor": ("admission", "janitor"),
    "dispatcher 1": ("dispatcher",),
    "dispatcher 2": ("dispatcher",),
    "poller 1": ("poller",),
    "poller 2": ("poller",),
    "validator": ("validator",),
}
"""By the name that is shown: the services of the process."""
NATS = "nats-server"
KILLS = 12
FIRST_S, EVERY_S = 2.0, 1.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Kill:
    """A process to kill, and when after the start."""

    at_s: float
    victim: str


def kills(seed: int) -> tuple[Kill, ...]:
    """Which process is killed when: every one of them, some twice, and NATS in the middle."""
    chance = random.Random(seed)  # noqa: S311  # a play that can be repeated, no secret
    victims = [*PROCESSES, *chance.sample(list(PROCESSES), KILLS - len(PROCESSES) - 1)]
    chance.shuffle(victims)
    victims.insert(KILLS // 2, NATS)
    return tuple(Kill(at_s=FIRST_S + EVERY_S * number, victim=victim) for number, victim in enumerate(victims))


def requests() -> Iterable[tuple[str, str, str]]:
    """Name, target and pool of each scan."""
    for number in range(1, SCANS + 1):
        pool = "internal" if number % 2 else "dmz"
        yield f"{pool} segment {number}", f"10.10.0.{number}", pool


@dataclass(frozen=True, kw_only=True, slots=True)
class Reckoning:
    """What became of everything, by the scans' last events and by what the scanners counted themselves."""

    submitted: int
    ends: Mapping[str, int]
    """By public status."""
    launched_twice: int
    places_held: int
    taken_over: int
    """How often a process went on with a launch that another had begun."""
    fetched_again: int
    """How often a report had to be fetched or read again."""
    most: Mapping[str, int]
    """By scanner instance: the most scans that ever ran at once."""

    @property
    def lost(self) -> int:
        """Scans that did not end."""
        return self.submitted - sum(self.ends.values())

    @property
    def over_limit(self) -> tuple[str, ...]:
        """Scanners that ran more than they may."""
        return tuple(each.instance for each in SCANNERS if self.most[each.instance] > each.capacity)

    @property
    def ok(self) -> bool:
        """Everything completed, once, within limits, and every place is free."""
        whole = dict(self.ends) == {"completed": self.submitted}
        return whole and not (self.launched_twice or self.places_held or self.over_limit)


def reckoning(scans: Sequence[ScanStatus], submitted: int, counted: Mapping[str, Any], places_held: int) -> Reckoning:
    """Count; `counted` is what each emulated scanner says of itself."""
    whys = [entry.why for scan in scans for entry in scan.timeline]
    launches = Counter(
        scan["name"] for scanner in counted.values() for scan in scanner["scans"] for _ in range(scan["launched"])
    )
    return Reckoning(
        submitted=submitted,
        ends=Counter(str(scan.status) for scan in scans if scan.is_over),
        launched_twice=sum(times > 1 for times in launches.values()),
        places_held=places_held,
        taken_over=sum("taken over" in why for why in whys),
        fetched_again=sum(why.startswith("try ") for why in whys),
        most={instance: each["max_running"] for instance, each in counted.items()},
    )
