"""Clients of the bridge through the whole pipeline: refused, counted, put before a person, and let go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
import yaml

from scanpool.coordination.client_policy import Allowed, Confirm, Counts, asked, decide
from scanpool.coordination.registry import read_rules
from scanpool.runtime.jetstream import Write
from scanpool_schemas import subjects
from scanpool_schemas.keys import PoolRules
from scanpool_schemas.request import ScanRequest
from scanpool_schemas.scan import Completed, state_of
from scanpool_schemas.status import ScanStatus
from scanpool_schemas.wire import decode_scan
from tests.support.builders import a_queued_scan, a_request
from tests.support.cli import Ended, scanpool
from tests.support.eventually import becomes
from tests.support.pipeline import Pipeline, running_pipeline
from tests.support.watching import FASTER, in_a_task, reaches

pytestmark = pytest.mark.asyncio(loop_scope="module")

RULES = {"allow": ["10.0.0.0/8", "127.0.0.1"]}
AGENT = {
    "subject": "agent",
    "networks": ["10.10.0.0/24", "10.10.11.0/24", "127.0.0.1"],
    "exclude": ["10.10.0.13"],
    "credentials": ["linux"],
    "intensity": "intrusive",
    "confirm_above_hosts": 8,
    "max_concurrent": 100,
    "scans_per_hour": 1000,
}
CLIENTS = (
    AGENT,
    {**AGENT, "subject": "careful", "intensity": "safe", "credentials": []},
    {**AGENT, "subject": "crowd-*", "max_concurrent": 2},
    {**AGENT, "subject": "fast", "scans_per_hour": 2},
    {**AGENT, "subject": "shrinking"},
)
ONE = ("10.10.0.1",)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    async with in_a_task(running_pipeline(settings=FASTER, rules=RULES, clients=CLIENTS)) as running:
        yield running


async def ask(pipeline: Pipeline, targets: Sequence[str] = ONE, *, client: str = "agent", **fields: Any) -> ScanStatus:
    """Admission's answer to what the client asks for."""
    named = {"name": "asked by an agent", "client": client, "owner": client, **fields}
    submitted = await pipeline.client.submit(list(targets), **named)
    return await pipeline.client.admitted(submitted, timeout=60)


async def waiting(pipeline: Pipeline, **fields: Any) -> ScanStatus:
    """A scan that waits for approval."""
    status = await ask(pipeline, intensity="intrusive", **fields)
    assert (status.state, status.status) == ("pending", "queued")
    return status


def code_of(status: ScanStatus) -> str | None:
    return status.error.code if status.error else None


async def settle(pipeline: Pipeline, *words: str) -> Ended:
    return await scanpool(*words, environ={"SCANPOOL_NATS_URL": pipeline.nats.url})


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"client": "stranger"}, "client_unknown"),
        ({"targets": ["10.10.1.1"]}, "client_target_denied"),
        ({"targets": ["10.10.0.12-14"]}, "client_target_denied"),
        ({"targets": ["127.0.0.1"]}, "client_target_denied"),
        ({"targets": ["localhost"]}, "client_target_denied"),
        ({"targets": ["192.168.0.1"]}, "target_not_allowed"),
        ({"targets": ["::ffff:10.10.0.1"]}, "impossible_target"),
        ({"targets": ["169.254.169.254"]}, "target_not_allowed"),
        ({"targets": ["10.10.0.0/25", "10.10.0.200-255", "10.10.11.0/24"]}, "client_target_denied"),
        ({"targets": ["10.10.0.14-254", "10.10.11.0/24"]}, "client_too_many_hosts"),
        ({"settings": {"port_range": "all"}}, "client_settings_denied"),
        ({"client": "careful", "intensity": "intrusive"}, "client_intensity_denied"),
        ({"scan_type": "authenticated", "credential_ref": "wrong"}, "client_credential_denied"),
        ({"client": "careful", "scan_type": "authenticated", "credential_ref": "linux"}, "client_credential_denied"),
    ],
)
@pytest.mark.parametrize("confirmed", [None, "alice"])
async def test_what_the_policy_does_not_allow_is_refused_whoever_confirmed_it(
    pipeline: Pipeline, fields: dict[str, Any], code: str, confirmed: str | None
) -> None:
    status = await ask(pipeline, **fields, confirmed=confirmed)
    assert status.error is not None, status
    assert (status.status, status.error.code) == ("failed", code)


