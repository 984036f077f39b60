"""What can go wrong between a process and NATS, ordered by what a caller can do about it.

BrokerError
├── BrokerUnavailable    may succeed later; nothing was stored, or it was only a read
│   └── StoreFull        NATS has no room left; the same will succeed once there is some
├── AnswerMissing        may have been carried out: look before asking again
├── PublishUnknown       may have been stored: read before publishing again
├── PublishRefused       was not stored, and will not be if sent again as it is
│   ├── SequenceMoved    somebody else wrote first: read again, decide again
│   ├── SubjectFull      the subject already holds a message
│   └── MessageTooLarge  over the server's or the stream's limit; it was not sent
├── TopologyMissing      a stream, consumer or bucket is absent or differs: `scanpool topology apply`
├── ServerUnsuitable     the server is too old, or has no JetStream
└── ConnectionLost       the connection was closed for good: end, and be started again
"""

from __future__ import annotations


class BrokerError(Exception):
    """A call to NATS did not do what was asked."""


class BrokerUnavailable(BrokerError):
    """May succeed later; nothing was stored, or it was only a read."""


class StoreFull(BrokerUnavailable):
    """NATS has no room left, so that nothing was stored."""


class AnswerMissing(BrokerError):
    """Somebody may have carried out what was asked, and did not answer: look before asking again."""


class PublishUnknown(BrokerError):
    """May have been stored: read before publishing again."""


class PublishRefused(BrokerError):
    """Was not stored, and will not be if sent again as it is."""


class SequenceMoved(PublishRefused):
    """Somebody else wrote first: read again, decide again."""


class SubjectFull(PublishRefused):
    """The subject already holds a message."""


class MessageTooLarge(PublishRefused):
    """Over the server's or the stream's limit; it was not sent."""


class TopologyMissing(BrokerError):
    """A stream, consumer or bucket is absent or differs from its definition."""


class ServerUnsuitable(BrokerError):
    """The server is too old, or has no JetStream."""


class ConnectionLost(BrokerError):
    """The connection was closed for good; the process ends and is started again."""
