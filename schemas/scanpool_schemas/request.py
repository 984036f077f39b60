"""What people ask for: a scan, that one be cancelled, that one be paused or resumed."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from scanpool_schemas import decoding
from scanpool_schemas.names import InvalidName, check_pool_name, check_scan_id, check_scanner_name, nearest

ScanType = Literal["untrusted", "authenticated", "authenticated_privileged"]
Priority = Literal["high", "normal", "low"]
Intensity = Literal["safe", "intrusive"]
OrderName = Literal["pause", "resume"]

ShortText = Annotated[str, Meta(max_length=256)]
LongText = Annotated[str, Meta(max_length=4096)]

WEEK_S = 7 * 24 * 3600


class RequestInvalid(ValueError):
    """The bytes are no valid request; says where and why."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path
        """The field, as `targets[0]`; empty for the body as a whole."""
        self.message = message


class ScanRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request for one scan. Published on `scan.<pool>.requested.<id>`, read by admission."""

    targets: Annotated[tuple[ShortText, ...], Meta(min_length=1, max_length=5000)]
    """Addresses, CIDRs, netmasks, ranges, octet ranges, hostnames, `text[ip]`; never expanded."""
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    """What people call the scan; the scanner shows it too."""
    description: LongText = ""
    """Shown on the scanner too."""
    exclude: Annotated[tuple[ShortText, ...], Meta(max_length=5000)] = ()
    """Targets to leave out, in the same forms."""
    scan_type: ScanType = "untrusted"
    """Without credentials, with credentials, or with credentials and escalation of privileges."""
    credential_ref: ShortText | None = None
    """The id of a credential in the pool's configuration; required unless untrusted. Never a secret."""
    scanner: ShortText | None = None
    """The one scanner of the pool that is to run it; null lets the dispatcher choose."""
    priority: Priority = "normal"
    """Its lane in the queue; of ten scans that are placed, six, three and one come from these lanes."""
    template: ShortText | None = None
    """The scanner's template by name; null takes the pool's for the scan type."""
    policy: ShortText | None = None
    """A policy on the scanner by name, never by number."""
    settings: Annotated[dict[ShortText, LongText], Meta(max_length=200)] = {}
    """Settings of the scanner's template, by the scanner's names. Never a secret."""
    folder: ShortText | None = None
    """A folder on the scanner by name."""
    labels: Annotated[dict[ShortText, ShortText], Meta(max_length=50)] = {}
    """For the publisher's own use; kept, never interpreted."""
    max_duration_s: Annotated[int, Meta(ge=60, le=4 * WEEK_S)] | None = None
    """Seconds on the scanner after which the scan is stopped and ends as timeout; null is 24 h."""
    max_wait_s: Annotated[int, Meta(ge=1, le=4 * WEEK_S)] | None = None
    """Seconds in the queue after which the scan ends as timeout; null waits as long as it takes."""
    require_auth: Annotated[float, Meta(ge=0, le=1)] | None = None
    """Share of hosts that must be authenticated; below it the scan ends failed, its results kept."""
    owner: ShortText | None = None
    """Who the scan belongs to."""
    idempotency_key: ShortText | None = None
    """The same owner and key is the same scan, however often it is submitted."""
    client: ShortText | None = None
    """The client of the bridge that asks, by the subject of its identity; its policy is checked by admission, deny by
    default. Null where a person or program publishes by itself."""
    intensity: Intensity | None = None
    """Safe switches the scanner's safe checks on, intrusive off; null leaves what the template says."""
    confirmed: ShortText | None = None
    """Who confirmed, through the bridge, a scan that its policy wants confirmed. No part of what is asked: the same
    request with and without it is the same scan."""


class CancelRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request that a scan be cancelled. Published on `scan.<pool>.cancel.<id>`."""

    by: ShortText = ""
    """Who asks."""
    reason: LongText = ""
    """Why; told in the scan's error."""


class ScanOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """That a running scan be paused or resumed. Asked on core NATS, `order.<pool>.<order>.<id>`; a poller answers."""

    by: ShortText = ""
    """Who asks."""
    reason: LongText = ""
    """Why; told in the scan's progress while it is paused."""


_Request = TypeVar("_Request", ScanRequest, CancelRequest, ScanOrder)

_PLACE = re.compile(r"(?P<message>.*) - at (?:`key` in )?`\$\.?(?P<path>.*)`", re.DOTALL)
_ABOUT_THE_ASKING = frozenset({"confirmed"})
"""Fields that say how the scan was asked for, not which scan."""
_SAFE_CHECKS = "safe_checks"
_SECRET_WORDS = ("password", "passphrase", "secret", "private_key", "token", "community")


