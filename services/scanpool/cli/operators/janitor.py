"""`scanpool janitor`: one round of the janitor, now, on a person's word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from scanpool.cli.frame.exits import ExitCode, Failure
from scanpool.cli.frame.invocation import Invocation, command

if TYPE_CHECKING:
    from scanpool.janitor.report import Round
    from scanpool.janitor.service import Janitor
    from scanpool.runtime.jetstream import JetStream
    from scanpool.runtime.settings import RetentionSettings, Settings

PANEL = "Operation"
MAX_DURATION = "SCANPOOL_MAX_DURATION_S"
FOR_EVER = timedelta(days=36_500)

commands = typer.Typer()


@command(
    commands,
    "janitor",
    panel=PANEL,
    examples=(
        "scanpool janitor --once --dry-run  # what a round would do; changes nothing",
        "scanpool janitor --once --repair --pool dmz  # put places right that no event speaks of, or that a scan lacks",
        "scanpool janitor --once --dry-run --repair --json | jq .disagreements",
    ),
)
def janitor(
    call: Invocation,
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Do one round now; the service is `scanpool run janitor`.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what would be done.")] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Make places agree with the events of scans, where they do not.")
    ] = False,
    pool: Annotated[str | None, typer.Option("--pool", help="Only of this pool.")] = None,
) -> ExitCode:
    """Clean up NATS now: end overdue scans, tell lost deliveries again, delete what is over, check places.

    Scanners are not called: they are cleaned by the poller. How long scans are kept has to be set here as the
    services have it (SCANPOOL_KEEP_COMPLETED_S and its like). SCANPOOL_MAX_DURATION_S counts only where it is set
    here; a request's own limits always do.
    """
    from scanpool.cli.frame.connecting import with_jetstream
    from scanpool.cli.views.janitor import round_view

    if not once:
        message = "does one round with --once; the janitor as a service is `scanpool run janitor`"
        raise Failure("usage", f"`scanpool janitor` {message}", exit_code=ExitCode.USAGE)
    settings = call.settings()

    async def done(jetstream: JetStream) -> Round:
        await _check_retention(jetstream, settings.retention)
        worker = await _janitor(jetstream, settings, pool, default_duration=bool(call.environ.get(MAX_DURATION)))
        return await worker.once(dry_run=dry_run, repair=repair)

    found = with_jetstream(call, done, log_level="error")
    call.out.answer(_document(found), lambda: round_view(found, repair=repair))
    call.out.say("scanners were not looked at: the poller cleans them")
    return ExitCode.DONE


async def _janitor(jetstream: JetStream, settings: Settings, pool: str | None, *, default_duration: bool) -> Janitor:
    """A janitor of the pool that is named, or of all."""
    import random
    import secrets

    from scanpool.cli.operators.known import pools_meant
    from scanpool.coordination.ledger import Ledger
    from scanpool.coordination.stage import Clockwork
    from scanpool.janitor.service import Janitor, JanitorParts
    from scanpool.runtime.objects import Objects
    from scanpool_schemas import subjects

    pools = await pools_meant(jetstream, pool)
    clockwork = Clockwork(
        now=lambda: datetime.now(UTC),
        jitter=random.random,
        nonce=lambda: secrets.token_hex(8),
        backoff=settings.backoff,
    )
    return Janitor(
        JanitorParts(
            jetstream=jetstream,
            ledger=Ledger(jetstream, source="scanpool/cli"),
            exports=Objects(jetstream, subjects.EXPORTS_BUCKET),
            clockwork=clockwork,
            retention=settings.retention,
            max_duration=settings.max_duration if default_duration else FOR_EVER,
            pools=lambda: pools,
            findings=Objects(jetstream, subjects.FINDINGS_BUCKET),
            space=settings.space,
            takeover_after=settings.launch.takeover_after,
        )
    )


async def _check_retention(jetstream: JetStream, retention: RetentionSettings) -> None:
    """Nothing is deleted by a shell that was told other times than the services."""
    from scanpool.runtime.topology.apply import differences
    from scanpool.runtime.topology.definitions import Topology, topology
    from scanpool_schemas import subjects

    of_ended_scans = {subjects.SCAN_COMPLETED, subjects.SCAN_FAILED, subjects.SCAN_DLQ}
    streams = [each for each in topology((), retention=retention).streams if each["name"] in of_ended_scans]
    ages = [{"name": each["name"], "max_age": each["max_age"]} for each in streams]
    found = await differences(jetstream, Topology(streams=ages, consumers=()))
    if found:
        told = "; ".join(map(str, found))
        message = f"NATS keeps scans for other times than are set here: {told}"
        remedy = "set SCANPOOL_KEEP_COMPLETED_S and its like as for the services, or apply these to the topology"
        raise Failure("retention_disagrees", f"{message}; {remedy}", exit_code=ExitCode.USAGE)


def _document(found: Round) -> dict[str, object]:
    import msgspec

    return {**msgspec.structs.asdict(found), "counts": found.counts, "freed_bytes": found.freed_bytes}
