"""`scanpool list-dlq`, `inspect-dlq`, `retry-dlq` and `purge-dlq`: what was given up, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from scanpool.cli.frame import option_values as values
from scanpool.cli.frame.exits import ExitCode, Failure
from scanpool.cli.frame.invocation import Invocation, command
from scanpool.cli.frame.operator_options import By, person
from scanpool.cli.operators.dead_letter_checks import agree, check_choice, check_confirmation

if TYPE_CHECKING:
    from scanpool.coordination.dead_letters import DeadLetters, Outcome
    from scanpool.coordination.letter_details import LetterDetails
    from scanpool.coordination.letters import Letter, Wanted
    from scanpool.runtime.jetstream import JetStream

PANEL = "Dead letters"
DEFAULT_LIMIT = 50

Pool: TypeAlias = Annotated[str | None, typer.Option("--pool", help="Only of this pool.")]
Reason: TypeAlias = Annotated[
    str | None, typer.Option("--reason", metavar="CODE", help="Only with this code of the error catalogue.")
]
GivenUpBy: TypeAlias = Annotated[
    str | None,
    typer.Option("--stage", help="Only what this stage gave up, as admission, launching, exporting or validating."),
]

commands = typer.Typer()


@command(
    commands,
    "list-dlq",
    panel=PANEL,
    examples=(
        "scanpool list-dlq  # what was given up and waits for somebody, the newest first",
        "scanpool list-dlq --pool dmz --reason export_failed --since 2d",
        "scanpool list-dlq --limit 1 --json | jq .total",
    ),
)
def list_dlq(
    call: Invocation,
    *,
    pool: Pool = None,
    reason: Reason = None,
    stage: GivenUpBy = None,
    since: Annotated[
        timedelta | None,
        typer.Option(
            "--since",
            parser=values.duration,
            metavar="DURATION",
            help="Only what was given up since, as 90m or 2d.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most this many.")] = DEFAULT_LIMIT,
) -> ExitCode:
    """List dead letters: scans that were given up, and messages that never became a scan."""
    from scanpool.cli.frame.connecting import with_jetstream
    from scanpool.cli.views.dead_letters import letters_view

    wanted = _wanted(pool=pool, reason=reason, stage=stage, since=_ago(since))
    found = with_jetstream(call, lambda jetstream: _listed(jetstream, wanted))
    listed = found[:limit]
    call.out.answer({"total": len(found), "dead_letters": listed}, lambda: letters_view(listed))
    if len(found) > limit:
        call.out.say(f"{limit} of {len(found)} dead letters; --limit {len(found)} shows all")
    return ExitCode.DONE


@command(
    commands,
    "inspect-dlq",
    panel=PANEL,
    examples=(
        "scanpool inspect-dlq 01JD8Z4G2Q8E5W7RZ0T3B6N9KC  # a dead scan: errors, timeline, its last event",
        "scanpool inspect-dlq my-scan.s17 --json | jq -r .body_base64  # a message that never became a scan",
    ),
)
def inspect_dlq(
    call: Invocation,
    id: Annotated[str, typer.Argument(metavar="ID", help="Its id in `list-dlq`, or the scan's.")],
    *,
    pool: Pool = None,
) -> ExitCode:
    """Show all of a dead letter: errors, headers, body, timeline. What may be a secret is struck out."""
    from scanpool.cli.frame.connecting import with_jetstream
    from scanpool.cli.views.dead_letters import details_view

    details = with_jetstream(call, lambda jetstream: _details(jetstream, id, pool))
    call.out.answer(details, lambda: details_view(details))
    return ExitCode.DONE


@command(
    commands,
    "retry-dlq",
    panel=PANEL,
    examples=(
        "scanpool retry-dlq 01JD8Z4G2Q8E5W7RZ0T3B6N9KC my-scan.s17",
        "scanpool retry-dlq --all --reason export_failed --dry-run  # what it would retry",
        "scanpool retry-dlq --all --reason export_failed --pool dmz",
    ),
)
def retry_dlq(
    call: Invocation,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="Ids in `list-dlq`, or those of scans.")
    ] = None,
    *,
    all_of_reason: Annotated[bool, typer.Option("--all", help="All with the code of --reason.")] = False,
    reason: Reason = None,
    pool: Pool = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be retried, and change nothing.")] = False,
    by: By = None,
) -> ExitCode:
    """Let dead scans go on where they were given up, publish dead requests again. Exit code 1 where one could not.

    The list is read once; what is given up meanwhile is not touched.
    """
    from scanpool.cli.frame.connecting import with_jetstream
    from scanpool.cli.views.dead_letters import outcomes_view

    check_choice(ids or [], all_of_reason, reason)
    wanted = _wanted(pool=pool, reason=reason)
    who = person(by)
    outcomes = with_jetstream(call, lambda jetstream: _retried(jetstream, ids or [], wanted, by=who, dry_run=dry_run))
    good = sum(each.is_good for each in outcomes)
    document = {"retried": 0 if dry_run else good, "of": len(outcomes), "dry_run": dry_run, "dead_letters": outcomes}
    call.out.answer(document, lambda: outcomes_view(outcomes))
    call.out.say(f"{'would retry' if dry_run else 'retried'} {good} of {len(outcomes)}")
    return ExitCode.DONE if good == len(outcomes) else ExitCode.ERROR


@command(
    commands,
    "purge-dlq",
    panel=PANEL,
    examples=(
        "scanpool purge-dlq --reason invalid_request --before 7d  # asks first",
        "scanpool purge-dlq --pool dmz --stage admission --yes",
        "scanpool purge-dlq --confirm dmz  # everything of the pool",
    ),
)
def purge_dlq(
    call: Invocation,
    *,
    pool: Pool = None,
    reason: Reason = None,
    stage: GivenUpBy = None,
    before: Annotated[
        timedelta | None,
        typer.Option(
            "--before", parser=values.duration, metavar="DURATION", help="Only what was given up longer ago than that."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; not enough to remove everything.")] = False,
    confirm: Annotated[
        str | None,
        typer.Option("--confirm", metavar="POOL", help="Remove everything of the pool, without asking for its name."),
    ] = None,
) -> ExitCode:
    """Remove dead letters for good. Scans, requests and reports stay as they are; a purged scan cannot be retried.

    Without --reason, --stage or --before that is everything of a pool, and its name has to be typed.
    """
    from scanpool.cli.frame.connecting import with_jetstream

    wanted = _wanted(pool=pool or confirm, reason=reason, stage=stage, before=_ago(before))
    check_confirmation(wanted, confirm)
    found = with_jetstream(call, lambda jetstream: _listed(jetstream, wanted))
    if found and confirm is None:
        agree(wanted, len(found), yes=yes)
    removed = with_jetstream(call, lambda jetstream: _letters(jetstream).remove(found)) if found else 0
    call.out.answer({"purged": removed}, lambda: f"{removed} removed from SCAN_DLQ")
    return ExitCode.DONE


async def _details(jetstream: JetStream, name: str, pool: str | None) -> LetterDetails:
    from scanpool.coordination.letter_details import details_of

    letters = _letters(jetstream)
    found = _named(await _listed(jetstream, _wanted(pool=pool)), name)
    stored = await letters.stored(found[0]) if found else None
    if stored is None:
        outcome = await letters.without_letter(name, pool)
        raise Failure("unknown_dead_letter", f"{name!r}: {outcome.message}")
    return details_of(stored)


async def _retried(
    jetstream: JetStream, ids: Sequence[str], wanted: Wanted, *, by: str, dry_run: bool
) -> list[Outcome]:
    listed = await _listed(jetstream, wanted)
    letters = _letters(jetstream, by)
    if not ids:
        return await letters.retry(listed, dry_run=dry_run)
    found = {name: _named(listed, name) for name in dict.fromkeys(ids)}
    unknown = [await letters.without_letter(name, wanted.pool) for name, meant in found.items() if not meant]
    chosen = {letter.subject: letter for meant in found.values() for letter in meant}
    return [*await letters.retry(list(chosen.values()), dry_run=dry_run), *unknown]


def _named(listed: Sequence[Letter], name: str) -> list[Letter]:
    """The one that is meant; empty where there is none.

    Raises:
        Failure: there are several.
    """
    from scanpool.coordination.letters import named

    found = named(listed, name)
    if len(found) > 1:
        several = ", ".join(f"{each.id} of pool {each.pool} from {each.stage}" for each in found)
        message = f"{name!r} may be one of several: {several}; name one by its id, or the pool with --pool"
        raise Failure("ambiguous_dead_letter", message)
    return found


def _wanted(**fields: object) -> Wanted:
    from scanpool.coordination.letters import Wanted

    return Wanted(**fields)  # type: ignore[arg-type]


def _ago(length: timedelta | None) -> datetime | None:
    return None if length is None else datetime.now(UTC) - length


async def _listed(jetstream: JetStream, wanted: Wanted) -> list[Letter]:
    """The dead letters that are meant; a pool that nothing is of has to be there.

    Raises:
        UnknownPool: it is not.
    """
    from scanpool.cli.operators.known import check_pool
    from scanpool.coordination.dead_letters import NO_POOL

    found = await _letters(jetstream).all(wanted)
    if not found and wanted.pool not in {None, NO_POOL}:
        await check_pool(jetstream, wanted.pool)
    return found


def _letters(jetstream: JetStream, by: str = "") -> DeadLetters:
    import secrets

    from scanpool.coordination.dead_letters import DeadLetters, Operator
    from scanpool.coordination.ledger import Ledger

    operator = Operator(by=by, now=lambda: datetime.now(UTC), nonce=lambda: secrets.token_hex(8))
    return DeadLetters(jetstream, Ledger(jetstream, source="scanpool/cli"), operator)
