"""What is refused as a report, and what the refusal says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from scanpool.report.errors import (
    DoctypeNotAllowed,
    LimitExceeded,
    Malformed,
    NessusV1Format,
    NotANessusReport,
    ReportError,
    Truncated,
    UnsupportedEncoding,
)
from scanpool.report.held import Held
from scanpool.report.limits import Limits
from scanpool.report.reader import BLOCK, ReportReader
from scanpool.report.validate import validate
from scanpool_schemas.result import AuthenticationStatus
from tests.support.reports import host, item, report, report_text, scan_info

WHOLE = report(host("10.0.0.1", scan_info("no")))
BEFORE, AFTER = report_text("\0").encode().split(b"\0")


def refusal(*pieces: bytes, limits: Limits | None = None) -> ReportError:
    """The error that reading the pieces ends with."""
    with pytest.raises(ReportError) as caught:
        for _ in ReportReader(limits).read(pieces):
            pass
    return caught.value


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "an empty file"),
        (b"  \n ", "white space only"),
        (b"PK\x03\x04\x14\x00", "a ZIP archive"),
        (b"\x1f\x8b\x08\x00", "gzip data"),
        (b"\x28\xb5\x2f\xfd\x00", "zstd data"),
        (b"%PDF-1.7", "a PDF document"),
        (b"<!DOCTYPE html>\n<html><head>", "an HTML page"),
        (b"\n<HTML lang='en'>", "an HTML page"),
        (b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "a" "b"><html/>', "an HTML page"),
        (b"# Results\nPlugin ID: 1", "plain text"),
        (b'"Plugin ID","CVE"\n', "a CSV file"),
        (b'{"error": "unauthorized"}', "JSON"),
        (b"\x00\x01\x02\x03", "binary data"),
        (b"Licence: none\n" + WHOLE, "text before the XML declaration"),
        (b"NessusClientData_v2> Report name=x>", "plain text"),
        (b"<nmaprun/>", "XML whose root element is 'nmaprun'"),
        (b"<NessusClientData_vwrong/>", "XML whose root element is 'NessusClientData_vwrong'"),
        (b'<NessusClientData_v2 xmlns="urn:x"/>', "XML whose root element is 'urn:x NessusClientData_v2'"),
        (b"<NessusClientData_v2_x/>", "XML whose root element is 'NessusClientData_v2_x'"),
    ],
)
def test_what_is_no_report_is_named(data: bytes, found: str) -> None:
    error = refusal(data)
    assert isinstance(error, NotANessusReport)
    assert error.found == found


def test_the_format_of_nessus_4_0_is_named() -> None:
    assert isinstance(refusal(b"<NessusClientData><Report/></NessusClientData>"), NessusV1Format)


@pytest.mark.parametrize(
    "doctype",
    [
        b"<!DOCTYPE x>",
        b'<!DOCTYPE x [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]>',
        b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">',
    ],
)
def test_a_doctype_is_refused_whatever_is_in_it(doctype: bytes) -> None:
    assert isinstance(refusal(b'<?xml version="1.0"?>' + doctype + WHOLE.split(b"\n", 1)[1]), DoctypeNotAllowed)


def test_a_doctype_in_utf_16_is_refused_too() -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x [<!ENTITY a "b">]>' + report_text()
    assert isinstance(refusal(text.encode("utf-16")), DoctypeNotAllowed)


@pytest.mark.parametrize("encoding", ["UTF-7", "EBCDIC-CP-US", "Shift_JIS", "no-such-thing"])
def test_encodings_that_could_hide_markup_are_refused(encoding: str) -> None:
    error = refusal(f'<?xml version="1.0" encoding="{encoding}"?>'.encode() + BEFORE + AFTER)
    assert isinstance(error, UnsupportedEncoding)
    assert error.encoding == encoding


@pytest.mark.parametrize(
    "markup",
    [
        "<ReportItem><a></ReportItem>",
        "<ReportItem>a < b</ReportItem>",
        "<ReportItem>\x01</ReportItem>",
        "<ReportItem>&#1;</ReportItem>",
        "<ReportItem>&undefined;</ReportItem>",
        '<ReportItem port="&undefined;"/>',
        "<ReportItem port='1' port='2'/>",
        "<ReportItem><other:result/></ReportItem>",
        "<ReportItem>]]></ReportItem>",
    ],
)
def test_what_is_not_well_formed_is_refused_with_its_place(markup: str) -> None:
    error = refusal(report(host("10.0.0.1", markup)))
    assert isinstance(error, Malformed)
    assert error.line == 5


def test_bytes_that_are_not_of_the_encoding_are_refused() -> None:
    assert isinstance(refusal(WHOLE.replace(b"Normal", b"N\xffrmal")), Malformed)


def test_an_undefined_entity_cannot_make_a_second_document_of_what_follows() -> None:
    first = (BEFORE + b'<ReportHost name="a">&undefined;').ljust(BLOCK)
    assert isinstance(refusal(first, WHOLE), Malformed)
    assert isinstance(refusal(first), Malformed)


def test_what_follows_the_end_is_refused() -> None:
    assert isinstance(refusal(WHOLE + b"<x/>"), Malformed)
    assert isinstance(refusal(WHOLE, WHOLE), Malformed)


@pytest.mark.parametrize(
    "markup",
    [
        f"<NessusClientData_v2>{host()}</NessusClientData_v2>",
        f"<NessusClientData_v2><Policy>{host()}</Policy></NessusClientData_v2>",
        f"<NessusClientData_v2><a><Report>{host()}</Report></a></NessusClientData_v2>",
        f"<NessusClientData_v2><Report><a>{host()}</a></Report></NessusClientData_v2>",
        report_text(host("10.0.0.1", host("10.0.0.2"))),
        report_text(host("10.0.0.1", item(1, children=host("10.0.0.2")))),
        f"<NessusClientData_v2>{report_text()}</NessusClientData_v2>",
    ],
)
def test_a_host_in_any_other_place_is_refused(markup: str) -> None:
    assert isinstance(refusal(markup.encode()), Malformed)


def test_hosts_in_comments_texts_and_instructions_are_no_hosts() -> None:
    hidden = f"<!-- {host('10.0.0.2')} --><a><![CDATA[{host('10.0.0.3')}]]></a><?pi {host('10.0.0.4')} ?>"
    result = validate([report(host("10.0.0.1", scan_info("no")) + hidden)])
    assert [row.host for row in result.hosts] == ["10.0.0.1"]


@pytest.mark.parametrize(
    ("cut_at", "message"),
    [
        (b"<Report ", "truncated before any host"),
        (b"<ReportItem ", "truncated after host 0 of at least 1"),
        (b"</Report>", "truncated after host 1 of at least 1"),
    ],
)
def test_a_truncated_report_says_how_far_it_goes(cut_at: bytes, message: str) -> None:
    error = refusal(WHOLE[: WHOLE.index(cut_at)])
    assert isinstance(error, Truncated)
    assert str(error) == message


def test_the_host_that_was_cut_is_counted() -> None:
    many = report(*(host(f"10.0.0.{number}", scan_info("no")) for number in range(13)))
    error = refusal(many[: many.rindex(b"Scan duration")])
    assert str(error) == "truncated after host 12 of at least 13"


def test_a_report_that_ends_in_its_prologue_is_truncated() -> None:
    assert isinstance(refusal(b'<?xml version="1.0"?>\n<!-- a'), Truncated)
    assert isinstance(refusal(b"<Nessus"), Truncated)


def endless(before: bytes, filling: bytes) -> Iterator[bytes]:
    """A report that never gets on."""
    yield before
    while True:
        yield filling * (BLOCK // len(filling))


@pytest.mark.parametrize(
    ("before", "filling", "limit"),
    [
        (b'<?xml version="1.0"?>', b" ", "prologue_bytes"),
        (b"<NessusClientData_v2 a='", b"x", "prologue_bytes"),
        (b"<NessusClientData_v2>", b"<junk/>", "item_tags"),
        (b"<NessusClientData_v2>", b"words ", "item_bytes"),
        (b"<NessusClientData_v2><!--", b"words ", "item_bytes"),
        (b"<NessusClientData_v2><?pi ", b"words ", "item_bytes"),
        (b"<NessusClientData_v2><Policy>", b"<junk/>", "item_tags"),
        (b"<NessusClientData_v2><Policy>", b"<preference><name>n</name></preference>", "file_bytes"),
        (BEFORE, b'<ReportHost name="h"/>', "hosts"),
        (BEFORE + b'<ReportHost name="', b"x", "item_bytes"),
        (BEFORE + b"<ReportHost>", b'<ReportItem pluginID="1"/>', "host_bytes"),
        (BEFORE + b"<ReportHost><HostProperties>", b"<tag name='t'>v</tag>", "item_tags"),
        (BEFORE + b"<ReportHost>", b"<HostProperties><tag name='t'>v</tag></HostProperties>", "item_bytes"),
        (BEFORE + b"<ReportHost><ReportItem><plugin_output>", b"x", "item_bytes"),
        (BEFORE + b'<ReportHost><ReportItem port="', b"x", "item_bytes"),
        (BEFORE + b"<ReportHost><ReportItem>", b"<a/>", "item_tags"),
        (BEFORE + b"<ReportHost><ReportItem><a ", b"b='' ", "item_tags"),
        (BEFORE + b"<ReportHost><ReportItem><a ", b"b= \n'' ", "item_tags"),
        (BEFORE + b"<ReportHost><ReportItem>", b"<item/><preference/>", "item_tags"),
        (BEFORE + b"<ReportHost><ReportItem>", b"<a>", "depth"),
    ],
)
def test_whatever_never_ends_meets_a_limit(before: bytes, filling: bytes, limit: str) -> None:
    mib = 1024 * 1024
    limits = Limits(file_bytes=6 * mib, host_bytes=4 * mib, item_bytes=2 * mib, hosts=1000)
    with pytest.raises(LimitExceeded) as caught:
        for _ in ReportReader(limits).read(endless(before, filling)):
            pass
    assert caught.value.which == limit


@pytest.mark.parametrize(("levels", "is_read"), [(32, True), (33, False), (200_000, False)])
def test_elements_may_be_nested_as_deep_as_the_limit(levels: int, is_read: bool) -> None:
    nested = levels - 4
    data = report(host("10.0.0.1", item(1, children="<a>" * nested + "</a>" * nested)))
    result = validate([data])
    assert (result.error is None) is is_read
    assert result.error is None or result.error.code == "report_limit"


@pytest.mark.parametrize(
    ("within", "above"),
    [("<Policy>{}</Policy>", 2), ('<Report name="r">{}</Report>', 2), ("<Policy>{}</Policy><Report/>", 2), ("{}", 1)],
)
@pytest.mark.parametrize("inner", ["", "<item/>", "<item/><preference/><item/>"])
def test_outside_of_hosts_elements_may_be_nested_as_deep(within: str, above: int, inner: str) -> None:
    for levels, is_read in ((32, True), (33, False), (2_000, False)):
        nested = levels - above - bool(inner)
        content = within.format("<a>" * nested + inner + "</a>" * nested)
        result = validate([f"<NessusClientData_v2>{content}</NessusClientData_v2>".encode()])
        assert (result.error is None or result.error.code != "report_limit") is is_read, levels


def test_a_deep_policy_is_refused_before_it_costs_time() -> None:
    deep = "<a>" * 2_000 + "<item/>" * 100_000
    began = time.process_time()
    result = validate([f"<NessusClientData_v2><Policy>{deep}".encode()])
    assert (result.error.code if result.error else None) == "report_limit"
    assert time.process_time() - began < 5


def test_attributes_are_counted_in_utf_16_too() -> None:
    held = Held(replace(Limits(), item_tags=1_000))
    held.add(b"x" * 600_000, "here")
    with pytest.raises(LimitExceeded):
        held.add("a= '' ".encode("utf-16-le") * 1_001, "here")


def test_a_limit_that_is_just_met_is_not_exceeded() -> None:
    assert refusal(WHOLE, limits=replace(Limits(), file_bytes=len(WHOLE) - 1)).code == "report_limit"
    assert validate([WHOLE], limits=replace(Limits(), file_bytes=len(WHOLE))).error is None


def test_a_refused_report_is_a_result_that_is_not_valid() -> None:
    result = validate([b"PK\x03\x04", b"more"])
    assert (result.valid, result.authentication_status) == (False, AuthenticationStatus.UNKNOWN)
    assert result.error is not None
    assert (result.error.code, result.reason) == ("report_not_nessus", "report_not_nessus")
    assert result.error.message == "not a Nessus report: a ZIP archive"
    assert result.hosts == ()


def test_an_error_of_the_source_is_not_the_reports() -> None:
    def broken() -> Iterator[bytes]:
        yield WHOLE[:10]
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        validate(broken())


def test_every_refusal_has_a_code_of_its_own_and_a_remedy() -> None:
    kinds = ReportError.__subclasses__()
    assert len({kind.code for kind in kinds}) == len(kinds) == 7
    assert all(kind.remedy for kind in kinds)


@pytest.mark.parametrize("plugin", [19506, 104410, 21745, 117887, 141118, 12634, 10180])
@pytest.mark.parametrize(
    "unit",
    [
        " ",
        "\n",
        "-",
        "User : ",
        "User : x ",
        "Message : \n",
        "Credentialed checks :",
        "as 'u' via ",
        "\\",
        "@",
        "x@",
        "'",
    ],
)
def test_no_output_however_repetitive_takes_long(plugin: int, unit: str) -> None:
    # A pattern that backtracks would take hours for these.
    output = "Credentialed checks : yes, as '" + unit * (300_000 // len(unit)) + "!"
    begin = time.process_time()
    assert validate([report(host("10.0.0.1", item(plugin, output)))]).error is None
    assert time.process_time() - begin < 5
