"""Following a scan to its end, and showing on stderr how it goes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.live import Live

from scanpool.cli.output import Output, console_of
from scanpool.cli.views.elements import when
from scanpool.cli.views.scans import progress_line
from scanpool.client import ScanPool, UnknownScan
from scanpool_schemas.status import ScanStatus

if TYPE_CHECKING:
    from typing import Any

LOOK_EVERY_S = 1.0
TOLD_PERCENT = 10
"""Without a terminal progress is told in steps of this size."""
