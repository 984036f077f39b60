"""Asking for scans.

Annotations are evaluated where they stand, since they name what is bound to one bridge. A tool's arguments are read by
the functions that its `Resolve` names, before the tool runs.
"""

# ruff: noqa: ARG001

from collections.abc import Callable
from typing import Annotated, Any, Literal

from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, Resolve
from pydantic import Field

from scanpool.bridge.approvals import Confirmation, can_be_asked, current_seal
from scanpool.bridge.asking import Ask, Judged, judged
from scanpool.bridge.audit import current_deed
from scanpool.bridge.caller import current_caller
from scanpool.bridge.models.submitting import Submitted
from scanpool.bridge.parts import Parts
from scanpool.bridge.policy import Policy
from scanpool.bridge.refusals import Refusal
from scanpool.bridge.submitting import submit
from scanpool.bridge.targets import TargetList
from scanpool.bridge.toolkit import ToolDefinition

Targets = Annotated[
    TargetList, Field(min_length=1, max_length=5000, description="addresses, CIDRs, ranges or hostnames")
]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Description = Annotated[str, Field(max_length=4096)]
Key = Annotated[str | None, Field(max_length=256, description="the same key is the same scan, however often you call")]
Instance = Annotated[str | None, Field(description="<pool>.<scanner>; best left out")]
Profile = Literal["minimal", "summary", "brief", "full"]
Intensity = Literal["safe", "intrusive"]
Duration = Annotated[int | None, Field(ge=60, le=2_419_200)]
Privileges = Literal["authenticated", "authenticated_privileged"]
Credential = Annotated[str, Field(min_length=1, max_length=64, description="an id that list_credentials shows")]


class Unasked:
    """Nobody has to be asked, or nobody can be."""


def tools(parts: Parts) -> tuple[ToolDefinition, ...]:
    """The tools of this topic."""
    policy = Policy(parts.jetstream, parts.resolve)

    async def untrusted(
        targets: list[str],
        name: str,
        description: str,
        idempotency_key: str | None,
        scanner_pool: str | None,
        scanner_instance: str | None,
        intensity: Intensity,
        max_duration_s: int | None,
    ) -> Judged | Refusal:
        fields: dict[str, Any] = {
            "targets": targets,
            "name": name,
            "description": description,
            "idempotency_key": idempotency_key,
            "intensity": intensity,
            "max_duration_s": max_duration_s,
        }
        ask = Ask(fields=fields, scanner_pool=scanner_pool, scanner_instance=scanner_instance)
        return await judged(parts, policy, ask, current_seal())

    async def authenticated(
        targets: list[str],
        name: str,
        scan_type: Privileges,
        credential_ref: str,
        description: str,
        idempotency_key: str | None,
        scanner_pool: str | None,
        scanner_instance: str | None,
        intensity: Intensity,
        max_duration_s: int | None,
    ) -> Judged | Refusal:
        fields: dict[str, Any] = {
            "targets": targets,
            "name": name,
            "scan_type": scan_type,
            "credential_ref": credential_ref,
            "description": description,
            "idempotency_key": idempotency_key,
            "intensity": intensity,
            "max_duration_s": max_duration_s,
        }
        ask = Ask(fields=fields, scanner_pool=scanner_pool, scanner_instance=scanner_instance)
        return await judged(parts, policy, ask, current_seal())

    async def confirm_untrusted(
        judgement: Annotated[Judged | Refusal, Resolve(untrusted)], context: Context
    ) -> Elicit[Confirmation] | Unasked:
        return _asked(judgement, context)

    async def confirm_authenticated(
        judgement: Annotated[Judged | Refusal, Resolve(authenticated)], context: Context
    ) -> Elicit[Confirmation] | Unasked:
        return _asked(judgement, context)

    for question in (confirm_untrusted, confirm_authenticated):
        _name_on_the_wire(question)

    async def run_untrusted_scan(
        targets: Targets,
        name: Name,
        judgement: Annotated[Judged | Refusal, Resolve(untrusted)],
        confirmation: Annotated[ElicitationResult[Confirmation], Resolve(confirm_untrusted)],
        description: Description = "",
        idempotency_key: Key = None,
        scanner_pool: str | None = None,
        scanner_instance: Instance = None,
        schema_profile: Profile = "brief",
        intensity: Intensity = "safe",
        max_duration_s: Duration = None,
    ) -> Submitted:
        """Start a scan without credentials. Answers at once with its task_id; results are kept for retention_days.

        Your policy limits what you may scan (check_targets). An intrusive or large scan may need a person's approval.
        """
        return await _run(parts, judgement, confirmation, schema_profile)

    async def run_authenticated_scan(
        targets: Targets,
        name: Name,
        credential_ref: Credential,
        judgement: Annotated[Judged | Refusal, Resolve(authenticated)],
        confirmation: Annotated[ElicitationResult[Confirmation], Resolve(confirm_authenticated)],
        scan_type: Privileges = "authenticated",
        description: Description = "",
        idempotency_key: Key = None,
        scanner_pool: str | None = None,
        scanner_instance: Instance = None,
        schema_profile: Profile = "brief",
        intensity: Intensity = "safe",
        max_duration_s: Duration = None,
    ) -> Submitted:
        """Start a scan that logs in to its targets with a credential that operators keep. As run_untrusted_scan.

        Never pass a password or key: it is refused. Name a credential in credential_ref.
        """
        return await _run(parts, judgement, confirmation, schema_profile)

    return (
        ToolDefinition(
            call=run_untrusted_scan,
            title="Scan without credentials",
            scope="scan:run",
            read_only=False,
            destructive=True,
            idempotent=False,
            open_world=True,
        ),
        ToolDefinition(
            call=run_authenticated_scan,
            title="Scan with credentials",
            scope="scan:run:auth",
            read_only=False,
            destructive=True,
            idempotent=False,
            open_world=True,
        ),
    )


def _name_on_the_wire(question: Callable[..., Any]) -> None:
    """What clients see of it, and what replicas of different versions know it by: its name alone, not its place."""
    question.__module__, question.__qualname__ = "scanpool", question.__name__


def _asked(judgement: Judged | Refusal, context: Context) -> Elicit[Confirmation] | Unasked:
    if isinstance(judgement, Refusal) or judgement.question is None or not can_be_asked(context):
        return Unasked()
    return Elicit(judgement.question, Confirmation)


async def _run(
    parts: Parts, judgement: Judged | Refusal, confirmation: ElicitationResult[Confirmation], profile: str
) -> Submitted:
    if isinstance(judgement, Refusal):
        raise judgement
    confirmed_by = _confirmed(confirmation) if judgement.question is not None else None
    return await submit(parts, judgement, confirmed_by, profile)


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
