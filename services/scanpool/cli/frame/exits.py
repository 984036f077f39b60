"""How a command ends: the exit codes, and the failure that a command raises."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanpool.runtime.configuration import Problem
    from scanpool_schemas.status import ScanStatus

LOGIN_FAILED = "auth_failed"
"""No login worked; with `--require-auth` it is that which is not met."""
COVERAGE_TOO_LOW = "auth_coverage_low"
"""Of requests with `--require-auth` alone."""


class ExitCode(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    ERROR = 1
    USAGE = 2
    ENDED_BADLY = 3
    AUTHENTICATION = 4
    STILL_RUNNING = 5
    INTERRUPTED = 130
    READER_GONE = 141


MEANINGS: dict[ExitCode, str] = {
    ExitCode.DONE: "done",
    ExitCode.ERROR: "an error: the message says what, where and what to do",
    ExitCode.USAGE: "the command line or the configuration is wrong, or an extra is not installed",
    ExitCode.ENDED_BADLY: "the scan ended failed, timeout or cancelled; of `validate`: the report is not valid",
    ExitCode.AUTHENTICATION: "`--require-auth` was not met: the scan failed, or of `validate`: a report is below it",
    ExitCode.STILL_RUNNING: "`--timeout` of the wait passed; what was waited for goes on",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C",
    ExitCode.READER_GONE: "whoever read the output stopped reading, as `head` does",
}


class Failure(Exception):
    """The command did not do what was asked; told in a line, without a traceback."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        exit_code: ExitCode = ExitCode.ERROR,
        problems: Sequence[Problem] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        """For programs, as `unknown_scan`."""
        self.message = message
        self.exit_code = exit_code
        self.problems = tuple(problems)
        """Of a configuration file, each with its own place and remedy."""


class ReaderGone(Exception):
    """Nobody reads what is printed any more."""


def exit_of(scan: ScanStatus, *, auth_required: bool) -> ExitCode:
    """The exit code of a wait for a scan that is over; `auth_required` as far as the command knows."""
    if scan.status == "completed":
        return ExitCode.DONE
    code = scan.error.code if scan.error else ""
    if code == COVERAGE_TOO_LOW or (code == LOGIN_FAILED and auth_required):
        return ExitCode.AUTHENTICATION
    return ExitCode.ENDED_BADLY
