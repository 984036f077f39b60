"""What commands that serve the bridge have in common: its settings, and what may go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from scanpool.cli.frame.exits import ExitCode, Failure
from scanpool.cli.frame.failures import code_of, configuration_failures
from scanpool.cli.frame.invocation import Invocation
from scanpool.cli.frame.process_options import process_failures

if TYPE_CHECKING:
    from scanpool.bridge.configuration.settings import BridgeSettings

BridgeConfig: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--bridge-config",
        metavar="FILE",
        help="The file bridge.yaml: tokens, limits, names; SCANPOOL_BRIDGE_CONFIG. On loopback none is needed.",
    ),
]


def bridge_settings(
    call: Invocation, file: Path | None, *, host: str | None = None, port: int | None = None
) -> BridgeSettings:
    """The settings of the bridge's file, where one is named, with what the command line says; warnings are logged.

    Raises:
        Failure: the file is bad.
    """
    from scanpool.bridge.configuration.loading import find, load
    from scanpool.bridge.configuration.settings import BridgeSettings
    from scanpool.cli.running.starting import log_warnings

    path = find(file, call.environ, Path.cwd())
    settings = BridgeSettings()
    if path is not None:
        with configuration_failures():
            settings, warnings = load(path, call.environ, datetime.now(UTC))
        log_warnings(warnings)
    return replace(settings, host=host or settings.host, port=settings.port if port is None else port)


@contextmanager
def bridge_failures() -> Iterator[None]:
    """What serving a bridge is expected to raise.

    Raises:
        Failure: in its place.
    """
    from scanpool.bridge.serving.exposure import BridgeExposed

    with process_failures():
        try:
            yield
        except BridgeExposed as error:
            raise Failure(code_of(error), str(error), exit_code=ExitCode.USAGE) from error
