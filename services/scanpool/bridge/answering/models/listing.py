"""Lists of scans and of dead letters."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel


class TaskName(BaseModel):
    """What the one who asked for it calls the scan."""

    name: str
    targets: list[str]


class Task(BaseModel):
    """A scan in a list."""

    task_id: str
    status: str
    scan_type: str
    scanner_pool: str
    scanner_instance: str | None = None
    authentication_status: str | None = None
    error_code: str | None = None
    submitted_at: datetime
    updated_at: datetime
    untrusted: TaskName


class TaskList(BaseModel):
    """Scans, the newest first."""

    tasks: list[Task]
    returned: int
    total: int
    """All that the filters leave."""
    next_cursor: str | None = None


class LetterText(BaseModel):
    """What went wrong, in words that a scanner may have chosen."""

    message: str


class DeadLetterInfo(BaseModel):
    """Something that could not be handled."""

    id: str
    scanner_pool: str
    stage: str
    reason: str
    attempts: int
    at: datetime
    task_id: str | None = None
    untrusted: LetterText


class DeadLetterList(BaseModel):
    """Dead letters, the newest first."""

    dead_letters: list[DeadLetterInfo]
    returned: int
    total: int
    next_cursor: str | None = None
    next: str
    """What an operator can do about them."""
