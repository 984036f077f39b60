"""Whether dead letters may be retried or removed: what the command line must say, and what a person agrees to."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from scanpool.cli.frame.exits import ExitCode, Failure

if TYPE_CHECKING:
    from scanpool.coordination.letters import Wanted


def check_choice(ids: Sequence[str], all_of_reason: bool, reason: str | None) -> None:
    """Either ids are named, or all with a code.

    Raises:
        typer.BadParameter: neither, or both.
    """
    if all_of_reason and ids:
        raise typer.BadParameter("takes no ids beside it", param_hint="--all")
    if all_of_reason and reason is None:
        raise typer.BadParameter("needs the --reason whose dead letters are to be retried", param_hint="--all")
    if not all_of_reason and reason is not None:
        raise typer.BadParameter("is of --all, which is missing", param_hint="--reason")
    if not all_of_reason and not ids:
        raise typer.BadParameter("name at least one, or all with a code: --all --reason CODE", param_hint="ID")


def check_confirmation(wanted: Wanted, confirm: str | None) -> None:
    """`--confirm` names the pool of which everything is removed, and nothing else removes everything.

    Raises:
        typer.BadParameter: it is not so.
    """
    if confirm is not None and not wanted.is_all_of_a_pool:
        message = "is for everything of a pool; with --reason, --stage or --before say --yes"
        raise typer.BadParameter(message, param_hint="--confirm")
    if confirm not in {None, wanted.pool}:
        raise typer.BadParameter(f"{confirm!r} is not the pool of --pool", param_hint="--confirm")
    if wanted.pool is None and wanted.is_all_of_a_pool:
        message = "everything is removed pool by pool: name one with --pool, or narrow it down with --reason"
        raise typer.BadParameter(message, param_hint="--pool")


def agree(wanted: Wanted, number: int, *, yes: bool) -> None:
    """Have the person agree.

    Raises:
        Failure: it is not agreed to, or there is nobody to ask.
    """
    if yes and not wanted.is_all_of_a_pool:
        return
    remedy = f"--confirm {wanted.pool}" if wanted.is_all_of_a_pool else "--yes"
    if not sys.stdin.isatty():
        message = f"{number} dead letters would be removed, and there is no terminal to ask on: say {remedy}"
        raise Failure("not_confirmed", message, exit_code=ExitCode.USAGE)
    if wanted.is_all_of_a_pool:
        agreed = typer.prompt(f"Type the pool's name to remove its {number} dead letters", err=True) == wanted.pool
    else:
        agreed = typer.confirm(f"Remove {number} dead letters for good?", err=True)
    if not agreed:
        raise Failure("not_confirmed", "nothing was removed")
