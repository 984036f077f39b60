"""The tools, one module a topic, in the order in which they are listed."""

from __future__ import annotations

from scanpool.bridge.answering.toolkit import ToolDefinition
from scanpool.bridge.offering.tools import cancelling, comparing, listing, policy, pools, results, status, submitting
from scanpool.bridge.parts import Parts


def all_tools(parts: Parts) -> tuple[ToolDefinition, ...]:
    """Every tool, in a fixed order."""
    return (
        *submitting.tools(parts),
        *cancelling.tools(parts),
        *policy.tools(parts),
        *status.tools(parts),
        *results.tools(parts),
        *comparing.tools(parts),
        *listing.tools(parts),
        *pools.tools(parts),
    )
