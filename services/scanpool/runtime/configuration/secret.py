"""Secrets: where their values come from. The value is read when it is used and shows nowhere else."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

MAX_BYTES = 64 * 1024


class SecretUnavailable(Exception):
    """The value cannot be had now; may succeed once the remedy has been applied."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message}; {remedy}")
        self.message = message
        self.remedy = remedy


class Origin(Enum):
    """Where a secret's value comes from."""

    LITERAL = "literal"
    """It stands in the configuration file itself."""
    INTERPOLATED = "interpolated"
    """`${VAR}`, filled in when the file was read."""
    ENVIRONMENT = "env"
    FILE = "file"


class Secret:
    """A value that neither `repr`, `str` nor an encoder shows.

    Not a struct or a dataclass, since msgspec would encode those.
    """

    __slots__ = ("_environ", "_text", "origin")

    def __init__(self, origin: Origin, text: str, environ: Mapping[str, str] | None = None) -> None:
        """`text` is the value, or the name of the variable or the path of the file that holds it."""
        self.origin = origin
        self._text = text
        self._environ = environ or {}

    @property
    def source(self) -> dict[str, str] | None:
        """Where the value is kept, as the file says it; None where it is kept here."""
        match self.origin:
            case Origin.ENVIRONMENT | Origin.FILE:
                return {self.origin.value: self._text}
            case Origin.LITERAL | Origin.INTERPOLATED:
                return None

    @property
    def is_empty(self) -> bool:
        """Whether it is kept here and holds nothing."""
        return self.source is None and not self._text

    def reveal(self) -> str:
        """The value as it is now. Files lose the newline at their end if they hold one line.

        Raises:
            SecretUnavailable: unset, unreadable, readable by others, empty.
        """
        value = self._value()
        if not value:
            raise SecretUnavailable(f"the secret is empty ({self._where})", "give it a value")
        return value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return (self.origin, self._text) == (other.origin, other._text)

    def __hash__(self) -> int:
        return hash((self.origin, self._text))

    def __repr__(self) -> str:
        return f"Secret({self._where})"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret is not to be copied out of the process")

    @property
    def _where(self) -> str:
        source = self.source
        return "***" if source is None else " ".join((*source, self._text))

    def _value(self) -> str:
        match self.origin:
            case Origin.LITERAL | Origin.INTERPOLATED:
                return self._text
            case Origin.ENVIRONMENT:
                return self._from_environment()
            case Origin.FILE:
                return _from_file(Path(self._text))

    def _from_environment(self) -> str:
        if self._text not in self._environ:
            raise SecretUnavailable(f"variable {self._text} is not set", "set it for this process")
        return self._environ[self._text]


def _from_file(path: Path) -> str:
    try:
        body = _guarded_read(path)
    except OSError as error:
        raise SecretUnavailable(f"{path}: {error.strerror}", "check its path and its owner") from error
    if len(body) > MAX_BYTES:
        raise SecretUnavailable(f"{path} is larger than {MAX_BYTES:,} bytes", "name the right file")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise SecretUnavailable(f"{path} is not text in UTF-8", "name the right file") from error
    line = text.removesuffix("\n").removesuffix("\r")
    return text if "\n" in line else line


def _guarded_read(path: Path) -> bytes:
    # Opened first, so that what is checked is what is read; a pipe without a writer would block.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:  # noqa: PTH123 (a descriptor)
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise SecretUnavailable(f"{path} is not a regular file", "name the file that holds the secret")
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            mode = stat.S_IMODE(status.st_mode)
            raise SecretUnavailable(f"{path} is open to others (mode {mode:04o})", f"chmod 600 {path}")
        return stream.read(MAX_BYTES + 1)
