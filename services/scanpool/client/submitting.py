"""Asking for a scan: once, however often and however uncertainly it is asked."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import msgspec

from scanpool.client.errors import IdConflict, UnknownScan
from scanpool.client.lookup import Lookup
from scanpool.runtime.errors import BrokerUnavailable, PublishUnknown, StoreFull, SubjectFull
from scanpool.runtime.jetstream import JetStream, Write
from scanpool.runtime.message_spans import Message, publishing
from scanpool_schemas import subjects
from scanpool_schemas.names import derived_scan_id, new_scan_id
from scanpool_schemas.request import (
    RequestInvalid,
    ScanRequest,
    check_address,
    decode_scan_request,
    differences,
    digest,
)
from scanpool_schemas.targets import InvalidTarget, parse, read_scope, subtract

_TRIES = 5
"""A request can be admitted between the refusal and the look; that again and again is no chance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Submitted:
    """A scan that was asked for."""

    id: str
    pool: str
    duplicate: bool
    """The same request was made before, and this is its scan."""


class Submitter:
    """Puts requests into the stream of requests."""

    def __init__(self, jetstream: JetStream, lookup: Lookup) -> None:
        self._jetstream = jetstream
        self._lookup = lookup

    async def submit(self, request: ScanRequest, pool: str | None, id: str | None) -> Submitted:
        """Ask for the scan, unless it was asked for before.

        Raises:
            RequestInvalid, UnknownPool, IdConflict: it was not asked for.
            StoreFull: it was not; NATS has no room for it.
            PublishUnknown: it may have been; names the id to submit it again with.
        """
        _check_targets(request)
        chosen = await self._lookup.chosen_pool(pool)
        scan_id = id or _id_for(request)
        check_address(chosen, scan_id)
        may_be_known = id is not None or request.idempotency_key is not None
        for _ in range(_TRIES):
            if may_be_known and (known := await self._known(chosen, scan_id, request)) is not None:
                return known
            try:
                return await self._publish(chosen, scan_id, request)
            except SubjectFull:  # of a stream that is at its limit too: the server has one code for both
                may_be_known = True
        raise StoreFull(
            f"stream {subjects.SCAN_REQUESTS} takes no request and has none of scan {scan_id!r}: it is full; "
            f"raise its max_bytes or max_msgs, or see why requests are not admitted"
        )

    async def _publish(self, pool: str, scan_id: str, request: ScanRequest) -> Submitted:
        subject, body = subjects.requested(pool, scan_id), msgspec.json.encode(request)
        message = Message(subject=subject, size_bytes=len(body), server=self._jetstream.server)
        try:
            with publishing(message) as headers:
                await self._jetstream.publish(Write(subject=subject, body=body, headers=headers))
        except PublishUnknown as error:
            if (found := await self._found(pool, scan_id, request)) is not None:
                return replace(found, duplicate=False)
            raise PublishUnknown(
                f"scan {scan_id!r} of pool {pool!r} may have been asked for ({error}); "
                "submit it again with this id: it will be one scan all the same"
            ) from error
        return Submitted(id=scan_id, pool=pool, duplicate=False)

    async def _found(self, pool: str, scan_id: str, request: ScanRequest) -> Submitted | None:
        try:
            return await self._known(pool, scan_id, request)
        except BrokerUnavailable:
            return None

    async def _known(self, pool: str, scan_id: str, request: ScanRequest) -> Submitted | None:
        """What was asked for before: the request is looked for first, since admission ends it with the scan's start."""
        return await self._request(pool, scan_id, request) or await self._scan(pool, scan_id, request)

    async def _scan(self, pool: str, scan_id: str, request: ScanRequest) -> Submitted | None:
        """The scan of this id, if there is one and it was asked for alike."""
        try:
            scan = await self._lookup.scan(scan_id, pool)
        except UnknownScan:
            return None
        if scan.request_digest != digest(request):
            raise _conflict(scan_id, scan.request, request)
        return Submitted(id=scan_id, pool=pool, duplicate=True)

    async def _request(self, pool: str, scan_id: str, request: ScanRequest) -> Submitted | None:
        """The request of this id that waits for admission, if there is one and it is alike."""
        waiting = await self._jetstream.last(subjects.SCAN_REQUESTS, subjects.requested(pool, scan_id))
        if waiting is None:
            return None
        try:
            earlier = decode_scan_request(waiting.body)
        except RequestInvalid as error:
            raise IdConflict(f"an invalid request for scan {scan_id!r} waits to be refused: {error}") from error
        if digest(earlier) != digest(request):
            raise _conflict(scan_id, earlier, request)
        return Submitted(id=scan_id, pool=pool, duplicate=True)


def _id_for(request: ScanRequest) -> str:
    if request.idempotency_key is not None:
        return derived_scan_id(request.owner or "", request.idempotency_key)
    return new_scan_id(datetime.now(UTC), secrets.token_bytes(10))


def _check_targets(request: ScanRequest) -> None:
    try:
        parse(request.targets)
        read_scope(request.exclude)
    except InvalidTarget as error:
        raise RequestInvalid("", str(error)) from error


def _conflict(scan_id: str, earlier: ScanRequest, now: ScanRequest) -> IdConflict:
    """`earlier` may be as it was submitted or as it was admitted; the nearer reading shows in what they differ."""
    forms = (now, _as_admitted(now, earlier))
    fields = min((differences(earlier, form) for form in forms), key=len)
    differing = ", ".join(fields) or "the form of its targets"
    return IdConflict(f"scan {scan_id!r} was asked for before and differs in: {differing}")


def _as_admitted(request: ScanRequest, earlier: ScanRequest) -> ScanRequest:
    targets = subtract(parse(request.targets), read_scope(request.exclude))
    return msgspec.structs.replace(request, targets=targets.texts, template=request.template or earlier.template)
