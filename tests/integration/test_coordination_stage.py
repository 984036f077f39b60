"""What every stage's handler stands in, with deliveries of a real nats-server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec
import pytest

from scanpool.coordination.ledger import Ledger
from scanpool.coordination.stage import NEWER_VERSION, STALE_READ, Answer, Clockwork, Move, Stage
from scanpool.coordination.transitions import exported
from scanpool.runtime.backoff import Backoff
from scanpool.runtime.delivery import Delivery
from scanpool.runtime.jetstream import Write
from scanpool.runtime.outcomes import DeadLetter, Done, Outcome, Retry, Snooze
from scanpool_schemas import subjects
from scanpool_schemas.scan import AnyScan, Dead, Exporting, state_of
from tests.support.broker import Stand, standing, within
from tests.support.builders import NOW, a_mark, a_running_scan, an_export, an_exporting_scan

STREAM = subjects.pool_stream("lab")
ATTEMPTS = 3
SAVED = Retry(code="scanner_unavailable", message="did not answer")

Handle = Callable[[Exporting], Awaitable[Answer]]


async def never(_scan: Exporting) -> Answer:
    pytest.fail("it is not to be handled")


def answering(answer: Answer) -> Handle:
    async def handle(_scan: Exporting) -> Answer:
        return answer

    return handle


def a_stage(stand: Stand, handle: Handle) -> Stage[Exporting]:
    backoff = Backoff(first=timedelta(seconds=2), cap=timedelta(minutes=1), attempts=ATTEMPTS)
    nonces = iter("abcdefgh")
    clockwork = Clockwork(now=lambda: NOW, jitter=lambda: 1.0, nonce=lambda: next(nonces), backoff=backoff)
    return Stage(Ledger(stand.jetstream, source="test"), clockwork, Exporting, handle)


async def store(stand: Stand, scan: AnyScan, *, kind: str | None = None, body: bytes | None = None) -> None:
    subject = subjects.event(scan.pool, state_of(scan), scan.id)
    headers = {"ce-type": kind} if kind else {}
    await stand.jetstream.publish(Write(subject=subject, body=body or msgspec.json.encode(scan), headers=headers))


async def delivered(stand: Stand) -> Delivery:
    return await within(60, await stand.puller(STREAM, "exporting", credit=1))


async def committed(stand: Stand, outcome: Outcome) -> AnyScan:
    assert isinstance(outcome, Done)
    assert outcome.commit is not None
    return (await outcome.commit()).scan  # type: ignore[no-any-return]


async def test_a_move_is_committed_on_what_was_read() -> None:
    async with standing(("lab",)) as stand:
        scan = an_exporting_scan()
        await store(stand, scan)
        change = exported(scan, an_export(), a_mark("poller"))
        outcome = await a_stage(stand, answering(Move(change=change)))(await delivered(stand))
        assert await committed(stand, outcome) == change.scan


async def test_a_message_that_is_no_longer_its_scans_last_event_is_done() -> None:
    async with standing(("lab",)) as stand:
        await store(stand, an_exporting_scan())
        delivery = await delivered(stand)
        await store(stand, a_running_scan())
        assert await a_stage(stand, never)(delivery) == Done()


async def test_a_reading_older_than_the_message_is_made_again_later() -> None:
    async with standing(("lab",)) as stand:
        await store(stand, an_exporting_scan())
        delivery = await delivered(stand)
        await stand.jetstream.purge(STREAM, subjects.events_of("lab", "s1"), below=delivery.sequence + 1)
        assert await a_stage(stand, never)(delivery) == STALE_READ


async def test_a_scan_whose_next_try_is_still_to_come_is_snoozed_until_then() -> None:
    async with standing(("lab",)) as stand:
        await store(stand, an_exporting_scan(not_before=NOW + timedelta(seconds=7)))
        outcome = await a_stage(stand, never)(await delivered(stand))
        assert isinstance(outcome, Snooze)
        assert outcome.delay == timedelta(seconds=7)


async def test_a_failed_try_is_counted_in_the_scan_and_waits_out_the_backoff() -> None:
    async with standing(("lab",)) as stand:
        await store(stand, an_exporting_scan(stage_attempts={"exporting": 1}))
        after = await committed(stand, await a_stage(stand, answering(SAVED))(await delivered(stand)))
        assert isinstance(after, Exporting)
        assert after.stage_attempts == {"exporting": 2}
        assert after.not_before == NOW + timedelta(seconds=4)
        assert after.timeline[-1].why == "try 2 failed: did not answer"


async def test_the_last_failed_try_makes_the_scan_a_dead_letter_that_can_be_retried() -> None:
    async with standing(("lab",)) as stand:
        await store(stand, an_exporting_scan(stage_attempts={"exporting": ATTEMPTS - 1}))
        after = await committed(stand, await a_stage(stand, answering(SAVED))(await delivered(stand)))
        assert isinstance(after, Dead)
        assert (after.dead.state, after.error.code) == ("exporting", "scanner_unavailable")
        assert after.error.message.startswith(f"given up after {ATTEMPTS} tries")


@pytest.mark.parametrize(
    "answer", [Snooze(delay=timedelta(seconds=1), reason="x"), DeadLetter(reason="r", message="m")]
)
async def test_a_snooze_and_a_dead_letter_are_answered_as_they_are(answer: Answer) -> None:
    async with standing(("lab",)) as stand:
        await store(stand, an_exporting_scan())
        assert await a_stage(stand, answering(answer))(await delivered(stand)) == answer


async def test_an_event_of_a_newer_version_waits_for_a_process_that_knows_it() -> None:
    async with standing(("lab",)) as stand:
        await store(stand, an_exporting_scan(), kind="scanpool.scan.exporting.v2")
        outcome = await a_stage(stand, never)(await delivered(stand))
        assert isinstance(outcome, Snooze)
        assert outcome.delay == NEWER_VERSION


async def test_bytes_that_are_no_event_are_a_dead_letter() -> None:
    async with standing(("lab",)) as stand:
        await store(stand, an_exporting_scan(), body=b"{")
        outcome = await a_stage(stand, never)(await delivered(stand))
        assert isinstance(outcome, DeadLetter)
        assert (outcome.reason, outcome.pool, outcome.scan_id) == ("undecodable_event", "lab", "s1")


async def test_a_subject_that_is_no_scans_is_a_dead_letter_without_names() -> None:
    async with standing(("lab",)) as stand:
        await stand.jetstream.publish(Write(subject="scan.lab.exporting.not$a$name", body=b"{}"))
        outcome = await a_stage(stand, never)(await delivered(stand))
        assert isinstance(outcome, DeadLetter)
        assert (outcome.reason, outcome.pool, outcome.scan_id) == ("bad_subject", "_", "_")
