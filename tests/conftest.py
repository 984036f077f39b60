"""What holds for every test."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """A command that runs within the tests sets up logging for its process, which is ours."""
    root, nats = logging.getLogger(), logging.getLogger("nats")
    before = (structlog.get_config(), root.handlers, root.level, nats.level)
    yield
    structlog.configure(**before[0])
    root.handlers, root.level, nats.level = before[1:]
