"""Every handler of the protocol about to act: the scan is where it has to be, and whoever acts on it begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from scanpool.scanners.scanner import Activity
from scanpool_schemas.request import ScanRequest
from tests.support.builders import a_request
from tests.support.coming_to_rest import PAST_ANY_LEASE, handle
from tests.support.interleaving import Actor
from tests.support.judge import Judge
from tests.support.small_world import CLIENT

SCAN = "s1"
PAST_MAX_DURATION = timedelta(hours=25)

INTRUSIVE = a_request(client=CLIENT, owner=CLIENT, intensity="intrusive", max_wait_s=3600)
"""Asked for by a client of the bridge, it waits for a person's approval."""
CONFIRMED = a_request(client=CLIENT, owner=CLIENT, intensity="intrusive", confirmed="alice")

NOTHING_NEW = tuple(f"answer to a read of $KV.pool-lab.{key}" for key in ("control", "space", "health", "rules"))
"""Calls that tell of what nobody changes here: before them nothing is otherwise than before the next call."""

Prepare = Callable[[Judge], None]
Begin = Callable[[Judge], Actor]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A handler about to act on scan `s1`."""

    name: str
    prepare: Prepare
    begin: Begin

    def __str__(self) -> str:
        return self.name

    def judge(self) -> Judge:
        """A world in which everything is prepared."""
        judge = Judge(["a"])
        self.prepare(judge)
        assert not judge.broken, judge.broken
        return judge

    @cached_property
    def points(self) -> tuple[int, ...]:
        """After how many calls of the handler something can come between, its end included."""
        judge = self.judge()
        try:
            actor, calls, found = self.begin(judge), 0, []
            while actor.waiting:
                if not actor.at.startswith(NOTHING_NEW):
                    found.append(calls)
                judge.world.run.go_on(actor)
                calls += 1
            return (*found, calls)
        finally:
            judge.world.run.close()


def then(*steps: Prepare) -> Prepare:
    """One after the other."""

    def prepare(judge: Judge) -> None:
        for step in steps:
            step(judge)

    return prepare


def asked(request: ScanRequest | None = None) -> Begin:
    """Its request is published and about to be admitted."""
    return lambda judge: judge.world.ask_for(SCAN, request or a_request())


def admitted(judge: Judge) -> None:
    """It waits in the queue."""
    judge.world.run.finish(asked()(judge))


def deliver(judge: Judge) -> Actor:
    """Its last event is delivered."""
    event = judge.waiting(SCAN)
    assert event is not None
    return judge.world.deliver(event)


def handled(judge: Judge) -> None:
    """Its last event was delivered and handled."""
    event = judge.waiting(SCAN)
    assert event is not None
    handle(judge, event)


def killed_at(call: str, occurrence: int = 1) -> Prepare:
    """Whoever handled its last event died with the call on its way."""

    def prepare(judge: Judge) -> None:
        actor = deliver(judge)
        judge.world.run.go_on_to(actor, call, occurrence)
        judge.world.run.kill(actor)

    return prepare


def later(judge: Judge) -> None:
    """Any lease is over."""
    judge.world.passed += PAST_ANY_LEASE


def much_later(judge: Judge) -> None:
    """It has taken longer than it may."""
    judge.world.passed += PAST_MAX_DURATION


def on_scanner(activity: Activity) -> Prepare:
    """It came to its end on the scanner."""

    def prepare(judge: Judge) -> None:
        for name, scan in judge.active():
            judge.world.scanners[name].settle(scan, activity)

    return prepare


def lost(judge: Judge) -> None:
    """The scanner has forgotten it."""
    for scan in judge.on_scanners():
        scan.exists = False


def unlicensed(judge: Judge) -> None:
    """The scanner may not create scans any more."""
    judge.world.scanners["a"].licensed = False


def broken(judge: Judge) -> None:
    """No report can be had."""
    judge.world.reports_broken = True


def down(judge: Judge) -> None:
    """The scanner does not answer."""
    judge.world.scanners["a"].down = True


def up(judge: Judge) -> None:
    """The scanner answers."""
    judge.world.scanners["a"].down = False


def cancel(judge: Judge) -> Actor:
    """Its cancel is about to be carried out."""
    return judge.world.cancel(SCAN)


def cancelled(judge: Judge) -> None:
    """Its cancel was carried out."""
    judge.world.run.finish(cancel(judge))


def look_after(judge: Judge) -> Actor:
    """The janitor looks at it."""
    last = judge.last(SCAN)
    assert last is not None
    return judge.world.look_after(last)


def tell_again(judge: Judge) -> Actor:
    """The janitor takes its delivery for lost."""
    last = judge.last(SCAN)
    assert last is not None
    return judge.world.tell_again(last)


def retry(judge: Judge) -> Actor:
    """A person retries it."""
    (dead,) = judge.dead()
    return judge.world.retry(dead)


def approve(judge: Judge) -> Actor:
    """A person approves it."""
    return judge.world.settle_approval("approve", SCAN)


def reject(judge: Judge) -> Actor:
    """A person rejects it."""
    return judge.world.settle_approval("reject", SCAN)


def put_off(judge: Judge) -> None:
    """It waits for approval."""
    judge.world.run.finish(asked(INTRUSIVE)(judge))


def given_up(judge: Judge) -> None:
    """Its tries are used up."""
    while not judge.dead():
        later(judge)
        handled(judge)


CLAIMED = then(admitted, killed_at("ack"))
CREATED = then(admitted, killed_at("answer to create"))
INTENDED = then(admitted, killed_at("progress"))
LAUNCHED = then(admitted, killed_at("answer to launch"))
RUNNING = then(admitted, handled)
SCANNED = then(RUNNING, on_scanner(Activity.COMPLETED))
EXPORTING = then(SCANNED, handled)
VALIDATING = then(EXPORTING, handled)
GIVEN_UP_LAUNCHING = then(admitted, killed_at("list"), down, given_up, up)
GIVEN_UP_EXPORTING = then(EXPORTING, broken, given_up)
GIVEN_UP_VALIDATING = then(VALIDATING, broken, given_up)

STATES = {
    "queued": admitted,
    "claimed": CLAIMED,
    "created": CREATED,
    "intended": INTENDED,
    "launched": LAUNCHED,
    "running": RUNNING,
    "scanned": SCANNED,
    "exporting": EXPORTING,
    "validating": VALIDATING,
}
"""Where a scan can be before it is over; launching four times: with nothing on the scanner, with one, intended, run."""


def _scenes(*rows: tuple[str, Prepare, Begin]) -> tuple[Scene, ...]:
    return tuple(Scene(name=name, prepare=prepare, begin=begin) for name, prepare, begin in rows)


def nothing(_judge: Judge) -> None:
    """Nothing happened yet."""


STAGES = _scenes(
    ("admission", nothing, asked()),
    ("admission of what is known", admitted, asked()),
    ("admission of another of its id", admitted, asked(a_request(name="another"))),
    ("admission of what needs approval", nothing, asked(INTRUSIVE)),
    ("admission of what was confirmed", nothing, asked(CONFIRMED)),
    ("admission of what is refused", nothing, asked(a_request(targets=("224.0.0.1",)))),
    ("place and launch", admitted, deliver),
    ("place and way back", then(admitted, unlicensed), deliver),
    ("takeover of a claim", then(CLAIMED, later), deliver),
    ("takeover of a create", then(CREATED, later), deliver),
    ("takeover of an intent", then(INTENDED, later), deliver),
    ("takeover of a launch", then(LAUNCHED, later), deliver),
    ("takeover of what is lost", then(INTENDED, later, lost), deliver),
    ("poll", RUNNING, deliver),
    ("poll of what completed", SCANNED, deliver),
    ("poll of what aborted", then(RUNNING, on_scanner(Activity.ABORTED)), deliver),
    ("poll of what is lost", then(RUNNING, lost), deliver),
    ("poll of what takes too long", then(RUNNING, much_later), deliver),
    ("export", EXPORTING, deliver),
    ("export that fails", then(EXPORTING, broken), deliver),
    ("export of what is lost", then(EXPORTING, lost), deliver),
    ("validate", VALIDATING, deliver),
    ("validate what is broken", then(VALIDATING, broken), deliver),
)
CANCELS = _scenes(
    ("cancel of pending", put_off, cancel),
    *((f"cancel of {name}", prepare, cancel) for name, prepare in STATES.items()),
)
APPROVALS = _scenes(
    ("approval", put_off, approve),
    ("rejection", put_off, reject),
)
STOPS = _scenes(
    ("stop of a claim", then(CLAIMED, cancelled), deliver),
    ("stop of an intent", then(INTENDED, cancelled, later), deliver),
    ("stop of a launch", then(LAUNCHED, cancelled, later), deliver),
    ("stop of what runs", then(RUNNING, cancelled), deliver),
    ("second look at what stops", then(RUNNING, cancelled, handled), deliver),
    ("stop of what is lost", then(RUNNING, cancelled, lost), deliver),
    ("stop of what completed", then(SCANNED, cancelled), deliver),
    ("stop of what took too long", then(RUNNING, much_later, handled), deliver),
)
RETRIES = _scenes(
    ("retry of a launch", GIVEN_UP_LAUNCHING, retry),
    ("retry of an export", GIVEN_UP_EXPORTING, retry),
    ("retry of a reading", GIVEN_UP_VALIDATING, retry),
)
JANITOR = _scenes(
    ("janitor ends what waits for approval", then(put_off, much_later), look_after),
    ("janitor ends what launches", then(CLAIMED, much_later), look_after),
    ("janitor ends what is intended", then(INTENDED, much_later), look_after),
    ("janitor ends what runs", then(RUNNING, much_later), look_after),
)
LOST = _scenes(
    ("janitor tells again what waits", admitted, tell_again),
    ("janitor tells again what launches", then(INTENDED, later), tell_again),
    ("janitor tells again what runs", RUNNING, tell_again),
    ("janitor tells again what is exported", EXPORTING, tell_again),
    ("janitor tells again what is read", VALIDATING, tell_again),
    ("janitor tells again what stops", then(RUNNING, cancelled), tell_again),
)
EVERY = (*STAGES, *CANCELS, *STOPS, *RETRIES, *APPROVALS, *JANITOR, *LOST)
