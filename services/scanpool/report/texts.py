"""Texts of a report made fit to keep and to show: bounded, and without what steers a terminal."""

from __future__ import annotations


def clip(text: str, length: int) -> str:
    """One line of at most `length` printable characters; runs of anything else become one space."""
    if len(text) <= length and text.isprintable() and "  " not in text and text == text.strip():
        return text
    # Twice the length is enough to look at, but for a text that is mostly blank.
    shown = " ".join("".join(c if c.isprintable() else " " for c in text[: 2 * length]).split())
    return shown if len(shown) <= length else shown[: length - 1] + "…"


def head_and_tail(text: str, length: int) -> str:
    """The text, or if it is longer than `length` its head and tail with the cut counted between them."""
    if len(text) <= length:
        return text
    half = length // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters cut]\n{text[len(text) - half :]}"
