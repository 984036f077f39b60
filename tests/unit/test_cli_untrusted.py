"""What others wrote does nothing to a terminal."""

from __future__ import annotations

import json

import pytest

from scanpool.cli.frame.untrusted import clean, clean_lines, safe_json, shown


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b2Jcleared", "cleared"),
        ("\x1b]0;title\x07text", "]0;titletext"),
        ("\x1b\x1b[31m[2Jnested", "[2Jnested"),
        ("back\b\bspace\x7f", "backspace"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("tag\U000e0041ged", "tagged"),
        ("half\ud800", "half"),
        ("two\nlines\r\n\tmore", "two lines more"),
        ("line\u2028separator", "line separator"),
        ("Grüße, 世界, é́", "Grüße, 世界, é́"),
    ],
)
def test_what_a_terminal_obeys_or_what_hides_text_is_taken_out(hostile: str, harmless: str) -> None:
    assert clean(hostile) == harmless


def test_several_lines_stay_several_lines() -> None:
    assert clean_lines("one\x1b[2J\ntwo\rthree") == "one\ntwo three"


def test_markup_is_text() -> None:
    assert shown("[bold red]alert[/] :smile:").plain == "[bold red]alert[/] :smile:"
    assert shown("[bold red]alert[/]").spans == []


def test_json_says_the_same_with_nothing_that_a_terminal_obeys() -> None:
    document = json.dumps({"name": "a\x9b31m\u202eb\U000e0041\x7fé"}, ensure_ascii=False)
    safe = safe_json(document)
    assert json.loads(safe) == json.loads(document)
    assert safe == '{"name": "a\\u009b31m\\u202eb\\udb40\\udc41\\u007fé"}'
