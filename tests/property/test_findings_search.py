"""A text is found in exactly the outputs in which it stands, wherever its numbers and lines are cut."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from scanpool.report.findings.filters import Filters, folded
from scanpool.report.findings.query import every_finding
from scanpool.report.findings.searching import templates
from scanpool.report.findings.searching.chunk import Chunk, Needle
from scanpool.report.findings.searching.templates import Encoded, Lines
from scanpool.report.findings.store import Store
from tests.support.findings import findings_file
from tests.support.reports import host, item

# Few and alike, so that a text stands in some outputs and nearly in others.
_pieces = st.sampled_from(["1", "12", "2", "1.2", "a", "A", "ab", " ", ".", "Ä", "ä", "版", "٣", "\n", "\n\n", "\t"])
_lines = st.sampled_from(["1", "2", "11", "12", "21", "a1", "a2", "1.1", "1.2", "2.1", "1a", "2A", "a"])
_printed = st.one_of(st.lists(_pieces, max_size=12).map("".join), st.lists(_lines, max_size=6).map("\n".join))
_outputs = st.lists(st.one_of(st.none(), _printed), min_size=1, max_size=8)


def found_in(encoded: Encoded, count: int, text: str) -> list[bool]:
    marks = bytearray(count)
    chunk = Chunk(partial(getattr, encoded))
    chunk.mark(Needle(folded(text).encode()), marks)
    return [bool(mark) for mark in marks]


def stands_in(outputs: Sequence[str | None], text: str) -> list[bool]:
    return [folded(text) in folded(output or "") for output in outputs]


@given(_outputs, _pieces, _printed, st.sampled_from([templates.LARGE_OUTPUT, 4]), st.sampled_from([0, 3, 100]))
@example(["version 1.50", "version 1.5", "version 11.50"], "1", ".5", 1 << 16, 100)
@settings(max_examples=300)
def test_a_text_of_one_line_is_found_where_it_stands(
    outputs: Sequence[str | None], begin: str, rest: str, large: int, most_lines: int
) -> None:
    text = (begin + rest).replace("\n", "") or "1"
    lines = Lines(large_output=large, most_lines=most_lines)
    for output in outputs:
        lines.add(output)
    assert found_in(lines.encoded(), len(outputs), text) == stands_in(outputs, text)


@given(st.lists(st.lists(_lines, max_size=6), min_size=1, max_size=8), _lines)
@example([["port 22", "port 443"], [], ["port 5"]], "443")
@settings(max_examples=300)
def test_lines_that_differ_by_their_numbers_only_are_told_apart(outputs: Sequence[Sequence[str]], text: str) -> None:
    printed = ["\n".join(lines) for lines in outputs]
    gathered = Lines()
    for output in printed:
        gathered.add(output)
    assert found_in(gathered.encoded(), len(printed), text) == stands_in(printed, text)


@given(_outputs, st.data())
@settings(max_examples=300)
def test_every_piece_of_an_output_is_found_in_it(outputs: Sequence[str | None], data: st.DataObject) -> None:
    lines = [line for output in outputs for line in (output or "").split("\n") if line]
    line = data.draw(st.sampled_from(lines or ["nothing"]))
    begin = data.draw(st.integers(0, len(line) - 1))
    text = line[begin : data.draw(st.integers(begin + 1, len(line)))]
    gathered = Lines()
    for output in outputs:
        gathered.add(output)
    assert found_in(gathered.encoded(), len(outputs), text) == stands_in(outputs, text)


@given(_outputs, st.lists(_printed.filter(bool), min_size=1, max_size=2))
@settings(max_examples=60)
def test_a_file_is_searched_as_its_outputs_are_read(outputs: Sequence[str | None], texts: Sequence[str]) -> None:
    made = [item(plugin, output) for plugin, output in enumerate(outputs, start=1)]
    with tempfile.TemporaryDirectory() as folder, Store(findings_file(Path(folder), host("a", *made))) as store:
        kept = [row["plugin_output"] for row in every_finding(store, fields=["plugin_output"])]
        found = [row["rank"] for row in every_finding(store, Filters(output=tuple(texts)), fields=["rank"])]
    assert found == [
        rank for rank, output in enumerate(kept, start=1) if all(folded(text) in folded(output or "") for text in texts)
    ]
