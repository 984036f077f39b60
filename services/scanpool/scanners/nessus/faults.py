"""What an exchange means for the caller: nothing wrong, or which error."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import msgspec

from scanpool.scanners.errors import (
    FingerprintMismatch,
    OutcomeUnknown,
    PermissionDenied,
    RateLimited,
    RequestRejected,
    ScanApiNotLicensed,
    ScanConflict,
    ScannerError,
    ScannerNotReady,
    ScannerUnavailable,
    ScanNotFound,
    SignInFailed,
    TemplateUnknown,
)
from scanpool.scanners.nessus.calls import Call
from scanpool.scanners.nessus.replies import Failure, Nothing
from scanpool.scanners.nessus.wire import Answer, Exchange, Held, NoAnswer, NotSent, WrongCertificate
from scanpool_schemas import decoding

MAX_RETRY_AFTER_S = 900.0
"""The longest wait that a scanner can ask us to keep."""
MAX_WORDS = 200
"""How much of a scanner's own error text is repeated."""
REJECTIONS = frozenset({400, 405, 406, 411, 413, 414, 415, 422})

T = TypeVar("T")


class AnswerCut(OutcomeUnknown):
    """The connection ended before any status came. Some scanners refuse an unlicensed call in this way."""


def fault(
    scanner: str, call: Call, exchange: Exchange, *, now: datetime, secrets: Sequence[str] = ()
) -> ScannerError | None:
    """The error that an exchange amounts to, if it does. None of the secrets is in its text."""
    match exchange:
        case WrongCertificate(found=found):
            return FingerprintMismatch(
                scanner,
                call.operation,
                f"it showed a certificate with SHA-256 fingerprint {found}, which is not the pinned one; "
                "nothing was sent. If the scanner's certificate was renewed, change tls.fingerprint",
            )
        case NotSent(why=why):
            return ScannerUnavailable(scanner, call.operation, f"{why}; nothing was sent")
        case Held(left_s=left):
            text = f"not called: it wants no call for {left:.0f} s more (429); nothing was sent"
            return RateLimited(scanner, call.operation, text, retry_after_s=left)
        case NoAnswer(why=why, cut=cut):
            return _unanswered(scanner, call, why, cut=cut)
        case Answer() if exchange.ok or exchange.status in call.accepts:
            return None
        case Answer():
            return _refusal(scanner, call, exchange, describe(exchange, secrets), now)


def _unanswered(scanner: str, call: Call, why: str, *, cut: bool) -> ScannerError:
    if not call.once:
        return ScannerUnavailable(scanner, call.operation, f"{why} before it answered")
    kind = AnswerCut if cut else OutcomeUnknown
    return kind(scanner, call.operation, f"{why} before it answered; it may have been carried out")


def _refusal(scanner: str, call: Call, answer: Answer, text: str, now: datetime) -> ScannerError:
    status, as_nessus = answer.status, words(answer) is not None
    simple = _REFUSALS.get(status)
    if simple is not None:
        return simple(scanner, call.operation, text + (call.forbidden if status == 403 else ""))
    wait = retry_after_s(answer.retry_after, now)
    if status == 429:
        return RateLimited(scanner, call.operation, text, retry_after_s=wait)
    if status == 503 and as_nessus:
        return ScannerNotReady(scanner, call.operation, text, retry_after_s=wait)
    if status == 404 and as_nessus:
        if call.scan is not None:
            return ScanNotFound(scanner, call.operation, f"it has no scan {call.scan} ({text})")
        if call.once:
            return TemplateUnknown(scanner, call.operation, f"a template, policy or folder is gone ({text})")
    return _unclear(scanner, call, text + _remark(status), wait)


_REFUSALS: dict[int, type[ScannerError]] = {
    401: SignInFailed,
    403: PermissionDenied,
    409: ScanConflict,
    412: ScanApiNotLicensed,
    **dict.fromkeys(REJECTIONS, RequestRejected),
}


def _remark(status: int) -> str:
    if 300 <= status < 400:
        return ", a redirect, which is not followed: configure the address that it leads to"
    if status == 404:
        return ", but not as a Nessus scanner does: is the url right, or a proxy in between?"
    return ""


def _unclear(scanner: str, call: Call, text: str, wait: float | None = None) -> ScannerError:
    """An answer that proves nothing about whether the call was carried out."""
    if call.once:
        return OutcomeUnknown(scanner, call.operation, f"{text}; it may have been carried out")
    return ScannerUnavailable(scanner, call.operation, text, retry_after_s=wait)


def decode(scanner: str, call: Call, answer: Answer, reply: type[T]) -> T:
    """The answer's body as the type.

    Raises:
        ScannerUnavailable: it is cut or not understood; `OutcomeUnknown` for a call not to be repeated.
    """
    if answer.broken:
        raise _unclear(scanner, call, f"{answer.broken} within its answer (status {answer.status})")
    if reply is Nothing and answer.body.strip() in {b"", b"null"}:
        return reply()
    try:
        return decoding.decode(answer.body, reply, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        what = str(error) if isinstance(error, msgspec.DecodeError) else type(error).__name__
        raise _unclear(scanner, call, f"its answer with status {answer.status} is not understood: {what}") from error


def describe(answer: Answer, secrets: Sequence[str] = ()) -> str:
    """The status, and the scanner's own words where it has any."""
    said = words(answer, secrets)
    return f"it answered with status {answer.status}" + (f": {said!r}" if said else "")


def words(answer: Answer, secrets: Sequence[str] = ()) -> str | None:
    """The scanner's own error text, cut and made printable; None if it did not answer as Nessus does."""
    try:
        failure = decoding.decode(answer.body, Failure)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    said = failure.error or (failure.info.error if failure.info else None)
    if answer.broken or said is None:
        return None
    said += f": {failure.message}" if failure.message else ""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):  # one may be part of another
        said = said.replace(secret, "[hidden]")
    return "".join(c if c.isprintable() else " " for c in said)[:MAX_WORDS]


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """The wait that a Retry-After header asks for, whether in seconds or as a date; at most the cap."""
    if value is None:
        return None
    if value.strip().isdecimal() and value.isascii():
        return min(float(value), MAX_RETRY_AFTER_S)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return min(max((at - now).total_seconds(), 0.0), MAX_RETRY_AFTER_S)
