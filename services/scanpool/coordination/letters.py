"""What a dead letter is, which of them are meant, and what a retry makes of one: choices, without any I/O."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from scanpool.coordination import transitions
from scanpool.coordination.ledger import Held
from scanpool.coordination.transitions import Change, Mark
from scanpool.runtime.jetstream import Stored, Write
from scanpool.runtime.masking import masked_text
from scanpool_schemas import decoding, subjects
from scanpool_schemas.events import DeadLetter
from scanpool_schemas.instants import Instant
from scanpool_schemas.scan import AnyScan, Dead, state_of
from scanpool_schemas.wire import UnreadableEvent, decode_scan

Kind = Literal["scan", "message", "unreadable"]

_AGAIN = {"requested", "cancel"}
"""What publishers may write; anything else is a stage's own event, which still lies in its pool's stream."""
QUEUED_STATES = frozenset({"queued-high", "queued-normal", "queued-low"})


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter as lists show it."""

    id: str
    """A dead scan's is the scan's own; of a message it is `<scan id>.s<its sequence>`."""
    kind: Kind
    """scan: a dead scan. message: what never became a scan. unreadable: nothing that scanpool wrote."""
    pool: str
    stage: str
    """What gave it up: a scan's state, or a consumer."""
    reason: str
    """A code of the error catalogue."""
    message: str
    attempts: int
    at: Instant
    """When it was given up."""
    scan_id: str
    run: int
    """Of a dead scan; 0 of a message."""
    subject: str
    """Where it lies in SCAN_DLQ."""
    sequence: int
    """Its sequence there."""


def letter_of(stored: Stored) -> Letter:
    """The dead letter that the message is; one that cannot be read is a letter too."""
    content = content_of(stored)
    match content:
        case Dead():
            return _of_scan(stored, content)
        case DeadLetter():
            return _of_message(stored, content)
        case str():
            return _unreadable(stored, content)


