"""The golden examples of every event and key: which file is of what, and how it is read."""

from pathlib import Path

import msgspec

from scanpool_schemas.documents.published import PUBLISHED, Published
from scanpool_schemas.request import (
    CancelRequest,
    ScanOrder,
    ScanRequest,
    decode_cancel_request,
    decode_scan_order,
    decode_scan_request,
)
from scanpool_schemas.scan import STRUCT_OF
from scanpool_schemas.wire import decode_scan

GOLDEN = Path(__file__).parents[1] / "contract" / "golden" / "v1"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.json"))


def golden(name: str) -> bytes:
    """The bytes of the file."""
    return GOLDEN.joinpath(f"{name}.json").read_bytes()


def published_as(name: str) -> Published:
    """What the file is an example of: `failed-report-refused` of `failed`."""
    fitting = [each for each in PUBLISHED if f"{name}-".startswith(f"{each.short}-")]
    return max(fitting, key=lambda each: len(each.short))


def read(published: Published, body: bytes) -> msgspec.Struct:
    """Decode the body as scanpool's services do."""
    if published.struct is ScanRequest:
        return decode_scan_request(body)
    if published.struct is CancelRequest:
        return decode_cancel_request(body)
    if published.struct is ScanOrder:
        return decode_scan_order(body)
    if published.short in STRUCT_OF:
        return decode_scan(published.short, body, published.name)
    return msgspec.json.decode(body, type=published.struct)
