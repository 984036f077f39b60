"""What is long in one item or host is cut before it takes memory, with every cut counted; what is usual stays whole."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from scanpool.report.errors import LimitExceeded
from scanpool.report.findings.elements import facts_of
from scanpool.report.limits import ATTACHMENT_CHARS, KIB, MIB, TAG_CHARS, Limits
from scanpool.report.reader import ReportReader
from scanpool.report.texts import Room, head_and_tail
from scanpool.report.validate import validate
from tests.support.reports import host, item, report
from tests.unit.test_findings_writer import facts, written

ASTRAL = "\N{MUSICAL SYMBOL G CLEF}"
CUT = re.compile(r"\n\[(\d+) characters cut\]\n")


def whole_length(text: str) -> int:
    """How long the text was before it was cut."""
    return len(CUT.sub("", text)) + sum(map(int, CUT.findall(text)))


def plugin_facts(folder: Path, children: str) -> Mapping[str, list[str]]:
    file = written(folder, host("a", item(7, children=children)))
    ((data,),) = file.rows("SELECT facts FROM plugins")
    found: dict[str, list[str]] = facts(data)
    return found


def test_texts_of_one_item_have_room_beside_each_other_and_their_cuts_are_counted(tmp_path: Path) -> None:
    texts = [letter * 1_000_000 for letter in "abcdefgh"]
    children = "".join(f"<e{n}>{text}</e{n}>" for n, text in enumerate(texts)) + "<cve>CVE-2020-1</cve>"
    found = plugin_facts(tmp_path, children)
    assert [whole_length(found[f"e{n}"][0]) for n in range(8)] == [1_000_000] * 8
    assert [found[f"e{n}"][0] for n in range(5)] == texts[:5]
    assert sum(len(text) for (text,) in found.values()) < Limits().kept_bytes
    assert found["cve"] == ["CVE-2020-1"]


def test_a_text_of_wide_characters_has_a_quarter_of_the_room(tmp_path: Path) -> None:
    children = "".join(f"<e{n}>{ASTRAL}{'x' * 1_000_000}</e{n}>" for n in range(4))
    found = plugin_facts(tmp_path, children)
    assert [whole_length(found[f"e{n}"][0]) for n in range(4)] == [1_000_001] * 4
    assert sum(len(text) for (text,) in found.values()) < Limits().kept_bytes // 4 + KIB


@pytest.mark.parametrize("first", ["x", ASTRAL])
@pytest.mark.parametrize("length", [MIB, MIB + 1, 3_000_001])
def test_one_long_output_is_cut_as_any_text(first: str, length: int) -> None:
    output = first + "m" * (length - 1001) + "t" * 1000
    parts = ReportReader().read([report(host("a", item(7, output)))])
    assert [each.output for part in parts for each in part.items()] == [head_and_tail(output, MIB)]


def test_of_each_attachment_head_and_tail_are_kept_however_many_are_large(tmp_path: Path) -> None:
    children = f'<attachment name="a" type="b">{"YWJj" * 262_144}</attachment>' * 14
    file = written(tmp_path, host("a", item(7, children=children)))
    ((data,),) = file.rows("SELECT data FROM extras")
    contents = [json.loads(text)["content"] for text in facts(data)["attachment"]]
    assert contents == [head_and_tail("YWJj" * 262_144, ATTACHMENT_CHARS)] * 14


@pytest.mark.parametrize("between", ["", "</HostProperties><HostProperties>"])
def test_properties_of_a_host_have_room_beside_each_other(between: str) -> None:
    long = ASTRAL + "x" * 900_000
    tags = between.join(f'<tag name="t{n}">{long}</tag>' for n in range(6)) + '<tag name="os">Linux</tag>'
    found: dict[str, str] = {}
    markup = f'<ReportHost name="h"><HostProperties>{tags}</HostProperties></ReportHost>'
    for part in ReportReader().read([report(markup)]):
        found = dict(part.tags)
    assert [whole_length(found[f"t{n}"]) for n in range(6)] == [900_001] * 6
    assert sum(map(len, found.values())) < Limits().kept_bytes // 4 + KIB
    assert found["os"] == "Linux"


@pytest.mark.parametrize(
    "markup",
    [
        '<ReportHost name="{}"/>',
        '<ReportHost name="h"><ReportItem pluginName="{}"/></ReportHost>',
        '<ReportHost name="h"><HostProperties><tag name="{}">v</tag></HostProperties></ReportHost>',
        '<ReportHost name="h"><ReportItem><a{}/></ReportItem></ReportHost>',
        '<ReportHost name="h"><ReportItem xmlns:n="{}"><n:a/></ReportItem></ReportHost>',
        '<ReportHost name="h" xmlns:n="{}"><n:a/></ReportHost>',
    ],
)
def test_an_attribute_a_name_or_a_namespace_beyond_all_measure_is_refused(markup: str) -> None:
    with pytest.raises(LimitExceeded) as caught:
        for _ in ReportReader().read([report(markup.format("x" * (TAG_CHARS + 1)))]):
            pass
    assert caught.value.which == "tag_chars"


def test_names_that_only_together_are_too_long_are_refused_where_they_would_be_kept(tmp_path: Path) -> None:
    markup = host("a", item(7, children=f'<x:a xmlns:x="{"n" * 300_000}"/>' * 4))
    assert validate([report(markup)]).error is None
    refused = written(tmp_path, markup).result
    assert refused.error is not None
    assert "tag_chars" in refused.error.message


def test_lists_beyond_what_is_taken_apart_stay_one_text_each() -> None:
    usual, endless = "http://a\nhttp://b", "ab\n" * 100_000
    found = facts_of(["see_also", usual, "see_also", endless, "cpe", endless, "cpe", usual], MIB)
    assert found == {"see_also": ["http://a", "http://b", endless], "cpe": [endless, "http://a", "http://b"]}


@pytest.mark.parametrize("length", [20, 21, 1000])
def test_a_text_that_was_cut_is_not_cut_again(length: int) -> None:
    cut = head_and_tail("x" * 5000, length)
    assert CUT.findall(cut) == [str(5000 - length // 2 * 2)]
    assert head_and_tail(cut, length) == cut
    assert Room(10_000).fit(cut) is cut


@pytest.mark.parametrize("length", [10, 100, 998, 999])
def test_what_was_cut_stays_counted_where_the_text_is_cut_further(length: int) -> None:
    further = head_and_tail(head_and_tail("x" * 5000, 1000), length)
    assert CUT.findall(further) == [str(5000 - length // 2 * 2)]
    assert whole_length(further) == 5000


def test_where_no_room_is_left_short_texts_are_whole_nevertheless() -> None:
    room = Room(0)
    assert [room.fit("x" * 64), whole_length(room.fit("x" * 1000))] == ["x" * 64, 1000]
