"""What of a report is left out of the parse because it was parsed before."""

from __future__ import annotations

import pytest

from scanpool.report.constants import FOLDED
from scanpool.report.folding import Folding
from scanpool.report.prologue import check_prologue
from scanpool.report.reader import ReportReader
from tests.support.reports import compliance, host, item, report, report_text

TEXT = "A stranger learns of what he should not know. " * 4
TEXTS = f"<description>{TEXT}</description>\n<solution>n/a</solution>\n"
ITEM = item(1, "printed", children=TEXTS)

OTHERS = [ITEM.replace("stranger", f"{number:08}") for number in range(10)]


def folded(*blocks: str | bytes, root_at: int = 0) -> list[bytes]:
    """The blocks as they are parsed."""
    folding = Folding()
    folding.begin(root_at)
    return [folding.fold(block.encode() if isinstance(block, str) else block) for block in blocks]


def times(blocks: list[bytes]) -> int:
    """How often something was left out."""
    return b"".join(blocks).count(b"<" + FOLDED.encode())


def test_what_comes_again_is_left_out_and_what_comes_first_is_not() -> None:
    first, second = folded(ITEM, ITEM)
    assert first == ITEM.encode()
    assert TEXT.encode() not in second
    assert b"printed" in second
    assert second.count(b"\n") == first.count(b"\n")


def test_texts_on_another_port_are_the_same() -> None:
    assert times(folded(ITEM, item(1, "printed", children=TEXTS, port=443))) == 1


def test_texts_that_differ_in_a_letter_are_others() -> None:
    assert times(folded(ITEM, ITEM.replace("stranger", "Stranger"))) == 0


def test_what_was_left_out_is_known_by_the_item() -> None:
    tags = ("description", "solution", "plugin_output", "synopsis")
    shown = ITEM.replace("n/a", "synopsis")
    parts = ReportReader().read([report(host("10.0.0.1", shown), host("10.0.0.2", shown))])
    said = [[each.text(tag) for tag in tags] for part in parts for each in part.items()]
    assert said == [[TEXT, "synopsis", "printed", None]] * 2


def test_the_last_column_stays_where_it_was() -> None:
    one_line = item(1, "x", children=f"<description>{'ä€' * 80}</description>")
    first, second = folded(one_line, one_line)
    assert len(second.decode().partition("<plugin_output>")[0]) == len(first.decode().partition("<plugin_output>")[0])


@pytest.mark.parametrize(
    "texts",
    [
        f"<a>{TEXTS}</a>",
        f"<a><plugin_output>x</plugin_output></a>{TEXTS}",
        f"<a b='>'>c</a>{TEXTS}",
        f"<a/>{TEXTS}",
        f"<first_found>2020</first_found>{TEXTS}",
        f"<preference></preference>{TEXTS}",
        f"<cm:compliance-info>x</cm:compliance-info>{TEXTS}",
        f"{TEXTS}<attachment name='a'>b</attachment>",
        f"{TEXTS}<plugin_output a='b'>c</plugin_output>",
        "<risk_factor>High</risk_factor>",
        f"<fname>{'€' * 50}</fname>",
    ],
)
def test_what_is_not_flat_or_not_constant_or_not_worth_it_is_left_in(texts: str) -> None:
    assert times(folded(item(1, children=texts) * 3 + ITEM * 2)) == 1


def test_what_follows_an_item_without_children_is_not_its() -> None:
    empty = '<ReportItem pluginID="1" pluginFamily="General"/>\n'
    assert times(folded(f"{empty}{TEXTS}</ReportItem>" * 3)) == 0


@pytest.mark.parametrize(
    "shown",
    [compliance("FAILED"), item(1, family="Policy Compliance", children=TEXTS), item(1, family=None, children=TEXTS)],
)
def test_compliance_results_are_left_as_they_are(shown: str) -> None:
    assert times(folded(shown * 3 + ITEM * 2)) == 1


