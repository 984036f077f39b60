"""Files of findings made of small reports, and opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scanpool.report.findings.store import Store
from scanpool.report.findings.writing.writer import FindingsWriter
from scanpool.report.validate import validate
from tests.support.reports import item, report


def findings_file(folder: Path, *hosts: str, name: str = "findings.sqlite", scan: str = "s1") -> Path:
    """The file of a report of these hosts."""
    with FindingsWriter(folder) as writer:
        result = validate([report(*hosts)], listener=writer)
        assert result.error is None, result.error
        writer.write(folder / name, {"scan": {"id": scan}})
    return folder / name


@contextmanager
def store_of(folder: Path, *hosts: str) -> Iterator[Store]:
    """The file of a report of these hosts, opened."""
    with Store(findings_file(folder, *hosts)) as store:
        yield store


def vulnerability(plugin_id: int, output: str | None = None, *, severity: int = 3, port: int = 0, **facts: Any) -> str:
    """An item whose plugin has these elements; a list is an element several times."""
    family = facts.pop("family", "General")
    texts = [(name, text) for name, value in facts.items() for text in (value if isinstance(value, list) else [value])]
    children = "".join(f"<{name}>{text}</{name}>" for name, text in texts)
    return item(plugin_id, output, severity=severity, port=port, family=family, children=children)


def check(name: str, result: str, **elements: str) -> str:
    """One compliance result; elements by the part of their names after `compliance-`, with `_` for `-`."""
    texts = {"check-name": name, "result": result, **{key.replace("_", "-"): text for key, text in elements.items()}}
    children = "".join(f"<cm:compliance-{key}>{text}</cm:compliance-{key}>" for key, text in texts.items())
    return item(21157, severity=3, family="Policy Compliance", children=children)
