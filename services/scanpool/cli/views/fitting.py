"""Tables on terminals of any width: in columns where there is room for their words, else row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

_BETWEEN_COLUMNS = 3
_KEPT_WHOLE = 20
"""A column that is no wider is never broken; one that is wider keeps this much."""
_LONGEST_WORD = 32
"""Longer words, as digests and addresses, are broken where the column is narrow."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """The room that a column needs."""

    least: int
    """Below it words would be broken."""
    most: int
    """With it nothing is."""


class FittingTable(Table):
    """A table whose columns share the terminal; where they cannot, each row is told as names and values."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.max_width - _BETWEEN_COLUMNS * (len(self.columns) - 1)
        widths = shared([_need(column) for column in self.columns], room)
        if widths is None:
            yield from self._row_by_row(options.max_width)
            return
        for column, width in zip(self.columns, widths, strict=True):
            column.width = width
        yield from super().__rich_console__(console, options)

    def _row_by_row(self, width: int) -> Iterator[Padding]:
        names = [str(column.header) for column in self.columns]
        for row in zip(*(_cells(column) for column in self.columns), strict=True):
            pairs = [_pair(name, cell) for name, cell in zip(names, row, strict=True) if cell.plain]
            for place, line in enumerate(_lines(pairs, width)):
                yield Padding(line, (0, 0, 0, 2 if place else 0))


def shared(needs: Sequence[Need], room: int) -> list[int] | None:
    """The width of each column: the widest give way first, none below its least; None where the room is too small."""
    widths = [need.most for need in needs]
    while sum(widths) > room:
        giving = [place for place, need in enumerate(needs) if widths[place] > need.least]
        if not giving:
            return None
        widths[max(giving, key=widths.__getitem__)] -= 1
    return widths


def _need(column: Column) -> Need:
    texts = [Text(str(column.header)), *_cells(column)]
    most = max(line.cell_len for text in texts for line in text.split("\n", allow_blank=True))
    if column.no_wrap:
        return Need(least=most, most=most)
    longest = max((Text(word).cell_len for text in texts for word in text.plain.split()), default=0)
    return Need(least=min(most, max(_KEPT_WHOLE, min(longest, _LONGEST_WORD))), most=most)


def _cells(column: Column) -> Iterator[Text]:
    return (cell if isinstance(cell, Text) else Text(str(cell)) for cell in column.cells)


def _pair(name: str, cell: Text) -> Text:
    return Text.assemble((f"{name} " if name else "", "dim"), cell)


def _lines(pairs: Iterable[Text], width: int) -> Iterator[Text]:
    """The pairs, as many on a line as there is room for behind the indentation."""
    line = Text()
    for pair in pairs:
        if line and line.cell_len + 2 + pair.cell_len > width - 2:
            yield line
            line = Text()
        line = Text.assemble(line, "  " if line else "", pair)
    yield line