def content_of(stored: Stored) -> Dead | DeadLetter | str:
    """What the letter holds; a sentence where that cannot be read."""
    match stored.subject.split("."):
        case ["scan", _, "dead", _]:
            return _dead_scan(stored)
        case ["dlq", _, _, _, _]:
            return _message(stored)
        case _:
            return "its subject is none of a dead letter"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which dead letters are meant; None means any."""

    pool: str | None = None
    reason: str | None = None
    stage: str | None = None
    since: datetime | None = None
    """Given up then or later."""
    before: datetime | None = None
    """Given up before."""

    @property
    def is_all_of_a_pool(self) -> bool:
        """Nothing narrows it down but, perhaps, a pool."""
        return (self.reason, self.stage, self.since, self.before) == (None, None, None, None)

    def takes(self, letter: Letter) -> bool:
        """Whether the letter is meant."""
        return (
            self.pool in {None, letter.pool}
            and self.reason in {None, letter.reason}
            and self.stage in {None, letter.stage}
            and (self.since is None or letter.at >= self.since)
            and (self.before is None or letter.at < self.before)
        )


def newest_first(letters: Iterable[Letter], wanted: Wanted) -> list[Letter]:
    """Those that are meant; a scan that died again is one letter, its last."""
    last = {letter.subject: letter for letter in sorted(letters, key=lambda letter: letter.sequence)}
    meant = (letter for letter in last.values() if wanted.takes(letter))
    return sorted(meant, key=lambda letter: (letter.at, letter.sequence), reverse=True)


def named(letters: Sequence[Letter], name: str) -> list[Letter]:
    """The letters of this id; without any, those of the scan of this id."""
    return [each for each in letters if each.id == name] or [each for each in letters if each.scan_id == name]


@dataclass(frozen=True, kw_only=True, slots=True)
class Revive:
    """The dead scan goes back into its queue."""

    held: Held
    change: Change


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishAgain:
    """The message is published as it was."""

    write: Write


@dataclass(frozen=True, kw_only=True, slots=True)
class AlreadyRetried:
    """Somebody did before."""

    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CannotRetry:
    """It will never be retried as it is."""

    message: str


Retry = Revive | PublishAgain | AlreadyRetried | CannotRetry


def retry_of_scan(dead: Dead, now: Held | None, by: str, mark: Mark) -> Retry:
    """What a retry does of a scan that died, and that is now as it was just read."""
    if now is None:
        return CannotRetry(message="the scan is not in its pool any more; submit it again as a new scan")
    if not (isinstance(now.scan, Dead) and now.scan.nonce == dead.nonce):
        return AlreadyRetried(message=_since(now.scan))
    who = f"retried by {by}" if by else "retried"
    why = f"{who}: run {dead.run + 1} after {dead.dead.reason} in {dead.dead.state}"
    return Revive(held=now, change=transitions.retried(now.scan, why, mark))


def retry_of_message(letter: DeadLetter) -> Retry:
    """What a retry does of a message that never became a scan: its own subject, body and headers again."""
    parts = subjects.parse_scan_subject(letter.subject)
    if letter.stream != subjects.SCAN_REQUESTS or parts is None or parts.kind not in _AGAIN:
        return CannotRetry(message=f"{letter.subject} is no request: only requests and cancels are published again")
    try:
        body = body_of(letter)
    except ValueError:
        return CannotRetry(message="its original body is not readable")
    return PublishAgain(
        write=Write(subject=letter.subject, body=body, headers=own_headers(letter.headers), expected_sequence=0)
    )


def retry_without_letter(scans: Sequence[AnyScan]) -> AlreadyRetried | CannotRetry:
    """What is to be said of an id that no dead letter has; `scans` are the scans of this id."""
    for scan in scans:
        if isinstance(scan, Dead):
            return CannotRetry(message="its dead letter was purged or is too old; submit it again as a new scan")
        if scan.run > 1:
            return AlreadyRetried(message=_since(scan))
    if scans:
        return CannotRetry(message=f"it is no dead letter: the scan is {state_of(scans[0])}")
    return CannotRetry(message="it is no dead letter: it was retried or purged before, or never was one")


def body_of(letter: DeadLetter) -> bytes:
    """The original body, byte for byte.

    Raises:
        ValueError: the letter holds none, or not in the form that it says.
    """
    if letter.body is not None:
        return letter.body.encode()
    if letter.body_base64 is None:
        raise ValueError("the letter holds no body")
    try:
        return base64.b64decode(letter.body_base64, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def own_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """What the publisher wrote: without what NATS puts there or obeys, and without what no header can carry."""
    return {name: value for name, value in headers.items() if _is_own(name) and _is_one_line(name + value)}


def _is_own(name: str) -> bool:
    return bool(name.strip()) and ":" not in name and not name.strip().lower().startswith("nats-")


def _is_one_line(text: str) -> bool:
    return "\r" not in text and "\n" not in text


def _since(scan: AnyScan) -> str:
    return f"already retried: it is {state_of(scan)}, run {scan.run}"


def _dead_scan(stored: Stored) -> Dead | str:
    try:
        scan = decode_scan("dead", stored.body, stored.headers.get("ce-type"))
    except UnreadableEvent as error:
        return str(error)
    assert isinstance(scan, Dead)
    return scan


def _message(stored: Stored) -> DeadLetter | str:
    try:
        return decoding.decode(stored.body, DeadLetter)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return f"no dead letter that this version of scanpool knows: {error}"


def _of_scan(stored: Stored, scan: Dead) -> Letter:
    stage = "launch" if scan.dead.state in {*QUEUED_STATES, "launching"} else scan.dead.state
    return Letter(
        id=scan.id,
        kind="scan",
        pool=scan.pool,
        stage=scan.dead.state,
        reason=scan.dead.reason,
        message=masked_text(scan.error.message),
        attempts=scan.stage_attempts.get(stage, 0) + 1,  # the last one made it dead and is not counted there
        at=scan.at,
        scan_id=scan.id,
        run=scan.run,
        subject=stored.subject,
        sequence=stored.sequence,
    )


def _of_message(stored: Stored, letter: DeadLetter) -> Letter:
    _, pool, stage, scan_id, place = stored.subject.split(".")
    return Letter(
        id=f"{scan_id}.{place}",
        kind="message",
        pool=pool,
        stage=stage,
        reason=letter.reason,
        message=masked_text(letter.message),
        attempts=letter.attempts,
        at=letter.last_at,
        scan_id=scan_id,
        run=0,
        subject=stored.subject,
        sequence=stored.sequence,
    )


def _unreadable(stored: Stored, why: str) -> Letter:
    parts = stored.subject.split(".")
    return Letter(
        id=f"dlq.{stored.sequence}",
        kind="unreadable",
        pool=parts[1],
        stage=parts[2] if len(parts) > 2 else "",
        reason="",
        message=masked_text(why),
        attempts=1,
        at=stored.time,
        scan_id="",
        run=0,
        subject=stored.subject,
        sequence=stored.sequence,
    )
