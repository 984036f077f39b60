"""How a scan is."""

from __future__ import annotations

from pydantic import BaseModel


class Status(BaseModel):
    """A scan as it is now."""

    task_id: str
    status: str
    scanner_pool: str
