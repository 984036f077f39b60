"""`scanpool results findings`: findings in pages, and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from scanpool.cli.frame.exits import ExitCode
from scanpool.cli.frame.invocation import Invocation, command
from scanpool.cli.frame.scan_options import OfPool
from scanpool.cli.results.files import ScanOrFile, findings_of
from scanpool.cli.results.options import Compliance, Conditions, FieldNames, Profile, fields_of, filters_of

if TYPE_CHECKING:
    from scanpool.report.findings.filters import ComplianceFilters, Filters
    from scanpool.report.findings.query import Page
    from scanpool.report.findings.store import Store

commands = typer.Typer()

PAGE_SIZE = 40
LARGEST_PAGE = 1000
By: TypeAlias = Literal["plugin", "host", "cve", "family"]


@command(
    commands,
    "findings",
    examples=(
        "scanpool results findings 01JD8Z4G2Q8E5W7RZ0T3B6N9KC  # the worst first",
        "scanpool results findings 01JD8Z4G2Q8E5W7RZ0T3B6N9KC 'severity>=high' host=10.0.0.0/24 --page 2",
        "scanpool results findings 01JD8Z4G2Q8E5W7RZ0T3B6N9KC known_exploited=true --group-by host",
        "scanpool results findings weekly.nessus cve=CVE-2021-44228 --profile full  # a file, without NATS",
        "scanpool results findings 01JD8Z4G2Q8E5W7RZ0T3B6N9KC --fields host,plugin_id,plugin_output --jsonl",
    ),
)
def findings(
    call: Invocation,
    id: ScanOrFile,
    conditions: Conditions = None,
    *,
    profile: Profile = None,
    fields: FieldNames = None,
    page: Annotated[int | None, typer.Option("--page", min=1, help="Which page; without it the first.")] = None,
    page_size: Annotated[
        int, typer.Option("--page-size", min=1, max=LARGEST_PAGE, help="How many a page.")
    ] = PAGE_SIZE,
    cursor: Annotated[
        str | None, typer.Option("--cursor", help="The page after the one that said this as `next_cursor`.")
    ] = None,
    group_by: Annotated[
        By | None, typer.Option("--group-by", metavar="WHAT", help="Count by plugin, host, cve or family instead.")
    ] = None,
    compliance: Compliance = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Print JSON lines: schema, scan, a line a finding, where to go on.")
    ] = False,
    pool: OfPool = None,
) -> ExitCode:
    """Show a scan's findings, or its compliance results, the worst first, in pages that never overlap."""
    _check(page=page, cursor=cursor, group_by=group_by, compliance=compliance, jsonl=jsonl, fields=profile or fields)
    filters = filters_of(conditions, compliance=compliance)
    plain = profile is None and fields is None and not call.as_json and not jsonl
    shown = _row_fields(compliance) if plain else fields_of(profile, fields, "summary", compliance=compliance)
    with findings_of(call, id, pool) as store:
        if group_by is not None:
            _show_groups(call, store, group_by, filters, page or 1, page_size)
            return ExitCode.DONE
        found = _page(store, filters, shown, page or 1, page_size, cursor)
        if jsonl:
            from scanpool.report.findings.jsonlines import page_lines

            call.out.pieces(page_lines(store, found))
        else:
            _show_page(call, store, found, plain=plain)
    return ExitCode.DONE


def _check(
    *, page: int | None, cursor: str | None, group_by: str | None, compliance: bool, jsonl: bool, fields: str | None
) -> None:
    if page is not None and cursor is not None:
        raise typer.BadParameter("says where to go on, and so does --page", param_hint="--cursor")
    if group_by is None:
        return
    for given, option in ((cursor, "--cursor"), (fields, "--profile or --fields"), (jsonl, "--jsonl")):
        if given:
            raise typer.BadParameter(f"counts, and takes no {option}", param_hint="--group-by")
    if compliance:
        raise typer.BadParameter("counts findings, not compliance results", param_hint="--group-by")


def _row_fields(compliance: bool) -> list[str]:
    from scanpool.cli.views.findings import FINDING_ROW, RESULT_ROW

    return list(RESULT_ROW if compliance else FINDING_ROW)


def _page(
    store: Store,
    filters: Filters | ComplianceFilters,
    fields: str | list[str],
    page: int,
    page_size: int,
    cursor: str | None,
) -> Page:
    from scanpool.report.findings import query
    from scanpool.report.findings.filters import Filters

    if isinstance(filters, Filters):
        return query.findings(store, filters, fields, page=page, page_size=page_size, cursor=cursor)
    return query.compliance(store, filters, fields, page=page, page_size=page_size, cursor=cursor)


def _show_page(call: Invocation, store: Store, page: Page, *, plain: bool) -> None:
    from scanpool.cli.views.findings import page_view

    call.out.answer(page, lambda: page_view(page, store.counts, plain=plain))


def _show_groups(
    call: Invocation, store: Store, by: By, filters: Filters | ComplianceFilters, page: int, page_size: int
) -> None:
    from scanpool.cli.views.findings import groups_view
    from scanpool.report.findings.filters import Filters
    from scanpool.report.findings.groups import groups

    assert isinstance(filters, Filters)
    found = groups(store, by, filters, page=page, page_size=page_size)
    call.out.answer(found, lambda: groups_view(found))