def decode_scan_request(body: bytes) -> ScanRequest:
    """Decode a scan request strictly.

    Raises:
        RequestInvalid: not JSON, a wrong type, a value out of bounds, an unknown field.
    """
    request = _decode(body, ScanRequest)
    _check(request)
    return request


def decode_cancel_request(body: bytes) -> CancelRequest:
    """Decode a cancel request strictly; an empty body is a request without reason.

    Raises:
        RequestInvalid: not JSON, a wrong type, an unknown field.
    """
    return _decode(body, CancelRequest) if body.strip() else CancelRequest()


def decode_scan_order(body: bytes) -> ScanOrder:
    """Decode an order strictly; an empty body is an order without reason.

    Raises:
        RequestInvalid: not JSON, a wrong type, an unknown field.
    """
    return _decode(body, ScanOrder) if body.strip() else ScanOrder()


def digest(request: ScanRequest) -> str:
    """Hex SHA-256 of the request: equal for the same request, whatever order its JSON had, confirmed or not."""
    asked = msgspec.structs.replace(request, **dict.fromkeys(_ABOUT_THE_ASKING))
    return hashlib.sha256(msgspec.json.encode(asked, order="deterministic")).hexdigest()


def differences(one: ScanRequest, other: ScanRequest) -> tuple[str, ...]:
    """The fields in which two requests differ; as for `digest`, whether they were confirmed is no difference."""
    asked = (name for name in ScanRequest.__struct_fields__ if name not in _ABOUT_THE_ASKING)
    return tuple(name for name in asked if getattr(one, name) != getattr(other, name))


def _decode(body: bytes, kind: type[_Request]) -> _Request:
    try:
        document: Any = decoding.document(body)
        json.loads(body, object_pairs_hook=_refuse_repeated)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestInvalid("", f"not a JSON document: {error}") from error
    if not isinstance(document, dict):
        raise RequestInvalid("", f"a JSON object is needed, not {type(document).__name__}")
    _refuse_unknown(document, kind.__struct_fields__)
    try:
        return decoding.convert(document, kind)
    except msgspec.ValidationError as error:
        raise _located(error) from error


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    """JSON takes the last of repeated names in silence, which could empty an `exclude`."""
    names: set[str] = set()
    for name, _ in pairs:
        if name in names:
            raise RequestInvalid(name[:64], "is given more than once")
        names.add(name)


def _refuse_unknown(document: dict[str, Any], known: tuple[str, ...]) -> None:
    for name in document:
        if name not in known:
            close = nearest(name, known)
            hint = f"did you mean {close!r}?" if close else f"known fields: {', '.join(known)}"
            raise RequestInvalid(name[:64], f"unknown field; {hint}")


def _located(error: msgspec.ValidationError) -> RequestInvalid:
    """Split msgspec's sentence into what is wrong and where (`… - at `$.targets[0]``)."""
    found = _PLACE.fullmatch(str(error))
    return RequestInvalid(found["path"], found["message"]) if found else RequestInvalid("", str(error))


def _check(request: ScanRequest) -> None:
    if request.scan_type != "untrusted" and request.credential_ref is None:
        raise RequestInvalid("credential_ref", f"required for scan_type {request.scan_type!r}")
    if request.scan_type == "untrusted" and request.credential_ref is not None:
        raise RequestInvalid("credential_ref", "given, but scan_type is 'untrusted'; say 'authenticated'")
    if request.scan_type == "untrusted" and request.require_auth:
        raise RequestInvalid("require_auth", "an untrusted scan cannot authenticate")
    if request.scanner is not None:
        try:
            check_scanner_name(request.scanner)
        except InvalidName as error:
            raise RequestInvalid("scanner", str(error)) from error
    if request.intensity is not None and _SAFE_CHECKS in request.settings:
        raise RequestInvalid(f"settings.{_SAFE_CHECKS}", "given beside intensity, which sets it; keep one of the two")
    for name in request.settings:
        if any(word in name.lower() for word in _SECRET_WORDS):
            raise RequestInvalid(f"settings.{name}", "looks like a secret; name a credential in credential_ref instead")


def check_address(pool: str, scan_id: str) -> None:
    """Check the two tokens of a request's subject.

    Raises:
        RequestInvalid: one of them is not a name.
    """
    for path, check, token in (("pool", check_pool_name, pool), ("id", check_scan_id, scan_id)):
        try:
            check(token)
        except InvalidName as error:
            raise RequestInvalid(path, str(error)) from error
