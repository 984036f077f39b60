"""A scan that was asked for."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

Confidence = Literal["none", "low", "medium", "high"]
"""In an estimate of how long a scan will wait."""


class Submitted(BaseModel):
    """The handle of a scan."""

    task_id: str = Field(description="names the scan in every other tool")
    trace_id: str
    status: Literal["queued", "running", "completed", "failed", "timeout", "cancelled"]
    scanner_pool: str
    scanner_instance: str | None = None
    scanner_url: str | None = None
    queue_position: int | None = None
    estimated_wait_minutes: float | None = None
    estimated_wait_s: int | None = None
    estimate_confidence: Confidence | None = None
    idempotent: bool = Field(description="it was asked for before, and this is the same scan")
    retention_days: int = Field(description="how long it can be read after it completed")
    next: str
