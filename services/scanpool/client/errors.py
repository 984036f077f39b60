"""What can go wrong for a user of the library.

ClientError
├── UnknownPool      there is no such pool, or none was named and there is no default
├── UnknownScan      no pool has a scan of this id
├── AmbiguousScan    several pools have one: name the pool
├── IdConflict       the id or idempotency key was used for a different request
├── NoResult         the scan has no result (yet), or no report
├── OrderRefused     the scan was not paused or resumed, and `code` says why
├── OrderUnanswered  it may have been: look, or ask again
├── NoPoller         it was not: no poller serves its pool
└── WaitTimeout      the wait is over; the scan goes on

Besides, `scanpool_schemas.request.RequestInvalid` for a request that could never be admitted, and
`scanpool.runtime.errors.BrokerError` where NATS cannot be reached.
"""

from __future__ import annotations


class ClientError(Exception):
    """A call of the library did not do what was asked."""


class UnknownPool(ClientError):
    """There is no such pool, or none was named and there is no default."""


class UnknownScan(ClientError):
    """No pool has a scan of this id."""


class AmbiguousScan(ClientError):
    """Several pools have a scan of this id: name the pool."""


class IdConflict(ClientError):
    """The id or idempotency key was used for a different request."""


class NoResult(ClientError):
    """The scan has no result (yet), or no report."""


class OrderRefused(ClientError):
    """The scan was not paused or resumed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        """As in the error catalogue."""


class OrderUnanswered(ClientError):
    """Whether the scan was paused or resumed is not known: look at its progress, or ask again, which does no harm."""


class NoPoller(ClientError):
    """No poller serves the scan's pool now, so that the scan was neither paused nor resumed."""


class WaitTimeout(ClientError):
    """The wait is over; the scan goes on."""
