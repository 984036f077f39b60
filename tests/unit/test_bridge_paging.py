"""Pages of lists that grow at their head."""

from __future__ import annotations

import pytest

from scanpool.bridge.answering.paging import Key, page, read_cursor
from scanpool.bridge.answering.refusals import Refusal


def key(item: int) -> Key:
    return f"{item:05}", ""


def test_pages_show_each_item_once_though_new_ones_come_meanwhile() -> None:
    items = list(range(25))
    seen: list[int] = []
    cursor = None
    while True:
        shown = page(items, key, 10, cursor)
        seen += shown.items
        items.append(max(items) + 1)
        if (cursor := shown.next_cursor) is None:
            break
    assert seen == list(range(24, -1, -1))


def test_the_last_page_has_no_cursor_and_the_total_counts_all() -> None:
    shown = page(range(10), key, 10, None)
    assert (shown.next_cursor, shown.total) == (None, 10)


@pytest.mark.parametrize("text", ["", "x", "%%%", "e30", "WyJhIl0", "é", "W10="])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="no cursor"):
        read_cursor(text)
