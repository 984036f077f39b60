"""Which findings and which of their fields: the arguments that commands share, read before anything is fetched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from scanpool.cli.results.files import findings_failures

if TYPE_CHECKING:
    from scanpool.report.findings.filters import ComplianceFilters, Filters

Conditions: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILTER",
        help="Conditions that must all hold: severity>=high, host=10.0.0.0/24, plugin_id=19506, cve=CVE-2021-44228, "
        "cvss>=7, port=443, known_exploited=true, name~openssl. Quote them: the shell reads > and ~ itself.",
    ),
]
Compliance: TypeAlias = Annotated[
    bool,
    typer.Option("--compliance", help="Compliance results instead of findings; filtered by result, host, name and id."),
]
Profile: TypeAlias = Annotated[
    str | None, typer.Option("--profile", help="The fields to give: minimal, summary, brief or full.")
]
FieldNames: TypeAlias = Annotated[
    str | None, typer.Option("--fields", metavar="A,B", help="The fields to give, by name, instead of a profile.")
]


def filters_of(conditions: Sequence[str] | None, *, compliance: bool) -> Filters | ComplianceFilters:
    """The conditions, read.

    Raises:
        Failure: one is none; says which there are.
    """
    from scanpool.report.findings.filter_syntax import parse, parse_compliance

    with findings_failures():
        return parse_compliance(conditions or ()) if compliance else parse(conditions or ())


def fields_of(profile: str | None, fields: str | None, default: str, *, compliance: bool) -> str | list[str]:
    """The name of a profile, or names of fields, known to be there.

    Raises:
        typer.BadParameter: both are given.
        Failure: there is none of this name; says which there are.
    """
    from scanpool.report.findings.profiles import compliance_fields, finding_fields

    if profile is not None and fields is not None:
        raise typer.BadParameter("names fields beside --profile, which does so too", param_hint="--fields")
    asked = [each.strip() for each in fields.split(",")] if fields is not None else profile or default
    with findings_failures():
        (compliance_fields if compliance else finding_fields)(asked)
    return asked
