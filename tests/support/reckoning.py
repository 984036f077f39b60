"""What must hold when a storm is over, and what went by in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

from scanpool.client.errors import ClientError
from scanpool.runtime.errors import BrokerError
from scanpool.scanners.naming import our_name
from scanpool_schemas.status import ScanStatus
from tests.support.aftermath import Expected, assert_nothing_lost
from tests.support.storm import Outcome, Stage
from tests.support.storm_plan import SEED_VARIABLE, SIZE_VARIABLE, is_full

LOOKS = 3
SETTLED_WITHIN_S = 120.0
"""What the stages leave to the janitor and to the clean-up of scanners is done by then."""
CANCELLED_WITHIN = timedelta(seconds=135)
"""A cancel whose handler is killed four times comes again after four waits for its ack."""

Problem = tuple[str | None, str]
"""The scan that it is about, or None, and what is wrong."""


async def reckoned(stage: Stage, outcome: Outcome) -> list[Problem]:
    """Everything that is wrong after the storm."""
    reckoning = _Reckoning(stage, outcome)
    problems = [*outcome.problems]
    problems += [each async for each in reckoning.of_scanners()]
    problems += [each async for each in reckoning.of_rest()]
    problems += [each async for each in reckoning.of_reports()]
    problems += list(reckoning.of_ends())
    await stage.crew.stop()
    problems += [(None, what) for what in stage.crew.problems()]
    return problems


def account(stage: Stage, outcome: Outcome, problems: list[Problem]) -> str:
    """What went by, what is wrong, how to see it again, and what befell each scan that is named."""
    by_end = Counter(_end(each) for each in outcome.ended.values())
    entries = [entry.why for each in outcome.ended.values() for entry in each.timeline]
    size = f"{SIZE_VARIABLE}=full " if is_full() else ""
    lines = [
        f"seed {stage.plan.seed}: again with {SEED_VARIABLE}={stage.plan.seed} {size}python -m pytest tests/chaos",
        f"{outcome.seconds:.1f} s, the last blow fell after {outcome.calm_after_s:.1f} s",
        f"scans by end: {_counted(by_end)}",
        f"kills: {sum(stage.crew.killed.values())} ({_counted(stage.crew.killed)}); starts: {len(stage.crew.lives)}; "
        f"ended by themselves: {len(stage.crew.ended_by_itself)} ({_counted(stage.crew.last_words())})",
        f"blows to NATS: {'; '.join(outcome.blows) or 'none'}",
        f"takeovers: {_having(entries, 'taken over')}; back in the queue: {_having(entries, 'back in the queue')}; "
        f"told again: {_having(entries, 'its delivery was lost')}; "
        f"tries of exports and validations that failed: {_having(entries, ' failed: ')}",
        f"clients had to ask again: {_counted(outcome.tries)}; samples of places: {outcome.samples}",
        f"faults: {_counted(outcome.faults)}",
        *_slowest(outcome),
        f"logged: {_counted(stage.crew.said())}",
        *(f"WRONG {scan_id or ''}: {what}" for scan_id, what in problems),
    ]
    named = {scan_id: None for scan_id, _ in problems if scan_id}
    lines += [_story(scan_id, outcome.ended.get(scan_id)) for scan_id in named]
    return "\n".join(lines)


class _Reckoning:
    """The checks."""

    def __init__(self, stage: Stage, outcome: Outcome) -> None:
        self._stage = stage
        self._outcome = outcome

    async def of_scanners(self) -> AsyncIterator[Problem]:
        """By the scanners' own counts: never over the limit, each run launched once at most."""
        launched: Counter[str] = Counter()
        for instance, places in self._stage.plan.size.instances.items():
            stats = await self._stage.emulators[instance].control.stats()
            if stats["max_running"] > places:
                yield None, f"{instance} ran {stats['max_running']} scans at once and has {places} places"
            if stats["running"]:
                yield None, f"{stats['running']} scans run on {instance} although all are over"
            for row in stats["scans"]:
                launched[_bracket(row["name"])] += row["launched"]
        for name, times in launched.items():
            if times > 1:
                yield _id_of(name), f"{name} was launched {times} times"
        for scan_id, ended in self._outcome.ended.items():
            times = launched[f"[scanpool/{scan_id}/{ended.run}]"]
            if ended.status == "completed" and times != 1:
                yield scan_id, f"it completed and was launched {times} times"

    async def of_rest(self) -> AsyncIterator[Problem]:
        """Everything has come to rest: ends told once, places free, nothing of any scan lies about."""
        forgotten = await self._forgotten()
        expected = [
            Expected(pool=order.pool, id=order.id, surplus=True)
            for order in self._stage.plan.orders
            if order.id not in forgotten and not self._is_dead(order.id)
        ]
        for line in await self._lost(expected):
            yield next((order.id for order in self._stage.plan.orders if f"/{order.id} " in line), None), line

    async def _lost(self, expected: list[Expected]) -> list[str]:
        """What is lost; looked at again, since a janitor that could not read everything deletes no export."""
        found: list[str] = []
        for _ in range(LOOKS):
            try:
                await assert_nothing_lost(
                    self._stage.jetstream, self._stage.emulators, expected, within_s=SETTLED_WITHIN_S
                )
            except AssertionError as error:
                found = str(error).splitlines()
            else:
                return []
        return found

    async def of_reports(self) -> AsyncIterator[Problem]:
        """Every report that a scan's last event names can be read."""
        for scan_id, ended in self._outcome.ended.items():
            if ended.export is None:
                continue
            try:
                client = self._stage.clients[0]
                await client.download_report(scan_id, self._stage.folder / "report", pool=ended.pool)
            except (ClientError, BrokerError) as error:
                yield scan_id, f"its report cannot be read: {error}"

    def of_ends(self) -> Iterator[Problem]:
        """Every end was seen and told, and a scan whose cancel was acknowledged was cancelled, or was over soon."""
        for order in self._stage.plan.orders:
            if order.id in self._outcome.ended and not self._outcome.heard[order.id]:
                yield order.id, "the durable subscription was never given its end"
        for scan_id, at in self._outcome.cancelled_at.items():
            ended = self._outcome.ended.get(scan_id)
            if ended is None or ended.status == "cancelled":
                continue
            admitted, *later = ended.timeline
            for entry in later:
                known_at = max(at, admitted.at)
                if entry.state not in {"stopping", "failed"} and entry.at > known_at + CANCELLED_WITHIN:
                    yield scan_id, f"it was to be cancelled at {at:%H:%M:%S} and went on to {entry.state} long after"

    def _is_dead(self, scan_id: str) -> bool:
        ended = self._outcome.ended.get(scan_id)
        return ended is not None and ended.dead_letter

    async def _forgotten(self) -> set[str | None]:
        """The scans of which a scanner lost one, by the fault of that name: nobody can clean that up."""
        forgotten: set[str | None] = set()
        for emulator in self._stage.emulators.values():
            listed = {each["id"] for each in (await emulator.api.get("/scans")).json()["scans"] or []}
            rows = (await emulator.control.stats())["scans"]
            forgotten |= {_id_of(row["name"]) for row in rows if not row["deleted"] and row["id"] not in listed}
        return forgotten


def _slowest(outcome: Outcome) -> list[str]:
    """What took longest, which tells what the storm waited for."""
    slow = sorted(outcome.ended.items(), key=lambda pair: pair[1].submitted_at - pair[1].updated_at)[:3]
    return [_story(scan_id, status) for scan_id, status in slow]


def _story(scan_id: str, status: ScanStatus | None) -> str:
    if status is None:
        return f"{scan_id}: no end of it was seen"
    told = [f"  {entry.at:%H:%M:%S.%f} {entry.state} by {entry.by}: {entry.why}" for entry in status.timeline]
    return "\n".join([f"{scan_id} ended {_end(status)} on {status.scanner_instance}:", *told])


def _end(status: ScanStatus) -> str:
    code = f" {status.error.code}" if status.error else ""
    return f"dead{code}" if status.dead_letter else f"{status.status}{code}"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common()) or "none"


def _having(sentences: list[str], part: str) -> int:
    return sum(part in sentence for sentence in sentences)


def _bracket(name: str) -> str:
    return str(our_name(name) or name)


def _id_of(name: str) -> str | None:
    ours = our_name(name)
    return ours.scan_id if ours else None
