"""The session on the page for agents still goes as it stands there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.agent_session import calls_of, normal, session
from tests.support.pages import ROOT

PAGE = ROOT / "docs" / "how-to" / "agent-session.md"
VARIES = frozenset(
    {
        "queue_position",
        "scanner_instance",
        "scanner_url",
        "estimated_wait_s",
        "estimated_wait_minutes",
        "estimate_confidence",
    }
)
"""There or not, as a scan is quick or slow to begin."""


def shape(document: Any) -> Any:
    """Keys at every depth, and how many there are of what."""
    match document:
        case dict():
            return {key: shape(each) for key, each in document.items() if key not in VARIES}
        case list():
            return [shape(each) for each in document]
        case _:
            return type(document).__name__


@pytest.mark.usefixtures("checkout")
async def test_the_same_calls_get_the_same_answers() -> None:
    shown = calls_of(PAGE.read_text(encoding="utf-8"))
    called = await session()
    assert [(tool, arguments) for tool, arguments, _ in shown] == [
        (call.tool, normal(call.arguments)) for call in called
    ]
    for (tool, _, answer), call in zip(shown, called, strict=True):
        assert (tool, shape(answer)) == (call.tool, shape(call.answer))
