"""Everything about one dead letter, without its secrets."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from scanpool.coordination.letters import QUEUED_STATES, Letter, body_of, content_of, letter_of, own_headers
from scanpool.runtime.jetstream import Stored
from scanpool.runtime.masking import masked, masked_body, masked_text
from scanpool_schemas.events import DeadLetter
from scanpool_schemas.instants import Instant
from scanpool_schemas.scan import Dead, TimelineEntry


class LetterDetails(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter with what it holds; values that are or may be secrets are struck out."""

    letter: Letter
    errors: tuple[str, ...]
    """The chain of errors, the outermost first."""
    first_at: Instant
    """When the message was stored, or the scan was asked for."""
    origin: str
    """The stream that the message came from, and its subject there."""
    headers: dict[str, str]
    body: str | None = None
    """The original body where it is text; of a dead scan its event."""
    body_base64: str | None = None
    """The original body where it is no text."""
    scanner: str = ""
    timeline: tuple[TimelineEntry, ...] = ()


def details_of(stored: Stored) -> LetterDetails:
    """All that the letter's message says."""
    letter = letter_of(stored)
    match content_of(stored):
        case Dead() as scan:
            return _of_scan(letter, scan, stored)
        case DeadLetter() as message:
            return _of_message(letter, message)
        case str(why):
            return LetterDetails(
                letter=letter,
                errors=(why,),
                first_at=stored.time,
                origin=stored.subject,
                **_contents(stored.headers, stored.body),
            )


def _of_scan(letter: Letter, scan: Dead, stored: Stored) -> LetterDetails:
    chain = (f"{scan.error.code}: {scan.error.message}", *_failed_tries(scan))
    timeline = [msgspec.structs.replace(entry, why=masked_text(entry.why)) for entry in scan.timeline]
    return LetterDetails(
        letter=letter,
        errors=tuple(map(masked_text, chain)),
        first_at=scan.submitted_at,
        origin=stored.subject,
        scanner=f"{scan.pool}.{scan.scanner}" if scan.scanner else "",
        timeline=tuple(timeline),
        **_contents(stored.headers, stored.body),
    )


def _failed_tries(scan: Dead) -> list[str]:
    """Why each try of the stage failed in this run, the last one first."""
    before = scan.timeline[:-1]
    ends = [place for place, entry in enumerate(before, start=1) if entry.state == "dead"]
    run = before[max(ends, default=0) :]
    if scan.dead.state in {*QUEUED_STATES, "launching"}:  # a failed launch goes back to the queue
        tries = [entry for entry in run if entry.state in QUEUED_STATES and entry.by == "dispatcher"]
    else:
        tries = [entry for entry in run if entry.state == scan.dead.state][1:]
    return [entry.why for entry in reversed(tries)]


def _of_message(letter: Letter, message: DeadLetter) -> LetterDetails:
    try:
        body = body_of(message)
    except ValueError:
        body = b""
    return LetterDetails(
        letter=letter,
        errors=tuple(map(masked_text, message.errors or (message.message,))),
        first_at=message.first_at,
        origin=f"{message.stream} {message.subject}",
        **_contents(message.headers, body),
    )


def _contents(headers: dict[str, str], body: bytes) -> dict[str, Any]:
    shown = masked_body(body)
    harmless = masked(own_headers(headers))
    try:
        return {"headers": harmless, "body": shown.decode()}
    except UnicodeDecodeError:
        return {"headers": harmless, "body_base64": base64.b64encode(shown).decode("ascii")}