@pytest.mark.parametrize(
    "odd",
    [
        f"<!-- {ITEM} -->",
        f"<![CDATA[{ITEM}]]>",
        f"<?pi {ITEM}?>",
        "<a b='<'>",
        '<a b="c>',
        "<ReportItem b='>",
        "<ä/>",
    ],
)
def test_from_what_is_not_plain_on_all_is_left_as_it_is(odd: str) -> None:
    before, after = ITEM * 2, odd + ITEM * 2
    assert times(folded(before + after)) == 1
    assert folded(before, after)[1] == after.encode()


def test_an_output_that_is_not_plain_hides_no_item() -> None:
    hiding = ITEM.replace("printed", f"<![CDATA[........{ITEM}]]>")
    assert times(folded(ITEM, ITEM, hiding)) == 2


def test_what_stands_before_the_root_is_passed_over_once() -> None:
    before = "<!-- -->"
    assert times(folded(before + ITEM * 2, before + ITEM, root_at=len(before))) == 1


def test_a_tag_in_which_a_block_ends_is_there_once() -> None:
    assert b"".join(folded("<Report", "Host name='a'><", "a></a>")) == b"<ReportHost name='a'><a></a>"


def test_a_tag_without_end_is_waited_for_and_not_for_long() -> None:
    begun, end = "<ReportHost name='", "'>"
    assert times(folded(ITEM * 2, begun, "x" * 1000, end, ITEM)) == 2
    assert times(folded(ITEM * 2, begun, "x" * 100_000, end, ITEM)) == 1


def test_wherever_a_block_ends_the_items_around_are_left_out() -> None:
    text = ITEM * 4
    for cut in range(len(text)):
        blocks = folded(text[:cut], text[cut:])
        assert times(blocks) >= 1
        assert blocks[0].count(b"<ReportItem") + blocks[1].count(b"<ReportItem") >= 3


def test_no_more_is_remembered_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanpool.report.constants.KEPT_BYTES", 3 * (len(TEXTS) + 300))
    assert times(folded(*OTHERS[:3] * 3, *OTHERS, *OTHERS)) == 12


def test_where_most_come_once_it_ends_at_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanpool.report.constants.KEPT_BYTES", 3 * (len(TEXTS) + 300))
    assert times(folded(*OTHERS, *OTHERS)) == 0


def test_start_tags_are_forgotten_above_the_bound_and_texts_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanpool.report.constants.HEADS_BYTES", 1000)
    on_ports = [item(1, "printed", children=TEXTS, port=port) for port in range(50)]
    blocks = folded(*on_ports, *on_ports)
    assert times(blocks) == 99
    assert len(set(blocks[50:]) - set(blocks[:50])) == 50


def test_a_start_tag_that_comes_again_is_known() -> None:
    _, *blocks = folded(*[ITEM] * 4)
    assert len(set(blocks)) == 1


def test_texts_that_no_parser_takes_are_not_remembered() -> None:
    assert times(folded(*[ITEM.encode().replace(b"stranger", b"str\xffnger")] * 3)) == 0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("declared", ["", ' encoding="UTF-8"', ' encoding="utf8"'])
def test_it_begins_where_the_root_does(encoding: str, declared: str) -> None:
    head = f'<?xml version="1.0"{declared}?><!-- <NessusClientData_v2> -->'.encode(encoding)
    assert check_prologue(head + report_text().encode(), whole=True, cap=10_000) == len(head)


@pytest.mark.parametrize(
    ("encoding", "declared"), [("utf-16", None), ("utf-16", "UTF-16"), ("latin-1", "ISO-8859-1"), ("ascii", "US-ASCII")]
)
def test_in_another_encoding_than_utf_8_it_does_not_begin(encoding: str, declared: str | None) -> None:
    declaration = f' encoding="{declared}"' if declared else ""
    data = f'<?xml version="1.0"{declaration}?>{report_text()}'.encode(encoding)
    assert check_prologue(data, whole=True, cap=10_000) is None
