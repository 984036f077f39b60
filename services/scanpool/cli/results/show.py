"""`scanpool results`: what a scan's report said, and the report itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scanpool.cli.frame.exits import ExitCode
from scanpool.cli.frame.failures import file_failures
from scanpool.cli.frame.invocation import Invocation, WithDefault, command, group
from scanpool.cli.frame.scan_options import OfPool, ScanId
from scanpool.cli.results import export, findings, schema

if TYPE_CHECKING:
    from scanpool.client import ScanPool
    from scanpool_schemas.result import Result

commands = typer.Typer()
_HELP = """Show what a scan's report said: login verdict, counts, hosts, findings; and export findings.

`scanpool results ID` is short for `scanpool results show ID`.
"""
results = group(commands, "results", panel="Scans", help=_HELP, cls=WithDefault)


@command(
    results,
    WithDefault.DEFAULT,
    examples=(
        "scanpool results 01JD8Z4G2Q8E5W7RZ0T3B6N9KC  # verdict, counts, and the hosts that need a look",
        "scanpool results 01JD8Z4G2Q8E5W7RZ0T3B6N9KC --hosts  # every host with what decided its verdict",
        "scanpool results 01JD8Z4G2Q8E5W7RZ0T3B6N9KC --report weekly.nessus  # save the report too",
        "scanpool results 01JD8Z4G2Q8E5W7RZ0T3B6N9KC --json | jq .results_summary.severity",
    ),
)
def show(
    call: Invocation,
    id: ScanId,
    *,
    hosts: Annotated[
        bool, typer.Option("--hosts", help="Every host, not those alone whose login did not work.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Save the report as the scanner gave it; overwrites FILE."),
    ] = None,
    pool: OfPool = None,
) -> ExitCode:
    """Show what a scan's report said: login verdict, counts, hosts. Also of failed scans that have one."""
    if report == Path("-"):
        remedy = f"stdout has the answer; print the report with: scanpool results export {id} --format nessus"
        raise typer.BadParameter(remedy, param_hint="--report")
    from scanpool.cli.frame.connecting import with_client
    from scanpool.cli.views.results import result_view

    async def found(client: ScanPool) -> Result:
        if report is not None:
            with file_failures(report):
                await client.download_report(id, report, pool=pool)
            call.out.say(f"report saved as {report}")
        return await client.results(id, pool=pool)

    result = with_client(call, found)
    call.out.answer(result, lambda: result_view(result, all_hosts=hosts))
    return ExitCode.DONE


for _area in (findings, export, schema):
    results.add_typer(_area.commands)
