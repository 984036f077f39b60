"""Agents that ask the bridge for scans: their policies, their people, and what they leave in NATS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from mcp import Client
from mcp.types import CallToolResult, ElicitResult, InputRequiredResult

from scanpool.coordination.registry import read_rules
from scanpool.runtime.jetstream import JetStream, Stored
from scanpool_schemas import subjects
from scanpool_schemas.events import AuditEvent
from tests.support.bridge import RunningBridge, connected

NETWORK = "10.10.0.0/16"
FEW = 16
"""Scans of more addresses want a person's word."""


def policy(subject: str = "local", **rules: Any) -> dict[str, Any]:
    """A client's entry in the configuration, that allows what the emulated network has."""
    return {
        "subject": subject,
        "networks": [NETWORK],
        "credentials": ["linux"],
        "intensity": "intrusive",
        "confirm_above_hosts": FEW,
        "max_concurrent": 100,
        "scans_per_hour": 1000,
        **rules,
    }


class Person:
    """Who sits before a client, answers what it is asked, and keeps the questions."""

    def __init__(self, *answers: ElicitResult) -> None:
        self._answers = list(answers)
        self.asked: list[Any] = []

    async def __call__(self, _context: Any, params: Any) -> ElicitResult:
        """Answer with the next answer; the last one from then on."""
        self.asked.append(params)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    @property
    def questions(self) -> list[str]:
        """What it was asked, in words."""
        return [each.message for each in self.asked]


YES = ElicitResult(action="accept", content={"confirm": True})
NO = ElicitResult(action="accept", content={"confirm": False})
DECLINES = ElicitResult(action="decline")
CANCELS = ElicitResult(action="cancel")


def attended(bridge: RunningBridge, person: Person, mode: str = "auto") -> Client:
    """A client with a person before it."""
    return connected(bridge, elicitation_callback=person, mode=mode)


async def first_round(client: Client, tool: str, arguments: dict[str, Any]) -> InputRequiredResult:
    """What the bridge wants to know before it starts, as a client of the 2026 era gets it."""
    result = await client.session.call_tool(tool, arguments, allow_input_required=True)
    assert isinstance(result, InputRequiredResult), result
    return result


async def second_round(
    client: Client, tool: str, arguments: dict[str, Any], first: InputRequiredResult, answer: ElicitResult = YES
) -> CallToolResult:
    """The call again, with the person's answer and the sealed state."""
    (key,) = first.input_requests or {}
    return await client.call_tool(
        tool, arguments, input_responses={key: answer}, request_state=first.request_state or ""
    )


async def has_rules(jetstream: JetStream, pool: str = "lab") -> bool:
    """Whether a dispatcher has written the pool's rules, which policies stand in."""
    return await read_rules(jetstream, pool) is not None


async def every_message(jetstream: JetStream) -> AsyncIterator[tuple[str, Stored]]:
    """All that lies in every stream: its name and each message."""
    names = (await jetstream.api("STREAM.NAMES", {"offset": 0}, dict[str, Any]))["streams"]
    for name in names:
        sequence = 1
        while (stored := await jetstream.next_from(name, sequence, ">")) is not None:
            yield name, stored
            sequence = stored.sequence + 1


async def audit_events(jetstream: JetStream, subject: str = "*") -> list[AuditEvent]:
    """The audit trail of a client, or of all."""
    pattern = "audit.*.*" if subject == "*" else subjects.audit(subject, "*")
    found: list[AuditEvent] = []
    sequence = 1
    while (stored := await jetstream.next_from(subjects.BRIDGE_AUDIT, sequence, pattern)) is not None:
        found.append(msgspec.json.decode(stored.body, type=AuditEvent))
        sequence = stored.sequence + 1
    return found
