"""`scanpool results export`: findings in the formats of others."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, get_args

import typer

from scanpool.cli.frame import extras
from scanpool.cli.frame.exits import ExitCode
from scanpool.cli.frame.failures import file_failures
from scanpool.cli.frame.invocation import Invocation, command
from scanpool.cli.frame.scan_options import OfPool
from scanpool.cli.results.files import ScanOrFile, findings_of, is_file
from scanpool.cli.results.options import Compliance, Conditions, FieldNames, Profile, fields_of, filters_of
from scanpool.cli.results.replacing import replaced

if TYPE_CHECKING:
    from scanpool.client import ScanPool
    from scanpool.report.findings.filters import ComplianceFilters, Filters
    from scanpool.report.findings.store import Store

commands = typer.Typer()

Format: TypeAlias = Literal["jsonl", "csv", "parquet", "sarif", "ocsf", "defectdojo", "nessus"]
_WITH_FIELDS = frozenset({"jsonl", "csv", "parquet"})
_PIECE_BYTES = 256 * 1024


@command(
    commands,
    "export",
    examples=(
        "scanpool results export 01JD8Z4G2Q8E5W7RZ0T3B6N9KC --format csv > weekly.csv",
        "scanpool results export 01JD8Z4G2Q8E5W7RZ0T3B6N9KC --format sarif --output weekly.sarif 'severity>=medium'",
        "scanpool results export 01JD8Z4G2Q8E5W7RZ0T3B6N9KC --format jsonl | jq -r 'select(.plugin_id) | .host'",
        "scanpool results export weekly.nessus --format ocsf --compliance result=failed  # a file, without NATS",
        "scanpool results export 01JD8Z4G2Q8E5W7RZ0T3B6N9KC --format nessus --output weekly.nessus",
    ),
)
def export(
    call: Invocation,
    id: ScanOrFile,
    conditions: Conditions = None,
    *,
    format: Annotated[
        Format, typer.Option("--format", metavar="FORMAT", help=f"{', '.join(get_args(Format)[:-1])} or nessus.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write FILE, whole or not at all; without it stdout."),
    ] = None,
    compliance: Compliance = False,
    profile: Profile = None,
    fields: FieldNames = None,
    pool: OfPool = None,
) -> ExitCode:
    """Write findings as JSON lines, CSV, Parquet, SARIF, OCSF or for DefectDojo; or the report itself.

    --profile and --fields are of jsonl, csv and parquet, whose default is full; the others say what their format asks
    for. nessus is the report as the scanner gave it. Parquet needs --output.
    """
    target = None if output == Path("-") else output
    if format == "nessus":
        _check_whole(conditions, profile or fields, compliance=compliance)
        _copy(call, id, target, pool)
        return ExitCode.DONE
    _check(format, target, profile or fields)
    filters = filters_of(conditions, compliance=compliance)
    shown = fields_of(profile, fields, "full", compliance=compliance)
    with findings_of(call, id, pool) as store:
        if target is None:
            call.out.pieces(pieces(format, store, filters, shown))
            return ExitCode.DONE
        with file_failures(target), replaced(target) as partial:
            _write(format, store, filters, shown, partial)
        _tell(call, store, filters, format, target)
    return ExitCode.DONE


def pieces(
    format: Format, store: Store, filters: Filters | ComplianceFilters, fields: str | Sequence[str]
) -> Iterator[bytes]:
    """The document in one of the formats that are text, piece by piece."""
    from scanpool.report.findings.export import csv_file, defectdojo, ocsf, sarif
    from scanpool.report.findings.jsonlines import all_lines

    match format:
        case "jsonl":
            return all_lines(store, filters, fields)
        case "csv":
            return csv_file.lines(store, filters, fields)
        case "sarif":
            return sarif.lines(store, filters)
        case "ocsf":
            return ocsf.lines(store, filters)
        case "defectdojo":
            return defectdojo.lines(store, filters)
        case "parquet" | "nessus":
            raise ValueError(f"{format} is written otherwise")


def _check(format: Format, output: Path | None, fields: str | None) -> None:
    if fields is not None and format not in _WITH_FIELDS:
        message = f"{format} has fields of its own; --profile and --fields are of {', '.join(sorted(_WITH_FIELDS))}"
        raise typer.BadParameter(message, param_hint="--format")
    if format == "parquet":
        extras.need("parquet", "results export --format parquet")
        if output is None:
            raise typer.BadParameter("is needed: parquet is not written to stdout", param_hint="--output")


def _check_whole(conditions: Sequence[str] | None, fields: str | None, *, compliance: bool) -> None:
    if conditions or fields is not None or compliance:
        message = "nessus is the report as it is: it takes no filters, no fields and no --compliance"
        raise typer.BadParameter(message, param_hint="--format")


def _write(
    format: Format, store: Store, filters: Filters | ComplianceFilters, fields: str | Sequence[str], path: Path
) -> None:
    if format == "parquet":
        from scanpool.report.findings.export import parquet

        parquet.write(store, filters, path, fields)
        return
    with path.open("wb") as file:
        file.writelines(pieces(format, store, filters, fields))


def _tell(call: Invocation, store: Store, filters: Filters | ComplianceFilters, format: Format, output: Path) -> None:
    from scanpool.report.findings.filters import Filters
    from scanpool.report.findings.query import total

    count = total(store, filters)
    kind = "findings" if isinstance(filters, Filters) else "compliance results"
    if call.as_json:
        call.out.document({"file": str(output), "format": format, kind.replace(" ", "_"): count})
    call.out.say(f"{count:,} {kind} written to {output}")


def _copy(call: Invocation, named: str, output: Path | None, pool: str | None) -> None:
    """The report, byte for byte; of a scan its digest is compared on the way."""
    with tempfile.TemporaryDirectory(prefix="scanpool-report-") as folder:
        source = Path(named) if is_file(named) else _downloaded(call, named, pool, Path(folder))
        if output is None:
            with file_failures(source):
                call.out.pieces(_pieces_of(source))
            return
        with file_failures(output), replaced(output) as partial, partial.open("wb") as file:
            file.writelines(_pieces_of(source))
    if call.as_json:
        call.out.document({"file": str(output), "format": "nessus"})
    call.out.say(f"report written to {output}")


def _downloaded(call: Invocation, id: str, pool: str | None, folder: Path) -> Path:
    from scanpool.cli.frame.connecting import with_client

    report = folder / "report.nessus"

    async def downloaded(client: ScanPool) -> None:
        with file_failures(report):
            await client.download_report(id, report, pool=pool)

    with_client(call, downloaded)
    return report


def _pieces_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece
