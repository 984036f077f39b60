"""JSON Schema (2020-12) of what the contract publishes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, TypeAlias

import msgspec

from scanpool_schemas import events, keys, names, request, result, scan
from scanpool_schemas.documents.field_texts import FieldTexts, field_texts, text_of
from scanpool_schemas.documents.published import Published, find

Document: TypeAlias = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REFUSES_UNKNOWN = {request.ScanRequest, request.CancelRequest}
_POOL = f"^{names.POOL_NAME_PATTERN}$"
_SCANNER = f"^{names.SCANNER_NAME_PATTERN}$"
_CREDENTIAL = f"^{names.CREDENTIAL_ID_PATTERN}$"
_SCAN_ID = f"^{names.SCAN_ID_PATTERN}$"

_PATTERNS: Mapping[tuple[type, str], str] = {
    (request.ScanRequest, "scanner"): _SCANNER,
    (scan.Scan, "id"): _SCAN_ID,
    (scan.Scan, "pool"): _POOL,
    **{(struct, "scanner"): _SCANNER for struct in scan.STRUCT_OF.values() if _has(struct, "scanner")},
}