async def test_a_client_s_scan_runs_to_its_end_and_is_safe_unless_it_says_otherwise(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    status = await ask(pipeline, scan_type="authenticated", credential_ref="linux")
    ended = await reaches(pipeline, status.id, {"completed"})
    assert b"<name>safe_checks</name><value>yes</value>" in await report_of(pipeline, ended.id, tmp_path)
    assert [each.state for each in ended.timeline][:2] == ["queued-normal", "launching"]


async def test_a_person_who_asks_for_the_same_is_held_against_no_policy(pipeline: Pipeline, tmp_path: Path) -> None:
    submitted = await pipeline.client.submit(["10.10.1.1"], name="by hand", intensity="intrusive")
    ended = await reaches(pipeline, submitted.id, {"completed"})
    assert b"<name>safe_checks</name><value>no</value>" in await report_of(pipeline, ended.id, tmp_path)


async def report_of(pipeline: Pipeline, scan_id: str, folder: Path) -> bytes:
    """The raw report, in one line."""
    await pipeline.client.download_report(scan_id, folder / "report.nessus")
    return (folder / "report.nessus").read_bytes().replace(b"\n", b"")


@pytest.mark.parametrize(
    ("targets", "fields", "why"),
    [
        (ONE, {"intensity": "intrusive"}, "the scan is intrusive"),
        (("10.10.0.1-9",), {}, "it is of 9 addresses, more than 8"),
    ],
)
async def test_what_a_person_has_to_confirm_waits_and_runs_once_it_is_approved(
    pipeline: Pipeline, targets: Sequence[str], fields: dict[str, Any], why: str
) -> None:
    status = await ask(pipeline, targets, **fields)
    assert (status.state, status.status, status.awaiting) == ("pending", "queued", why)

    listed = await settle(pipeline, "list", "--status", "queued", "--json")
    (line,) = [each for each in listed.document if each["id"] == status.id]
    assert (line["state"], line["awaiting"]) == ("pending", why)
    shown = await settle(pipeline, "status", status.id)
    assert f"awaits approval  {why}" in shown.out

    approved = await settle(pipeline, "approve", status.id, "--by", "alice", "--reason", "CHG-1", "--json")
    assert (approved.code, approved.document["approved"], approved.document["of"]) == (0, 1, 1)
    ended = await reaches(pipeline, status.id, {"completed"})
    states = [(each.state, each.by, each.why) for each in ended.timeline][:2]
    assert states == [
        ("pending", "admission", f"waits for approval: {why}"),
        ("queued-normal", "operator", "approved by alice: CHG-1"),
    ]
    again = await settle(pipeline, "approve", status.id, "--json")
    assert again.code == 1
    (outcome,) = again.document["scans"]
    assert (outcome["outcome"], outcome["message"]) == ("already_over", "already over: it is completed")


async def test_what_was_confirmed_through_the_bridge_is_queued_and_says_by_whom(pipeline: Pipeline) -> None:
    status = await ask(pipeline, intensity="intrusive", confirmed="bob")
    ended = await reaches(pipeline, status.id, {"completed"})
    assert ended.timeline[0].why == "admitted: the scan is intrusive; confirmed by bob"
    assert ended.awaiting is None


async def test_a_rejected_scan_ends_with_who_and_why_and_cannot_be_approved_any_more(pipeline: Pipeline) -> None:
    status = await waiting(pipeline)
    rejected = await settle(pipeline, "reject", status.id, "--reason", "not during the sale", "--by", "alice")
    assert rejected.code == 0
    assert "rejected 1 of 1" in rejected.err
    ended = await pipeline.client.status(status.id)
    assert ended.error is not None
    assert (ended.status, ended.error.code) == ("failed", "approval_denied")
    assert ended.error.message == "rejected by alice: not during the sale"
    assert ended.timeline[-1].by == "operator"
    for act in (("approve",), ("reject", "--reason", "again")):
        again = await settle(pipeline, *act, status.id, "--json")
        (outcome,) = again.document["scans"]
        assert (again.code, outcome["outcome"]) == (1, "already_rejected")
        assert outcome["message"] == "already over: rejected by alice: not during the sale"


async def test_of_several_each_is_told_what_became_of_it(pipeline: Pipeline) -> None:
    good = await waiting(pipeline)
    await settle(pipeline, "pause", "lab", "--reason", "so that it stays queued", "--by", "alice")
    try:
        queued = await ask(pipeline)
        answer = await settle(pipeline, "approve", good.id, queued.id, "never-asked-for", good.id, "--json")
        assert answer.code == 1
        told = {each["id"]: (each["outcome"], each["message"]) for each in answer.document["scans"]}
        assert told == {
            good.id: ("approved", "is queued-normal"),
            queued.id: ("not_waiting", "waits for no approval: it is queued-normal"),
            "never-asked-for": ("unknown", "there is no such scan in any pool"),
        }
        again = await settle(pipeline, "approve", good.id, "--pool", "lab", "--json")
        assert again.document["scans"][0]["message"] == "already approved: it is queued-normal"
        elsewhere = await settle(pipeline, "approve", good.id, "--pool", "labb", "--json")
        assert (elsewhere.code, elsewhere.document["error"]["code"]) == (1, "unknown_pool")
    finally:
        await settle(pipeline, "resume", "lab")


async def test_a_scan_that_waits_for_approval_can_be_cancelled(pipeline: Pipeline) -> None:
    status = await waiting(pipeline)
    await pipeline.client.cancel(status.id, by="agent")
    ended = await reaches(pipeline, status.id, {"failed"})
    assert (ended.status, ended.timeline[-1].by) == ("cancelled", "cancel")


async def test_a_scan_waits_for_approval_no_longer_than_its_request_allows(pipeline: Pipeline) -> None:
    status = await waiting(pipeline, max_wait_s=1)
    ended = await reaches(pipeline, status.id, {"failed"})
    assert ended.error is not None
    assert (ended.status, ended.error.code) == ("timeout", "max_wait_exceeded")
    assert "waited longer than 1 s for approval" in ended.error.message


async def test_asked_for_again_it_is_the_same_scan_confirmed_or_not(pipeline: Pipeline) -> None:
    fields: dict[str, Any] = {"intensity": "intrusive", "owner": "agent", "idempotency_key": "once"}
    first = await ask(pipeline, **fields)
    again = await pipeline.client.submit(
        list(ONE), name="asked by an agent", client="agent", confirmed="alice", **fields
    )
    assert (again.id, again.duplicate) == (first.id, True)
    assert (await pipeline.client.status(first.id)).state == "pending"


async def test_of_requests_at_once_no_more_pass_than_the_policy_allows() -> None:
    async with running_pipeline(services=("dispatcher",), rules=RULES, clients=CLIENTS) as waits:
        fields = {"name": "at once", "client": "crowd-1", "owner": "crowd-1", "intensity": "intrusive"}
        asked_for = [await waits.client.submit(list(ONE), **fields) for _ in range(12)]
        await waits.start(("admission",))
        answers = [await waits.client.admitted(each, timeout=60) for each in asked_for]
    assert Counter([code_of(each) for each in answers]) == {None: 2, "client_too_many_scans": 10}
    assert all(each.error.retryable for each in answers if each.error)


async def test_another_client_has_its_own_count_and_what_ends_makes_room(pipeline: Pipeline) -> None:
    answers = [await ask(pipeline, client="crowd-1", intensity="intrusive") for _ in range(3)]
    assert [code_of(each) for each in answers] == [None, None, "client_too_many_scans"]
    assert (await ask(pipeline, client="crowd-2", intensity="intrusive")).state == "pending"
    passed = next(each for each in answers if each.error is None)
    await pipeline.client.cancel(passed.id)
    await reaches(pipeline, passed.id, {"failed"})
    assert (await ask(pipeline, client="crowd-1", intensity="intrusive")).state == "pending"


async def test_an_old_scan_that_still_waits_counts_and_does_not_count_for_the_hour(pipeline: Pipeline) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=3)
    request = a_request(targets=ONE, client="crowd-old", owner="crowd-old")
    for number in range(2):
        scan = a_queued_scan(request, id=f"old-{number}", submitted_at=long_ago, queued_at=long_ago)
        held = msgspec.structs.replace(scan, not_before=datetime.now(UTC) + timedelta(days=1))
        subject = subjects.event("lab", state_of(held), held.id)
        await pipeline.jetstream.publish(Write(subject=subject, body=msgspec.json.encode(held)))
    assert code_of(await ask(pipeline, client="crowd-old")) == "client_too_many_scans"


