"""What is expected to go wrong below the command line, turned into failures where it enters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scanpool.cli.frame.exits import ExitCode, Failure
from scanpool.cli.frame.scan_options import OPTION_OF_FIELD


@contextmanager
def client_failures() -> Iterator[None]:
    """What the client library and NATS raise.

    Raises:
        Failure: in their place.
    """
    from scanpool.client import ClientError
    from scanpool.runtime.errors import BrokerError
    from scanpool_schemas.names import InvalidName
    from scanpool_schemas.request import RequestInvalid
    from scanpool_schemas.wire import UnreadableEvent

    try:
        yield
    except RequestInvalid as error:
        raise Failure("request_invalid", _by_option(error), exit_code=ExitCode.USAGE) from error
    except UnicodeEncodeError as error:
        raise Failure("usage", f"{error.object!r} is not text in UTF-8", exit_code=ExitCode.USAGE) from error
    except InvalidName as error:
        raise Failure("invalid_name", str(error), exit_code=ExitCode.USAGE) from error
    except (ClientError, BrokerError) as error:
        raise Failure(code_of(error), str(error)) from error
    except UnreadableEvent as error:
        message = f"{error}; this scanpool is older than the services, upgrade it"
        raise Failure(code_of(error), message) from error


@contextmanager
def configuration_failures() -> Iterator[None]:
    """What is wrong with the configuration.

    Raises:
        Failure: in its place, with every problem.
    """
    from scanpool.runtime.configuration import ConfigurationError

    try:
        yield
    except ConfigurationError as error:
        raise Failure("configuration_invalid", str(error), exit_code=ExitCode.USAGE, problems=error.problems) from error


@contextmanager
def file_failures(path: Path | str) -> Iterator[None]:
    """A file that cannot be read or written.

    Raises:
        Failure: in its place.
    """
    try:
        yield
    except OSError as error:
        raise Failure("file_unusable", f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise Failure("file_unusable", f"{path}: not text in UTF-8") from error


def code_of(error: Exception) -> str:
    """The error's class in the form of a code, as `unknown_scan`; of a private class the public one's above it."""
    name = next(kind.__name__ for kind in type(error).__mro__ if not kind.__name__.startswith("_"))
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _by_option(error: Exception) -> str:
    """The sentence of an invalid request, which names the field, with the option that fills the field."""
    sentence = str(error)
    field = re.match(r"\w+", sentence)
    option = OPTION_OF_FIELD.get(field[0]) if field else None
    if not field or not option:
        return sentence
    unit = " seconds" if field[0].endswith("_s") else ""
    return sentence.replace(field[0], option, 1) + unit
