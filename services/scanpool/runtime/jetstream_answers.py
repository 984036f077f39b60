"""What the JetStream API answers, and what its errors are to a caller."""

from __future__ import annotations

import base64
from datetime import datetime

import msgspec

from scanpool.runtime.errors import (
    BrokerError,
    BrokerUnavailable,
    MessageTooLarge,
    PublishRefused,
    SequenceMoved,
    StoreFull,
    SubjectFull,
    TopologyMissing,
)

NO_LEADER = 10008
"""The servers of a cluster choose who leads them: there is none at the moment that could answer."""
NO_STREAM = 10059
NO_CONSUMER = 10014
ABSENT = frozenset({NO_STREAM, NO_CONSUMER})

_NO_MESSAGE = {10037, 10043}
_WRONG_SEQUENCE = {10071, 10164}
_SUBJECT_FULL = 10077
_TOO_LARGE = 10054
_STORE_FULL = {10002, 10023, 10047}
"""The account's limit is reached, or the server's own."""
_BATCH_INCOMPLETE = 10176
"""A member of the batch was lost on the way or refused; nothing of it was stored."""


class ApiError(msgspec.Struct):
    """Why a call was refused."""

    code: int
    err_code: int = 0
    description: str = ""


class Answer(msgspec.Struct):
    """What every answer may say."""

    error: ApiError | None = None


class PubAck(Answer):
    """The answer to a publish."""

    seq: int = 0


class RawMessage(msgspec.Struct):
    """A message as the API spells it."""

    subject: str
    seq: int
    time: datetime
    data: str = ""
    hdrs: str = ""

    @property
    def body(self) -> bytes:
        return base64.b64decode(self.data)

    @property
    def headers(self) -> dict[str, str]:
        lines = base64.b64decode(self.hdrs).decode("utf-8", "replace").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines if ":" in line)
        return {name.strip(): value.strip() for name, _, value in pairs}


class GetAnswer(Answer):
    """The answer to a read of one message."""

    message: RawMessage | None = None

    def found_in(self, stream: str) -> RawMessage | None:
        """The message; None where there is none.

        Raises:
            TopologyMissing: there is no such stream.
            BrokerUnavailable: it could not be read now.
        """
        if self.error is None:
            return self.message
        if self.error.err_code == NO_STREAM:
            raise stream_missing(stream)
        if self.error.err_code in _NO_MESSAGE:
            return None
        raise BrokerUnavailable(f"reading {stream}: {self.error.description}")


def stream_missing(stream: str) -> TopologyMissing:
    """There is no such stream."""
    return TopologyMissing(f"stream {stream} does not exist; run `scanpool topology apply`")


def publish_refusal(subject: str, error: ApiError) -> BrokerError:
    """Why a message was not stored."""
    sentence = f"{subject}: {error.description} (JetStream error {error.err_code})"
    if error.err_code in _WRONG_SEQUENCE:
        return SequenceMoved(sentence)
    if error.err_code == _SUBJECT_FULL:
        return SubjectFull(sentence)
    if error.err_code == _TOO_LARGE:
        return MessageTooLarge(sentence)
    if error.err_code in _STORE_FULL:
        return StoreFull(f"NATS has no room left ({sentence}); raise its limit, or keep scans for a shorter time")
    if error.err_code == _BATCH_INCOMPLETE or error.code in {429, 503}:
        return BrokerUnavailable(sentence)
    return PublishRefused(sentence)
