"""Findings as marks: a byte for each of some neighbours, 1 for those that are meant, else 0. No I/O."""

from __future__ import annotations

from collections.abc import Iterable

from scanpool.report.findings.spans import Spans

MARK = b"\1"


def of_spans(spans: Spans, first: int, last: int) -> bytes:
    """Of the ranks from the first to the last those in the spans."""
    marks = bytearray(last - first + 1)
    for begin, end in spans.after(first - 1):
        if begin > last:
            break
        length = min(end, last) - begin + 1
        marks[begin - first : begin - first + length] = MARK * length
    return bytes(marks)


def of_codes(codes: bytes, wanted: Iterable[int]) -> bytes:
    """Those whose byte is one of the wanted ones."""
    table = bytearray(256)
    for code in wanted:
        table[code] = 1
    return codes.translate(table)


def both(some: bytes, others: bytes) -> bytes:
    """Those marked in both, which are of one length."""
    if 0 not in some or 1 not in others:
        return others
    marks = int.from_bytes(some, "little") & int.from_bytes(others, "little")
    return marks.to_bytes(len(some), "little")


def either(some: bytes, others: bytes) -> bytes:
    """Those marked in one or both, which are of one length."""
    if 1 not in others:
        return some
    marks = int.from_bytes(some, "little") | int.from_bytes(others, "little")
    return marks.to_bytes(len(some), "little")
