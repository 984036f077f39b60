"""`scanpool schema`: the contract as JSON Schema and AsyncAPI."""

from __future__ import annotations

from typing import Annotated

import typer

from scanpool.cli.frame.exits import ExitCode, Failure
from scanpool.cli.frame.invocation import Invocation, command

ASYNCAPI = "asyncapi"

commands = typer.Typer()


@command(
    commands,
    "schema",
    panel="Setting up",
    examples=(
        "scanpool schema  # the names of all events and keys",
        "scanpool schema scanpool.scan.completed.v1  # its JSON Schema; completed is short for it",
        "scanpool schema asyncapi > asyncapi.yaml",
        "scanpool schema asyncapi --json > asyncapi.json",
    ),
)
def schema(
    call: Invocation,
    event: Annotated[
        str | None, typer.Argument(metavar="EVENT", help="An event or a key, or asyncapi; without it their names.")
    ] = None,
) -> ExitCode:
    """Print the JSON Schema of an event, or the AsyncAPI document of all."""
    from scanpool_schemas import documents

    if event is None:
        names = [*documents.names(), ASYNCAPI]
        if call.as_json:
            call.out.document(names)
        else:
            call.out.text("\n".join(names))
    elif event == ASYNCAPI and not call.as_json:
        call.out.text(documents.asyncapi_yaml().rstrip("\n"))
    else:
        _print(call, documents.asyncapi() if event == ASYNCAPI else _schema(event))
    return ExitCode.DONE


def _print(call: Invocation, document: object) -> None:
    import msgspec

    if call.as_json:
        call.out.document(document)
    else:
        call.out.text(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def _schema(event: str) -> object:
    from scanpool_schemas.documents import UnknownDocument, schema

    try:
        return schema(event)
    except UnknownDocument as error:
        raise Failure("unknown_event", str(error.args[0]), exit_code=ExitCode.USAGE) from error
