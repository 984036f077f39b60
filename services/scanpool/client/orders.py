"""Asking that a running scan be paused or resumed on its scanner."""

from __future__ import annotations

import msgspec

from scanpool.client.errors import NoPoller, OrderRefused, OrderUnanswered
from scanpool.client.lookup import Lookup
from scanpool.runtime.errors import AnswerMissing
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.tracing import trace_headers
from scanpool_schemas import decoding, subjects
from scanpool_schemas.events import OrderAnswer
from scanpool_schemas.request import OrderName, ScanOrder

ANSWER_S = 60.0
"""Longer than a poller takes for the three calls to a scanner that answers late."""


class Orders:
    """Gives orders to the pollers."""

    def __init__(self, jetstream: JetStream, lookup: Lookup) -> None:
        self._jetstream = jetstream
        self._lookup = lookup

    async def give(
        self, name: OrderName, scan_id: str, wanted: ScanOrder, *, pool: str | None, timeout: float
    ) -> OrderAnswer:
        """Ask, and answer what the scanner says afterwards.

        Raises:
            OrderRefused, NoPoller: it was not done.
            OrderUnanswered: it may have been.
            UnknownScan, AmbiguousScan: none or several pools have the scan.
        """
        chosen = await self._lookup.pool_of(scan_id, pool)
        subject = subjects.order(chosen, name, scan_id)
        look = f"`scanpool status {scan_id}` tells how it is, and asking again does no harm"
        try:
            body = msgspec.json.encode(wanted)
            raw = await self._jetstream.ask(subject, body, timeout_s=timeout, headers=trace_headers())
        except AnswerMissing as error:
            message = f"scan {scan_id!r} may be {_DONE[name]}, no poller said so in time ({error}); {look}"
            raise OrderUnanswered(message) from error
        if raw is None:
            message = f"no poller serves pool {chosen!r} now, so scan {scan_id!r} was not {_DONE[name]}"
            raise NoPoller(f"{message}; start one with `scanpool run poller --pools {chosen}`, then ask again")
        return _settled(decoding.decode(raw, OrderAnswer), look)


_DONE: dict[OrderName, str] = {"pause": "paused", "resume": "resumed"}


def _settled(answer: OrderAnswer, look: str) -> OrderAnswer:
    if answer.outcome == "unknown":
        raise OrderUnanswered(f"{answer.message}; {look}")
    if answer.error is not None:
        raise OrderRefused(answer.error.code, answer.error.message)
    return answer
