"""Findings as a Parquet file, for DuckDB, pandas, Spark and the like. Needs pyarrow: the extra `parquet`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from scanpool.report.findings.choosing import AnyFilters
from scanpool.report.findings.filters import Filters
from scanpool.report.findings.jsonlines import line
from scanpool.report.findings.profiles import Field, Fields, compliance_fields, finding_fields
from scanpool.report.findings.query import every_finding, every_result
from scanpool.report.findings.store import Store

MODULE = "pyarrow"
ROWS = 4096
"""Of a row group, at most."""
CHARS = 8 << 20
"""Of the texts of a row group, about."""
_WHOLE_NUMBERS = frozenset({"rank", "plugin_id", "severity", "port"})


def write(store: Store, filters: AnyFilters, destination: Path, fields: str | Sequence[str] = "full") -> None:
    """Write what the filters leave to the file; lists of texts stay lists, objects are JSON texts.

    Raises:
        ModuleNotFoundError: pyarrow is not installed.
        UnknownField: there is no such field.
        NotAFindingsFile: the store's file is damaged.
        OSError: the file cannot be written.
    """
    arrow, parquet = import_module(MODULE), import_module(f"{MODULE}.parquet")
    shown, rows = _chosen(store, filters, fields)
    kinds = {field.name: column_type(field) for field in shown.chosen}
    schema = arrow.schema([arrow.field(name, _types(arrow)[kind]) for name, kind in kinds.items()])
    with parquet.ParquetWriter(destination, schema, compression="zstd") as writer:
        for batch in _batches(_columns(row, kinds) for row in rows):
            writer.write_table(arrow.Table.from_pylist(batch, schema=schema))


def column_type(field: Field) -> str:
    """`text`, `texts`, `flag`, `whole`, `number`, or `json` of what Parquet has no simple type for."""
    kind = field.kind
    if kind.startswith("number"):
        return "whole" if field.name in _WHOLE_NUMBERS else "number"
    if kind.startswith("true or false"):
        return "flag"
    if kind.startswith("list of texts"):
        return "texts"
    return "text" if kind.startswith("text") else "json"


def _chosen(store: Store, filters: AnyFilters, fields: str | Sequence[str]) -> tuple[Fields, Iterator[dict[str, Any]]]:
    if isinstance(filters, Filters):
        return finding_fields(fields), every_finding(store, filters, fields)
    return compliance_fields(fields), every_result(store, filters, fields)


def _types(arrow: Any) -> Mapping[str, Any]:
    text = arrow.string()
    return {
        "text": text,
        "texts": arrow.list_(text),
        "flag": arrow.bool_(),
        "whole": arrow.int64(),
        "number": arrow.float64(),
        "json": text,
    }


def _columns(row: Mapping[str, Any], kinds: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: line(row[name]).decode().rstrip("\n") if kind == "json" else row[name] for name, kind in kinds.items()
    }


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    chars = 0
    for row in rows:
        batch.append(row)
        chars += sum(len(value) for value in row.values() if isinstance(value, str))
        if len(batch) >= ROWS or chars >= CHARS:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch
