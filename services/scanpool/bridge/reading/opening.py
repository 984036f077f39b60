"""The findings of a scan, opened for a caller."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import anyio.to_thread

from scanpool.bridge.answering.refusals import Refusal
from scanpool.bridge.answering.untrusted import clean_line
from scanpool.bridge.caller import Caller
from scanpool.bridge.parts import Parts
from scanpool.bridge.reading.standing import error_code
from scanpool.client import NoResult
from scanpool.report.findings.errors import BadQuery, FindingsError
from scanpool.report.findings.store import Store
from scanpool.runtime.objects import ObjectMissing
from scanpool_schemas.status import ScanStatus

_T = TypeVar("_T")
_MESSAGE_CAP = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A scan that has findings, and the file of them."""

    status: ScanStatus
    file: Path

    async def read(self, question: Callable[[Store], _T]) -> _T:
        """What the question finds in the file; asked in a thread.

        Raises:
            Refusal: the question makes no sense, or the file is damaged.
        """
        return await anyio.to_thread.run_sync(self._read, question)

    def _read(self, question: Callable[[Store], _T]) -> _T:
        with answered(), Store(self.file) as store:
            return question(store)


async def opened(parts: Parts, caller: Caller, task_id: str) -> Opened:
    """The findings of the caller's scan.

    Raises:
        Refusal: there is no such scan of the caller's, it is not over, or it has no findings (any more).
    """
    status = await parts.scans.status(caller, task_id)
    if status.findings is None:
        raise _not_ready(status) if not status.is_over else _none(status)
    try:
        file = await parts.scanpool.findings_file(status.id, pool=status.pool)
    except NoResult as error:
        raise _gone(status, error) from error
    return Opened(status=status, file=file)


@contextmanager
def answered() -> Iterator[None]:
    """Errors of the findings as refusals.

    Raises:
        Refusal: in their place.
    """
    try:
        yield
    except BadQuery as error:
        message = clean_line(str(error), _MESSAGE_CAP)
        raise Refusal("invalid_argument", message, hint="correct the argument and call again") from error
    except (FileNotFoundError, sqlite3.OperationalError) as error:
        # The file has just made room for others, or the disk is full.
        raise Refusal(
            "backend_unavailable",
            "the findings cannot be read now",
            hint="call again",
            retryable=True,
            retry_after_s=1,
        ) from error
    except FindingsError as error:
        raise Refusal(
            "internal",
            "the findings of this scan cannot be read: they are damaged or of another version",
            hint="report it to those who run scanpool; the scanner's own report may still be there",
        ) from error


def _not_ready(status: ScanStatus) -> Refusal:
    return Refusal(
        "not_ready",
        f"scan {status.id} is {status.status}: there are no findings before it is over",
        hint="wait_for_scan waits for its end; get_scan_status says how far it is",
        retryable=True,
        retry_after_s=30,
    )


def _none(status: ScanStatus) -> Refusal:
    code = error_code(status)
    ended = f"{status.status} ({code})" if code else status.status
    return Refusal(
        "no_findings",
        f"scan {status.id} ended as {ended} without findings; that does not mean that its targets are clean",
        hint="get_scan_status says why it ended so and what to do; then scan again",
    )


def _gone(status: ScanStatus, error: NoResult) -> Refusal:
    if isinstance(error.__cause__, ObjectMissing):
        return Refusal(
            "expired",
            f"the findings of scan {status.id} were deleted after their retention",
            hint="scan again, or compare with a newer scan; list_tasks shows the scans that there are",
        )
    return Refusal(
        "internal",
        f"the findings of scan {status.id} are damaged where they are kept",
        hint="report it to those who run scanpool, or scan again",
    )
