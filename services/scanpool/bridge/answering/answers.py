"""What a tool answers on the wire: one compact JSON document, the same as text and as structured content."""

from __future__ import annotations

import json
from typing import Any

from mcp.types import CallToolResult, TextContent
from pydantic import BaseModel

from scanpool.bridge.answering.refusals import Refusal


def answer(result: BaseModel, *, is_error: bool = False) -> CallToolResult:
    """The model without nulls."""
    document = result.model_dump(mode="json", by_alias=True, exclude_none=True)
    return CallToolResult(content=[_text(document)], structured_content=document, is_error=is_error)


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
    if refusal.task_id is not None:
        document["task_id"] = refusal.task_id
    return CallToolResult(content=[_text(document)], is_error=True)


def told(result: CallToolResult) -> dict[str, Any] | None:
    """The document of an answer; None where the SDK answered in words of its own."""
    content = result.content[0] if result.content else None
    if not isinstance(content, TextContent):
        return None
    try:
        document = json.loads(content.text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _text(document: dict[str, Any]) -> TextContent:
    return TextContent(type="text", text=json.dumps(document, separators=(",", ":"), ensure_ascii=False))
