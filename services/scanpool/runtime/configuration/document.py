"""Read a YAML file into plain values, with the line of each and without YAML's surprises.

Refused: keys given twice, aliases (a few lines of them grow without bound), tags, deep nesting, large files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from scanpool.runtime.configuration.problems import (
    ConfigurationError,
    Finding,
    Problem,
    child,
    item,
    parent,
)

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20

_MAP_TAG = "tag:yaml.org,2002:map"
_LIST_TAG = "tag:yaml.org,2002:seq"
_TEXT_TAG = "tag:yaml.org,2002:str"


class Unreadable:
    """Stands where a value could not be read; what is wrong with it has been said."""


UNREADABLE = Unreadable()


@dataclass(slots=True)
class Document:
    """A file's values as mappings, lists and scalars."""

    file: str
    root: Any = None
    lines: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def problem(self, finding: Finding) -> Problem:
        """The finding with its file, and the line of the nearest value that has one."""
        return Problem(
            file=self.file,
            line=self._line(finding.path),
            path=finding.path,
            message=finding.message,
            remedy=finding.remedy,
            is_warning=finding.is_warning,
        )

    def _line(self, path: str) -> int | None:
        while path and path not in self.lines:
            path = parent(path)
        return self.lines.get(path) if path else None


def read_document(path: Path, *, absent: str = "name the right file") -> Document:
    """Read a file; what is wrong inside it is among the document's findings.

    `absent` is the remedy where there is no such file.

    Raises:
        ConfigurationError: the file cannot be opened, or is no YAML at all.
    """
    file = str(path)
    text = _text(path, absent)
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            document = Document(file)
            document.root = None if node is None else _Values(loader, document).of(node, "")
        finally:
            loader.dispose()
    except _Refused as error:
        raise _unusable(file, error.message, error.remedy, error.line) from error
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(file, error) from error
    except yaml.YAMLError as error:
        raise _unusable(
            file, f"is no YAML: {' '.join(str(error).split())}", "write it in plain printable characters"
        ) from error
    return document


class _Loader(yaml.SafeLoader):
    """A safe loader that follows no alias and nests no deeper than MAX_DEPTH."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            remedy = "write the value out, or put a pattern in quotes"
            raise _Refused("an alias (*name) is not allowed", remedy, event)
        if self._depth > MAX_DEPTH:
            raise _Refused(f"nested deeper than {MAX_DEPTH} levels", "name the right file", event)
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


class _Refused(Exception):
    """YAML that is well formed but not read."""

    def __init__(self, message: str, remedy: str, event: yaml.Event) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.line = None if event.start_mark is None else event.start_mark.line + 1


class _Values:
    """Turns nodes into values and notes where each was."""

    def __init__(self, loader: _Loader, document: Document) -> None:
        self._loader = loader
        self._document = document

    def of(self, node: yaml.Node, path: str) -> Any:
        self._document.lines.setdefault(path, node.start_mark.line + 1)
        match node:
            case yaml.MappingNode(tag=tag) if tag == _MAP_TAG:
                return self._mapping(node, path)
            case yaml.SequenceNode(tag=tag) if tag == _LIST_TAG:
                return [self.of(each, item(path, index)) for index, each in enumerate(node.value)]
            case yaml.ScalarNode():
                return self._scalar(node, path)
            case _:
                return self._unreadable(path, f"tag {node.tag} is not allowed", "remove it")

    def _mapping(self, node: yaml.MappingNode, path: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != _TEXT_TAG:
                self._unreadable(path, "a key is not text", "put the key in quotes")
                continue
            key = key_node.value
            place = child(path, key)
            if key in values:
                lines = f"lines {self._document.lines[place]} and {key_node.start_mark.line + 1}"
                self._unreadable(place, f"given twice, in {lines}", "keep one of them")
                continue
            self._document.lines[place] = key_node.start_mark.line + 1
            values[key] = self.of(value_node, place)
        return values

    def _scalar(self, node: yaml.ScalarNode, path: str) -> Any:
        try:
            return self._loader.construct_object(node)
        except yaml.constructor.ConstructorError:
            return self._unreadable(path, f"tag {node.tag} is not allowed", "remove it")
        except ValueError:
            # Its text may be a secret, so it is not repeated.
            kind = node.tag.rpartition(":")[2]
            return self._unreadable(path, f"is no valid {kind}", "correct it, or put the text in quotes")

    def _unreadable(self, path: str, message: str, remedy: str) -> Unreadable:
        self._document.findings.append(Finding(path, message, remedy))
        return UNREADABLE


def _text(path: Path, absent: str) -> str:
    try:
        with path.open("rb") as stream:
            body = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise _unusable(str(path), "there is no such file", absent) from error
    except IsADirectoryError as error:
        raise _unusable(str(path), f"cannot be read: {error.strerror}", "name the file in it") from error
    except OSError as error:
        raise _unusable(str(path), f"cannot be read: {error.strerror}", "check its permissions") from error
    if len(body) > MAX_BYTES:
        raise _unusable(str(path), f"is larger than {MAX_BYTES:,} bytes", "name the right file")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unusable(str(path), f"is not UTF-8 at byte {error.start}", "save it as UTF-8") from error


def _unusable(file: str, message: str, remedy: str, line: int | None = None) -> ConfigurationError:
    return ConfigurationError([Problem(file=file, line=line, path="", message=message, remedy=remedy)])


def _syntax_error(file: str, error: yaml.MarkedYAMLError) -> ConfigurationError:
    message = " ".join(part for part in (error.context, error.problem) if part)
    line = None if error.problem_mark is None else error.problem_mark.line + 1
    return _unusable(file, message, "correct the YAML there", line)