async def test_scans_of_the_hour_count_whatever_became_of_them_but_not_those_that_were_refused(
    pipeline: Pipeline,
) -> None:
    for _ in range(3):
        assert code_of(await ask(pipeline, ["10.10.1.1"], client="fast")) == "client_target_denied"
    first = await ask(pipeline, client="fast")
    await reaches(pipeline, first.id, {"completed"})
    second = await waiting(pipeline, client="fast")
    await pipeline.client.cancel(second.id)
    await reaches(pipeline, second.id, {"failed"})
    third = await ask(pipeline, client="fast")
    assert third.error is not None
    assert (third.error.code, third.error.retryable) == ("client_too_fast", True)
    await age(pipeline, first.id, timedelta(hours=2))
    assert (await ask(pipeline, client="fast")).error is None


async def age(pipeline: Pipeline, scan_id: str, by: timedelta) -> None:
    """Let the scan's last event say that it was asked for so much earlier."""
    stream, events = subjects.pool_stream("lab"), subjects.events_of("lab", scan_id)
    stored = await pipeline.jetstream.last(stream, events)
    assert stored is not None
    scan = decode_scan("completed", stored.body)
    assert isinstance(scan, Completed)
    older = msgspec.structs.replace(scan, submitted_at=scan.submitted_at - by)
    await pipeline.jetstream.publish(Write(subject=stored.subject, body=msgspec.json.encode(older)))


