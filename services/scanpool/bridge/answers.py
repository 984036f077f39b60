"""What a tool answers on the wire: one compact JSON document, the same as text and as structured content."""

from __future__ import annotations

import json
from typing import Any

from mcp.types import CallToolResult, TextContent
from pydantic import BaseModel

from scanpool.bridge.refusals import Refusal


def answer(result: BaseModel) -> CallToolResult:
    """The model without nulls."""
    document = result.model_dump(mode="json", by_alias=True, exclude_none=True)
    return CallToolResult(content=[_text(document)], structured_content=document)


def refused(refusal: Refusal) -> CallToolResult:
    """Code, what happened, what to do next."""
    document: dict[str, Any] = {
        "code": refusal.code,
        "message": refusal.message,
        "retryable": refusal.retryable,
        "hint": refusal.hint,
    }
    if refusal.retry_after_s is not None:
        document["retry_after_s"] = refusal.retry_after_s
    return CallToolResult(content=[_text(document)], is_error=True)


def _text(document: dict[str, Any]) -> TextContent:
    return TextContent(type="text", text=json.dumps(document, separators=(",", ":"), ensure_ascii=False))
