"""The library that other programs use: submit scans, follow them, hear of their ends, read their results.

    async with await ScanPool.connect("nats://127.0.0.1:4222") as scanpool:
        scan = await scanpool.submit(["10.10.0.0/28"], name="weekly")
        status = await scanpool.wait(scan.id)

`scanpool.client.blocking` has the same without `async`.
"""

from scanpool.client.errors import (
    AmbiguousScan,
    ClientError,
    IdConflict,
    NoPoller,
    NoResult,
    OrderRefused,
    OrderUnanswered,
    UnknownPool,
    UnknownScan,
    WaitTimeout,
)
from scanpool.client.events import Event, Kind, ProgressEvent, ScanEvent, Subscription
from scanpool.client.pools import PoolStatus, ScannerStatus
from scanpool.client.scanpool import ScanPool
from scanpool.client.submitting import Submitted

__all__ = [
    "AmbiguousScan",
    "ClientError",
    "Event",
    "IdConflict",
    "Kind",
    "NoPoller",
    "NoResult",
    "OrderRefused",
    "OrderUnanswered",
    "PoolStatus",
    "ProgressEvent",
    "ScanEvent",
    "ScanPool",
    "ScannerStatus",
    "Submitted",
    "Subscription",
    "UnknownPool",
    "UnknownScan",
    "WaitTimeout",
]
