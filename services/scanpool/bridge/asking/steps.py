"""A call that asks for a scan, step by step: its request is judged, a person is asked where one has to be, it is made.

The SDK runs the steps that a tool names by `Resolve`, each before what needs it, and again with every round of the
call. Annotations are evaluated where they stand, since they name what is bound to one bridge.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, Resolve

from scanpool.bridge.answering.models.submitting import Submitted
from scanpool.bridge.answering.refusals import Refusal
from scanpool.bridge.asking.approvals import Confirmation, can_be_asked, current_seal
from scanpool.bridge.asking.judging import Ask, Judged, judged
from scanpool.bridge.asking.policy import Policy
from scanpool.bridge.asking.submitting import submit
from scanpool.bridge.caller import current_caller
from scanpool.bridge.gate.audit import current_deed
from scanpool.bridge.parts import Parts


class Unasked:
    """Nobody has to be asked, or nobody can be."""


@dataclass(frozen=True, slots=True)
class Steps:
    """What comes before a tool that asks for scans; made for `Resolve`."""

    judge: Callable[..., Awaitable[Judged | Refusal]]
    confirm: Callable[..., Awaitable[Elicit[Confirmation] | Unasked]]


def steps(parts: Parts, policy: Policy, read: Callable[..., Awaitable[Ask]], question: str) -> Steps:
    """The steps of a tool whose arguments `read` reads; clients know its question by this name."""

    async def judge(ask: Annotated[Ask, Resolve(read)]) -> Judged | Refusal:
        return await judged(parts, policy, ask, current_seal())

    async def confirm(
        judgement: Annotated[Judged | Refusal, Resolve(judge)], context: Context
    ) -> Elicit[Confirmation] | Unasked:
        if isinstance(judgement, Refusal) or judgement.question is None or not can_be_asked(context):
            return Unasked()
        return Elicit(judgement.question, Confirmation)

    _name_on_the_wire(confirm, question)
    return Steps(judge, confirm)


async def made(
    parts: Parts, judgement: Judged | Refusal, confirmation: ElicitationResult[Confirmation], profile: str
) -> Submitted:
    """The scan, asked for as the steps before have it.

    Raises:
        Refusal: it may not be, its person did not want it, or admission will not have it.
        IdConflict: the key was used for a different request.
    """
    if isinstance(judgement, Refusal):
        raise judgement
    confirmed_by = _confirmed(confirmation) if judgement.question is not None else None
    return await submit(parts, judgement, confirmed_by, profile)


def _name_on_the_wire(question: Callable[..., Any], name: str) -> None:
    """What clients see of it, and what replicas of different versions know it by: a name alone, not its place."""
    question.__module__, question.__qualname__ = "scanpool", name


def _confirmed(confirmation: ElicitationResult[Confirmation]) -> str | None:
    """Whose word it was; None where the client could not ask, so that an operator has to be.

    Raises:
        Refusal: the person did not want it.
    """
    deed = current_deed()
    match confirmation:
        case AcceptedElicitation(data=Confirmation(confirm=True)):
            deed.confirmation = "given"
            return f"the user of {current_caller().subject}"[:256]
        case AcceptedElicitation(data=Unasked()):
            deed.confirmation = "awaited"
            return None
        case _:
            deed.confirmation = "declined"
            raise Refusal(
                "declined",
                "the person who was asked did not confirm the scan, and nothing was started",
                hint="do not ask again unless the user wants it; a safe or smaller scan may need no confirmation",
            )
