"""Asking for scans.

Annotations are evaluated where they stand, since they name what is bound to one bridge. Arguments that a tool itself
does not use are read by the functions that its `Resolve` names, before it runs.
"""

# ruff: noqa: ARG001

from dataclasses import replace
from typing import Annotated, Literal

from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver.resolve import Resolve
from pydantic import Field

from scanpool.bridge.answering.models.submitting import Submitted
from scanpool.bridge.answering.refusals import Refusal
from scanpool.bridge.answering.toolkit import ToolDefinition
from scanpool.bridge.asking.approvals import Confirmation
from scanpool.bridge.asking.judging import Ask, Judged
from scanpool.bridge.asking.policy import Policy
from scanpool.bridge.asking.steps import made, steps
from scanpool.bridge.asking.targets import TargetList
from scanpool.bridge.parts import Parts

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


def tools(parts: Parts) -> tuple[ToolDefinition, ...]:
    """The tools of this topic."""
    policy = Policy(parts.jetstream, parts.resolve)
    return _untrusted(parts, policy), _authenticated(parts, policy)


def _untrusted(parts: Parts, policy: Policy) -> ToolDefinition:
    before = steps(parts, policy, _ask, "confirm_untrusted")

    async def run_untrusted_scan(
        targets: Targets,
        name: Name,
        judgement: Annotated[Judged | Refusal, Resolve(before.judge)],
        confirmation: Annotated[ElicitationResult[Confirmation], Resolve(before.confirm)],
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
        return await made(parts, judgement, confirmation, schema_profile)

    return ToolDefinition(
        call=run_untrusted_scan,
        title="Scan without credentials",
        scope="scan:run",
        read_only=False,
        destructive=True,
        idempotent=False,
        open_world=True,
    )


def _authenticated(parts: Parts, policy: Policy) -> ToolDefinition:
    before = steps(parts, policy, _ask_with_credential, "confirm_authenticated")

    async def run_authenticated_scan(
        targets: Targets,
        name: Name,
        credential_ref: Credential,
        judgement: Annotated[Judged | Refusal, Resolve(before.judge)],
        confirmation: Annotated[ElicitationResult[Confirmation], Resolve(before.confirm)],
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
        return await made(parts, judgement, confirmation, schema_profile)

    return ToolDefinition(
        call=run_authenticated_scan,
        title="Scan with credentials",
        scope="scan:run:auth",
        read_only=False,
        destructive=True,
        idempotent=False,
        open_world=True,
    )


async def _ask(
    targets: list[str],
    name: str,
    description: str,
    idempotency_key: str | None,
    scanner_pool: str | None,
    scanner_instance: str | None,
    intensity: Intensity,
    max_duration_s: int | None,
) -> Ask:
    fields = {
        "targets": targets,
        "name": name,
        "description": description,
        "idempotency_key": idempotency_key,
        "intensity": intensity,
        "max_duration_s": max_duration_s,
    }
    return Ask(fields=fields, scanner_pool=scanner_pool, scanner_instance=scanner_instance)


async def _ask_with_credential(ask: Annotated[Ask, Resolve(_ask)], scan_type: Privileges, credential_ref: str) -> Ask:
    return replace(ask, fields={**ask.fields, "scan_type": scan_type, "credential_ref": credential_ref})
