"""A report of which texts that come again are left out of the parse is read exactly as if they were not."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanpool.report.findings.writing.writer import FindingsWriter
from scanpool.report.folding import Folding
from scanpool.report.validate import validate
from scanpool_schemas.result import Result
from tests.fuzz.mutation import TOKENS, mutated
from tests.support.reports import compliance, host, item, policy, preference, report, scan_info

SENTENCE = "A stranger learns of it, > and of 'this' and \"that\"; ]] > & so on.".replace("&", "&amp;")
ELEMENTS = [
    f"<description>{SENTENCE * 2}</description>",
    f"<description>{SENTENCE}\n\n{SENTENCE}</description>\n<solution>n/a</solution>\n",
    f"<synopsis>{SENTENCE}</synopsis>\r\n  <see_also>http://a\nhttp://b</see_also>\r\n",
    f"<solution>{'ä€𝄞' * 50}</solution>",
    f"<fname>a.nasl</fname><cve>CVE-2020-1</cve><cve>CVE-2021-1</cve><cvss_base_score>5.0</cvss_base_score>{' ' * 99}",
    f"<synopsis>&lt;b&gt;&#228;&#x41;\r{SENTENCE * 2}</synopsis>\t",
    f'<description>"1.1 a check" : [PASSED]\n{SENTENCE * 2}</description>\n',
    f"<risk_factor>High</risk_factor><xref>{SENTENCE * 2}</xref>",
]
"""Constant elements, each long enough to be left out."""
ODD = [
    "<a><plugin_output>nested</plugin_output></a>",
    "<a><a>b</a></a>",
    "<a b='>'>c</a>",
    "<a/>",
    "<a />",
    "<a\n>b</a >",
    "text",
    "/>",
    "<item></item><preference></preference>",
    "<first_found>2020</first_found>",
    "<attachment name='a' type='b'>c</attachment>",
    "<cm:compliance-result>PASSED</cm:compliance-result>",
    "<x xmlns='urn:x'><y/></x>",
    "<ReportItem pluginID='1' pluginFamily='General'><a>b</a></ReportItem>",
    f"<!-- {ELEMENTS[0]} -->",
    f"<![CDATA[{item(1, 'x', children=ELEMENTS[0])}]]>",
    f"<!--{item(1, 'x', children=ELEMENTS[1])}-->",
    f"<?pi {item(1, 'x', children=ELEMENTS[0])}?>",
    "<![CDATA[</ReportItem>]]>",
]
BAD = [
    "<a>&undefined;</a>",
    "<a>\x01</a>",
    "<a>]]></a>",
    "<a>b</c>",
    "<a b='<'>c</a>",
    '<a b=">c</a>',
    "<o:a>b</o:a>",
    "<a>",
    "</a>",
    "<ReportHost name='x'>",
    "</ReportHost>",
    "<Report>",
    "<",
]
"""No report has these; it is refused, and where is told."""
OUTPUTS = [
    "",
    "<plugin_output>printed</plugin_output>",
    "<plugin_output>one</plugin_output><plugin_output>two</plugin_output>",
    "<plugin_output/>",
    "<plugin_output a='b'>c</plugin_output>\n",
    "\n<plugin_output><![CDATA[<ReportItem ]]></plugin_output>\n",
    "<plugin_output><a>b</a></plugin_output>",
    f"<plugin_output><![CDATA[{item(1, 'x', children=ELEMENTS[0])}]]></plugin_output>",
]
HEADS = [
    'port="0" svc_name="general" protocol="tcp" severity="1" pluginID="1" pluginName="one" pluginFamily="General"',
    'port="443" svc_name="www" protocol="tcp" severity="1" pluginID="1" pluginName="one" pluginFamily="General"',
    "port='22'  severity='2' pluginID='2' pluginName='a > b \"c\"' pluginFamily='General' ",
    'pluginID="3" pluginName="t&#119;o" pluginFamily="Misc."',
    'pluginID="3" severity="1" pluginFamily="Policy Compliance"',
    'pluginID="3"',
    'pluginID="3" severity="1" pluginFamily="Policy Compli&#97;nce"',
    'pluginID="3" severity="1" pluginFamily=""',
    'xmlns="urn:x" pluginID="1" pluginFamily="General"',
]


def usually(values: Sequence[str], rarely: Sequence[str]) -> st.SearchStrategy[str]:
    return st.integers(0, 15).flatmap(lambda n: st.sampled_from(rarely if n == 0 else values))


@st.composite
def items(draw: st.DrawFn) -> str:
    """An item, mostly of elements that others have too."""
    elements = [*draw(st.lists(st.sampled_from(ELEMENTS), min_size=1, max_size=2))]
    if draw(st.integers(0, 9)) == 0:
        elements.insert(draw(st.integers(0, 2)), draw(usually(ODD, BAD)))
    output = draw(usually(OUTPUTS[:2], OUTPUTS))
    space, between = draw(st.sampled_from([("", "\n"), ("", "\n"), ("\n", ""), ("\r\n  ", " ")]))
    head = draw(usually(HEADS[:3], HEADS))
    return f"<ReportItem {head}>{space}{''.join(elements)}{output}</ReportItem>{between}"


OTHERS = [scan_info("yes, as 'a' via ssh"), compliance("FAILED"), item(1, "x"), "<ReportItem a='b'/>\n"]


@st.composite
def reports(draw: st.DrawFn) -> bytes:
    """A report in which items come again, and sometimes anything between them."""
    some = draw(st.lists(items(), min_size=1, max_size=4))
    longer = [each.replace("</ReportItem>", f"{ELEMENTS[-1]}</ReportItem>") for each in some]
    again = st.sampled_from([*some, *some, *longer, *OTHERS])
    hosts = draw(st.lists(st.lists(again, max_size=6), min_size=1, max_size=5))
    shown = [host(f"10.0.0.{number}", *its) for number, its in enumerate(hosts)]
    if draw(st.integers(0, 7)) == 0:
        shown.insert(draw(st.integers(0, len(shown))), draw(usually(ODD, BAD)))
    whole = report(*shown, policy=policy(preference("TARGET", "10.0.0.0/29")))
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + whole


BOUNDS = {
    "block": "reader.BLOCK",
    "kept_bytes": "constants.KEPT_BYTES",
    "heads_bytes": "constants.HEADS_BYTES",
    "kept": "findings.writing.harvest.KEPT_IN_MEMORY",
}


@contextmanager
def bounds(**values: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setattr(f"scanpool.report.{BOUNDS[name]}", value)
        yield


@contextmanager
def no_folding() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Folding, "begin", lambda *_: None)
        yield


def read(data: bytes) -> tuple[Result, bytes]:
    """The result, and the file of findings; empty where the report is refused."""
    with tempfile.TemporaryDirectory() as folder, FindingsWriter(Path(folder)) as writer:
        file = Path(folder) / "findings.sqlite"
        result = validate([data], listener=writer)
        if result.error is None:
            writer.write(file, {})
        return result, file.read_bytes() if file.exists() else b""


def assert_read_the_same(data: bytes, block: int) -> None:
    with bounds(block=block):
        folded = read(data)
        with no_folding():
            assert folded == read(data)


blocks = st.one_of(st.integers(150, 3000), st.just(1 << 18))


@settings(max_examples=150, deadline=None)
@given(reports(), blocks)
def test_result_and_findings_are_the_same(data: bytes, block: int) -> None:
    assert_read_the_same(data, block)


@settings(max_examples=100, deadline=None)
@given(reports(), blocks, st.data())
def test_a_report_that_ends_anywhere_is_refused_in_the_same_words(data: bytes, block: int, more: st.DataObject) -> None:
    assert_read_the_same(data[: more.draw(st.integers(0, len(data)))], block)


@settings(max_examples=150, deadline=None)
@given(reports(), blocks, st.randoms(use_true_random=False))
def test_a_report_that_was_spoilt_is_refused_in_the_same_words(data: bytes, block: int, chance: random.Random) -> None:
    assert_read_the_same(mutated(chance, [data]), block)


@settings(max_examples=150, deadline=None)
@given(reports(), blocks, st.sampled_from(TOKENS), st.data())
def test_whatever_stands_anywhere_it_is_read_the_same(
    data: bytes, block: int, token: bytes, more: st.DataObject
) -> None:
    at = more.draw(st.integers(0, len(data)))
    assert_read_the_same(data[:at] + token + data[at:], block)


@settings(max_examples=100, deadline=None)
@given(reports(), blocks, st.integers(0, 2000), st.integers(0, 2000), st.integers(1, 4))
def test_however_little_is_remembered_it_is_read_the_same(
    data: bytes, block: int, kept_bytes: int, heads_bytes: int, kept: int
) -> None:
    with bounds(kept_bytes=kept_bytes, heads_bytes=heads_bytes, kept=kept):
        assert_read_the_same(data, block)


@pytest.mark.parametrize("kept", [2, 3, 5])
def test_plugins_that_were_forgotten_get_the_same_numbers(kept: int) -> None:
    five = [item(number, children=ELEMENTS[number]) for number in range(5)]
    data = report(*(host(f"10.0.0.{number}", *five[number % 3 :], *five[:number]) for number in range(9)))
    with bounds(kept=kept):
        assert_read_the_same(data, 1000)
