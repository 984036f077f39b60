"""A server of the bridge's own application and tasks extension, with the tools that the suite's scenarios call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp.server import MCPServer

from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.bridge.offering.tasks.extension import TasksExtension
from scanpool.bridge.serving.application import application
from scanpool.runtime.http import serving
from scanpool.runtime.jetstream import JetStream
from tests.conformance.fixture_tasks import FixtureTasks
from tests.support.bridge import bridge_parts


@asynccontextmanager
async def fixture_server(jetstream: JetStream) -> AsyncIterator[str]:
    """Serves it while entered; yields its URL."""
    tasks, parts = FixtureTasks(), bridge_parts(jetstream, BridgeSettings())
    app = application(_server(tasks), parts)
    async with app.router.lifespan_context(app), serving(app, "127.0.0.1", 0) as port:
        try:
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            tasks.close()
            parts.stopping.set()


def _server(tasks: FixtureTasks) -> MCPServer[Any]:
    server: MCPServer[Any] = MCPServer(name="fixture", extensions=[TasksExtension(tasks)], log_level="WARNING")
    for tool in (
        greet,
        slow_compute,
        failing_job,
        protocol_error_job,
        confirm_delete,
        multi_input,
        test_tool_with_task,
    ):
        server.add_tool(tool)
    return server


def greet(name: str) -> str:
    """Greets."""
    return f"Hello, {name}!"


def slow_compute(seconds: float = 0, label: str = "") -> str:
    """Takes its time."""
    return f"{label} took {seconds} s"


def failing_job() -> str:
    """Fails, as a task alone."""
    return "never called"


def protocol_error_job() -> str:
    """Breaks, as a task."""
    return "only as a task"


def confirm_delete(filename: str = "") -> str:
    """Asks, as a task, before it deletes."""
    return f"{filename} is kept"


def multi_input() -> str:
    """Asks two questions at once, as a task."""
    return "nothing was asked"


def test_tool_with_task() -> str:
    """Asks for a name, then goes on as a task."""
    return "never called"
