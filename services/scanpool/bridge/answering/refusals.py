"""Why a call is not carried out: what happened, why, and what to do next, for a model to read."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from scanpool.client import (
    AmbiguousScan,
    ClientError,
    IdConflict,
    NoResult,
    UnknownPool,
    UnknownScan,
    WaitTimeout,
)
from scanpool.runtime.errors import BrokerError, MessageTooLarge, StoreFull
from scanpool_schemas.names import InvalidName
from scanpool_schemas.request import RequestInvalid
from scanpool_schemas.targets import InvalidTarget

RefusalCode = Literal[
    "unknown_task",
    "unknown_pool",
    "not_ready",
    "no_findings",
    "expired",
    "target_denied",
    "invalid_target",
    "invalid_argument",
    "secret_refused",
    "policy_denied",
    "limit",
    "conflict",
    "scope",
    "confirmation_required",
    "declined",
    "backend_unavailable",
    "internal",
]


class Refusal(Exception):
    """A call that is not carried out."""

    def __init__(
        self,
        code: RefusalCode,
        message: str,
        *,
        hint: str,
        retryable: bool = False,
        retry_after_s: int | None = None,
        task_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        """What happened and why, without a value that the caller did not know."""
        self.hint = hint
        """What to do next."""
        self.retryable = retryable
        """Whether the same call may succeed later."""
        self.retry_after_s = retry_after_s
        self.task_id = task_id
        """The scan that there is all the same."""


Expected: TypeAlias = (
    Refusal | ClientError | BrokerError | RequestInvalid | InvalidName | InvalidTarget | UnicodeEncodeError
)
"""Errors that say something to a caller; any other is a bug of ours."""
EXPECTED: tuple[type[Expected], ...] = get_args(Expected)


def unknown_task(task_id: str) -> Refusal:
    """The same for an id that nobody has and for a scan of somebody else."""
    return Refusal(
        "unknown_task",
        f"there is no scan {task_id[:64]!r} of yours; it may have been deleted after its retention",
        hint="list_tasks shows the scans that there are",
    )


def refusal_of(error: Expected) -> Refusal:
    """What it says to a caller."""
    match error:
        case Refusal():
            return error
        case InvalidTarget():
            return Refusal("invalid_target", str(error), hint="correct the target and call again")
        case RequestInvalid():
            return Refusal("invalid_argument", str(error), hint="correct the argument and call again")
        case UnicodeEncodeError():
            return Refusal(
                "invalid_argument", "an argument holds half a character", hint="send text that is valid in UTF-8"
            )
        case InvalidName():
            return Refusal("invalid_argument", str(error), hint="correct the name and call again")
        case UnknownScan() | AmbiguousScan():
            return Refusal(
                "unknown_task", "there is no such scan of yours", hint="list_tasks shows the scans there are"
            )
        case UnknownPool():
            return Refusal("unknown_pool", str(error), hint="list_pools shows the pools there are")
        case IdConflict():
            return Refusal("conflict", str(error), hint="use another idempotency_key, or the same arguments")
        case NoResult():
            return Refusal("not_ready", str(error), hint="wait_for_scan waits for its end; get_scan_status says why")
        case WaitTimeout():
            return Refusal("not_ready", str(error), hint="call again", retryable=True)
        case MessageTooLarge():
            return Refusal("invalid_argument", str(error), hint="name fewer or larger targets, or split the scan")
        case StoreFull():
            return Refusal("backend_unavailable", str(error), hint="try again later", retryable=True, retry_after_s=60)
        case BrokerError() | ClientError():
            return Refusal(
                "backend_unavailable",
                "the scan service does not answer now",
                hint="try again in a few seconds; nothing that was accepted is lost",
                retryable=True,
                retry_after_s=5,
            )