async def test_admission_goes_by_the_rules_as_they_are_now_not_by_those_that_the_bridge_read(
    pipeline: Pipeline,
) -> None:
    request = ScanRequest(targets=ONE, name="asked by an agent", client="shrinking", owner="shrinking")
    assert await judged(pipeline, request) == Allowed()
    parked = await ask(pipeline, client="shrinking", intensity="intrusive")
    assert parked.state == "pending"
    before = pipeline.configuration.read_text()
    document = yaml.safe_load(before)
    for each in document["clients"]:
        if each["subject"] == "shrinking":
            each["networks"] = ["10.10.11.0/24"]
    pipeline.configuration.write_text(yaml.safe_dump(document))
    await becomes(lambda: is_narrower(pipeline))
    assert code_of(await ask(pipeline, client="shrinking")) == "client_target_denied"
    approved = await settle(pipeline, "approve", parked.id, "--json")
    assert (approved.code, approved.document["approved"]) == (1, 0)
    assert "does not allow it any more" in str(approved.document)
    assert (await pipeline.client.status(parked.id)).state == "pending"


async def judged(pipeline: Pipeline, request: ScanRequest) -> Allowed | Confirm | object:
    """What a bridge says that reads the rules now."""
    rules = await read_rules(pipeline.jetstream, "lab")
    assert rules is not None
    return decide(asked(request, {}), rules, Counts(live=0, last_hour=0), datetime.now(UTC))


async def is_narrower(pipeline: Pipeline) -> bool:
    rules = await read_rules(pipeline.jetstream, "lab") or PoolRules()
    return any(each.networks == ("10.10.11.0/24",) for each in rules.clients)
