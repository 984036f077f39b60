"""What commands that run services have in common: their options, and what may go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from scanpool.cli.frame.exits import ExitCode, Failure
from scanpool.cli.frame.failures import client_failures, code_of, configuration_failures
from scanpool.cli.frame.invocation import Invocation

if TYPE_CHECKING:
    from scanpool.runtime.settings import Settings

PANEL = "Running"

Pools: TypeAlias = Annotated[
    str | None,
    typer.Option("--pools", metavar="A,B", help="Serve these pools alone; SCANPOOL_POOLS. Without it all."),
]
HttpHost: TypeAlias = Annotated[
    str | None,
    typer.Option("--http-host", metavar="HOST", help="Where health and metrics are served; SCANPOOL_HTTP_HOST."),
]
HttpPort: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--http-port",
        min=0,
        max=65535,
        metavar="PORT",
        help="The port of health and metrics; SCANPOOL_HTTP_PORT. Without it, or 0, a free one, which is logged.",
    ),
]


def told_settings(call: Invocation, *, pools: str | None, http_host: str | None, http_port: int | None) -> Settings:
    """The settings of the environment, with what the command line says.

    Raises:
        Failure: a pool's name or a variable's value is none.
    """
    settings = call.settings()
    return replace(
        settings,
        pools=settings.pools if pools is None else named_pools(pools),
        http_host=settings.http_host if http_host is None else http_host,
        http_port=settings.http_port if http_port is None else http_port,
    )


def named_pools(text: str) -> tuple[str, ...]:
    """The value of `--pools`.

    Raises:
        Failure: one of them is no pool's name.
    """
    from scanpool.runtime.environ_settings import pool_names
    from scanpool_schemas.names import InvalidName

    try:
        return pool_names(text)
    except InvalidName as error:
        raise Failure("invalid_name", f"--pools: {error}", exit_code=ExitCode.USAGE) from error


@contextmanager
def process_failures() -> Iterator[None]:
    """What services are expected to raise.

    Raises:
        Failure: in its place.
    """
    from scanpool.runtime.http import PortTaken
    from scanpool.runtime.nats_binary import EmbeddedNatsFailed

    with client_failures(), configuration_failures():
        try:
            yield
        except (EmbeddedNatsFailed, PortTaken) as error:
            raise Failure(code_of(error), str(error)) from error
