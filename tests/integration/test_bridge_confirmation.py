"""A person's word on an intrusive or large scan: asked for once, good for one scan, bound to what was asked by whom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
import pytest_asyncio
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import ElicitResult

from scanpool.bridge.caller import SCOPES, Caller
from scanpool.bridge.configuration.settings import BridgeSettings
from tests.support.agents import (
    CANCELS,
    DECLINES,
    NO,
    YES,
    Person,
    attended,
    audit_events,
    first_round,
    policy,
    second_round,
)
from tests.support.bridge import RunningBridge, called, connected, refusal, running_bridge
from tests.support.cli import scanpool
from tests.support.lasting import lasting
from tests.support.pipeline import Pipeline, running_pipeline

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEYS = (b"k" * 32,)
LARGE = {"targets": ["10.10.0.0/27"], "name": "large"}
INTRUSIVE = {"targets": ["10.10.0.1"], "name": "intrusive", "intensity": "intrusive"}
TOOL = "run_untrusted_scan"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    clients = [policy(), policy("other"), policy("trusted", confirm_above_hosts=None, confirm_intrusive=False)]
    async with running_pipeline(clients=clients) as pipeline:
        yield pipeline


def of(subject: str) -> BridgeSettings:
    """A replica on which this subject calls; all replicas share their keys."""
    return BridgeSettings(keys=KEYS, submits_per_minute=10_000, local=Caller(subject=subject, scopes=frozenset(SCOPES)))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bridge(pipeline: Pipeline) -> AsyncIterator[RunningBridge]:
    async with lasting(running_bridge(pipeline, of("local"))) as bridge:
        yield bridge


async def scans_of(pipeline: Pipeline, owner: str = "local") -> set[str]:
    return {scan.id for scan in await pipeline.client.list() if scan.owner == owner}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize(
    ("request_", "why"), [(LARGE, "32 addresses, more than 16"), (INTRUSIVE, "the scan is intrusive")]
)
async def test_a_person_is_asked_one_question_and_the_scan_starts(
    bridge: RunningBridge, mode: str, request_: dict[str, Any], why: str
) -> None:
    person = Person(YES)
    async with attended(bridge, person, mode) as client:
        task = await called(client, TOOL, **request_)
    (question,) = person.questions
    assert request_["targets"][0] in question
    assert why in question
    assert "pool lab" in question
    (asked,) = person.asked
    assert {name: each["type"] for name, each in asked.requested_schema["properties"].items()} == {"confirm": "boolean"}
    scan = await bridge.parts.scanpool.status(task["task_id"])
    assert scan.state != "pending"
    assert "confirmed by the user of local" in scan.timeline[0].why


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("answer", [NO, DECLINES, CANCELS])
async def test_a_person_who_does_not_want_it_has_nothing_started(
    pipeline: Pipeline, bridge: RunningBridge, mode: str, answer: ElicitResult
) -> None:
    before = await scans_of(pipeline)
    async with attended(bridge, Person(answer), mode) as client:
        problem = await refusal(client, TOOL, **LARGE)
    assert problem["code"] == "declined"
    assert await scans_of(pipeline) == before
    last = (await audit_events(bridge.parts.jetstream))[-1]
    assert (last.outcome, last.code, last.confirmation) == ("refused", "declined", "declined")


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_without_a_person_the_scan_is_parked_for_an_operator(bridge: RunningBridge, mode: str) -> None:
    async with connected(bridge, mode=mode) as client:
        problem = await refusal(client, TOOL, **LARGE)
        assert problem["code"] == "confirmation_required"
        assert f"scanpool approve {problem['task_id']}" in problem["hint"]
        status = await called(client, "get_scan_status", task_id=problem["task_id"])
        assert (status["status"], status["state"]) == ("queued", "pending")
        gone = await called(client, "cancel_scan", task_id=problem["task_id"])
    assert gone["status"] == "cancelled"
    parked, cancelled = (await audit_events(bridge.parts.jetstream))[-2:]
    assert (parked.outcome, parked.confirmation, parked.task_id) == ("accepted", "awaited", problem["task_id"])
    assert (cancelled.tool, cancelled.task_id) == ("cancel_scan", problem["task_id"])


async def test_who_asks_again_for_a_parked_scan_starts_nothing_more(pipeline: Pipeline, bridge: RunningBridge) -> None:
    async with connected(bridge) as client:
        first = await refusal(client, TOOL, **LARGE, idempotency_key="parked")
        again = await refusal(client, TOOL, **LARGE, idempotency_key="parked")
    assert first["task_id"] == again["task_id"]
    async with attended(bridge, Person(YES)) as client:
        confirmed = await refusal(client, TOOL, **LARGE, idempotency_key="parked")
    assert (confirmed["code"], confirmed["task_id"]) == ("confirmation_required", first["task_id"])


async def test_a_client_whose_policy_wants_no_word_is_not_asked(pipeline: Pipeline) -> None:
    person = Person(NO)
    async with running_bridge(pipeline, of("trusted")) as bridge, attended(bridge, person) as client:
        await called(client, TOOL, **LARGE)
    assert person.asked == []


async def test_what_is_denied_is_denied_without_asking_anybody(bridge: RunningBridge) -> None:
    person = Person(YES)
    async with attended(bridge, person) as client:
        problem = await refusal(client, TOOL, targets=["10.11.0.0/27"], name="large")
    assert (problem["code"], person.asked) == ("target_denied", [])


async def test_the_word_is_taken_on_another_replica(pipeline: Pipeline, bridge: RunningBridge) -> None:
    person = Person(YES)
    async with running_bridge(pipeline, of("local")) as replica:
        async with attended(bridge, person) as client:
            asked = await first_round(client, TOOL, LARGE)
        async with attended(replica, person) as client:
            result = await second_round(client, TOOL, LARGE, asked)
    assert not result.is_error
    assert result.structured_content is not None
    assert not result.structured_content["idempotent"]


async def test_a_word_that_is_sent_again_is_the_same_scan(pipeline: Pipeline, bridge: RunningBridge) -> None:
    before = await scans_of(pipeline)
    answers: list[dict[str, Any]] = []
    async with (
        running_bridge(pipeline, of("local")) as replica,
        attended(bridge, Person(YES)) as client,
        attended(replica, Person(YES)) as other,
    ):
        asked = await first_round(client, TOOL, LARGE)

        async def answered(through: Client) -> None:
            answers.append((await second_round(through, TOOL, LARGE, asked)).structured_content or {})

        async with anyio.create_task_group() as tasks:
            for through in (client, other, client, other):
                tasks.start_soon(answered, through)
        await answered(client)
    assert len({each["task_id"] for each in answers}) == 1
    assert sum(not each["idempotent"] for each in answers) == 1
    assert len(await scans_of(pipeline) - before) == 1


async def test_with_a_key_of_its_own_too_a_word_is_good_for_one_scan(pipeline: Pipeline, bridge: RunningBridge) -> None:
    request = {**LARGE, "idempotency_key": "once"}
    before = await scans_of(pipeline)
    async with attended(bridge, Person(YES)) as client:
        asked = await first_round(client, TOOL, request)
        for _ in range(3):
            assert not (await second_round(client, TOOL, request, asked)).is_error
    assert len(await scans_of(pipeline) - before) == 1


async def test_a_word_is_for_what_was_asked_only(pipeline: Pipeline, bridge: RunningBridge) -> None:
    before = await scans_of(pipeline)
    async with attended(bridge, Person(YES)) as client:
        asked = await first_round(client, TOOL, LARGE)
        with pytest.raises(MCPError, match="requestState"):
            await second_round(client, TOOL, {**LARGE, "targets": ["10.10.4.0/24"]}, asked)
        with pytest.raises(MCPError, match="requestState"):
            await second_round(client, "run_authenticated_scan", {**LARGE, "credential_ref": "linux"}, asked)
    assert await scans_of(pipeline) == before


async def test_a_word_is_for_whoever_asked_only(pipeline: Pipeline, bridge: RunningBridge) -> None:
    async with running_bridge(pipeline, of("other")) as others:
        async with attended(bridge, Person(YES)) as client:
            asked = await first_round(client, TOOL, LARGE)
        async with attended(others, Person(YES)) as client:
            with pytest.raises(MCPError, match="requestState"):
                await second_round(client, TOOL, LARGE, asked)
    assert await scans_of(pipeline, "other") == set()


async def test_a_made_up_state_is_worth_nothing(bridge: RunningBridge) -> None:
    async with attended(bridge, Person(YES)) as client:
        asked = await first_round(client, TOOL, LARGE)
        forged = asked.model_copy(update={"request_state": (asked.request_state or "")[:-4] + "AAAA"})
        with pytest.raises(MCPError, match="requestState"):
            await second_round(client, TOOL, LARGE, forged)


async def test_a_replica_with_other_keys_takes_no_word(pipeline: Pipeline, bridge: RunningBridge) -> None:
    async with running_bridge(pipeline, BridgeSettings(keys=(b"x" * 32,))) as stranger:
        async with attended(bridge, Person(YES)) as client:
            asked = await first_round(client, TOOL, LARGE)
        async with attended(stranger, Person(YES)) as client:
            with pytest.raises(MCPError, match="requestState"):
                await second_round(client, TOOL, LARGE, asked)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("content", [None, {"confirm": "perhaps"}, {"yes": True}])
async def test_an_answer_that_is_none_starts_nothing_and_is_told_without_what_is_inside(
    pipeline: Pipeline, bridge: RunningBridge, mode: str, content: dict[str, Any] | None
) -> None:
    before = await scans_of(pipeline)
    answer = ElicitResult.model_construct(action="accept", content=content)
    async with attended(bridge, Person(answer), mode) as client:
        problem = await refusal(client, TOOL, **LARGE)
    assert problem["code"] == "internal"
    assert "Resolver" not in str(problem)
    assert await scans_of(pipeline) == before


@pytest.mark.parametrize(
    ("tool", "more", "name"),
    [
        (TOOL, {}, "scanpool:confirm_untrusted"),
        ("run_authenticated_scan", {"credential_ref": "linux"}, "scanpool:confirm_authenticated"),
    ],
)
async def test_what_clients_see_of_a_question_is_its_name(
    bridge: RunningBridge, tool: str, more: dict[str, str], name: str
) -> None:
    async with attended(bridge, Person(YES)) as client:
        asked = await first_round(client, tool, {**LARGE, **more})
    assert list(asked.input_requests or {}) == [name]


async def test_a_question_alone_starts_nothing_and_leaves_no_trail(pipeline: Pipeline, bridge: RunningBridge) -> None:
    before, trail = await scans_of(pipeline), len(await audit_events(bridge.parts.jetstream))
    async with attended(bridge, Person(YES)) as client:
        await first_round(client, TOOL, LARGE)
    assert await scans_of(pipeline) == before
    assert len(await audit_events(bridge.parts.jetstream)) == trail


async def test_an_operators_approval_lets_a_parked_scan_go_on_and_the_agent_sees_it(
    pipeline: Pipeline, bridge: RunningBridge
) -> None:
    async with connected(bridge) as client:
        problem = await refusal(client, TOOL, **INTRUSIVE)
        done = await scanpool("approve", problem["task_id"], environ={"SCANPOOL_NATS_URL": pipeline.nats.url})
        assert done.code == 0, done.err
        over = await called(client, "wait_for_scan", task_id=problem["task_id"])
    assert over["status"] == "completed"
