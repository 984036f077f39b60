"""The stream of hosts and items that a report is read as."""

from __future__ import annotations

import hashlib

import pytest

from scanpool.report.host import Severity
from scanpool.report.limits import Limits
from scanpool.report.reader import BLOCK, ReportReader
from tests.support.reports import (
    compliance,
    host,
    item,
    large_report,
    plugin_setting,
    policy,
    preference,
    report,
    report_text,
    scan_info,
)


def test_hosts_come_in_order_with_their_tags_and_items() -> None:
    data = report(host("a.example.com", item(1), item(2), address="10.0.0.1"), host("10.0.0.2"))
    seen = [
        (part.name, part.tags["host-ip"], [each.plugin_id for each in part.items()])
        for part in ReportReader().read([data])
    ]
    assert seen == [("a.example.com", "10.0.0.1", [1, 2]), ("10.0.0.2", "10.0.0.2", [])]


def test_a_large_host_comes_in_parts_none_of_which_is_missing_or_twice() -> None:
    items = "".join(item(number, "x" * 500) for number in range(5000))
    parts = [
        (part.is_last, [each.plugin_id for each in part.items()])
        for part in ReportReader().read([report(host("10.0.0.1", items), host("10.0.0.2", item(1)))])
    ]
    assert sum(is_last for is_last, _ in parts) == 2
    assert len(parts) > 5
    assert [number for _, numbers in parts[:-1] for number in numbers] == list(range(5000))


def test_properties_that_stand_behind_the_items_are_known_in_the_last_part() -> None:
    items = "".join(item(number, "x" * 500) for number in range(5000))
    markup = f'<ReportHost name="h">{items}<HostProperties><tag name="k">v</tag></HostProperties></ReportHost>'
    *_, last = ReportReader().read([report(markup)])
    assert last.tags == {"k": "v"}


def test_an_item_may_be_asked_for_again_by_another_listener() -> None:
    (part,) = list(ReportReader().read([report(host("10.0.0.1"))]))
    assert list(part.items()) == []
    for part in ReportReader().read([report(host("10.0.0.1", item(1), item(2)))]):
        assert len(list(part.items())) == len(list(part.items())) == 2


def test_size_and_digest_are_of_the_bytes_as_they_came() -> None:
    data = report(host("10.0.0.1", scan_info("no")))
    reader = ReportReader()
    for _ in reader.read([data[:100], b"", data[100:]]):
        pass
    assert (reader.size_bytes, reader.sha256) == (len(data), hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", None),
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "UTF-16"),
        ("utf-16", None),
        ("latin-1", "ISO-8859-1"),
        ("cp1252", "windows-1252"),
    ],
)
def test_encodings_are_read_by_declaration_and_byte_order_mark(encoding: str, declared: str | None) -> None:
    declaration = f' encoding="{declared}"' if declared else ""
    text = f'<?xml version="1.0"{declaration}?>' + report_text(host("müller", item(1, "é")))
    seen = [
        (part.name, [each.output for each in part.items()]) for part in ReportReader().read([text.encode(encoding)])
    ]
    assert seen == [("müller", ["é"])]


@pytest.mark.parametrize(
    ("severity", "risk_factor", "expected"),
    [
        (4, "Low", Severity.CRITICAL),
        ("0", None, Severity.INFO),
        (None, "High", Severity.HIGH),
        ("", "None", Severity.INFO),
        ("urgent", " critical ", Severity.CRITICAL),
        ("9", None, None),
        ("-1", "whatever", None),
        (None, None, None),
    ],
)
def test_severity_is_the_attributes_and_only_without_it_the_risk_factors(
    severity: int | str | None, risk_factor: str | None, expected: Severity | None
) -> None:
    children = "" if risk_factor is None else f"<risk_factor>{risk_factor}</risk_factor>"
    data = report(host("10.0.0.1", item(1, severity=severity, children=children)))
    for part in ReportReader().read([data]):
        assert [each.severity for each in part.items()] == [expected]


@pytest.mark.parametrize("plugin", ["", "abc", "-5", "1.5", "१२", "9" * 5000])
def test_a_plugin_id_that_is_no_number_is_none(plugin: str) -> None:
    for part in ReportReader().read([report(host("10.0.0.1", item(plugin)))]):
        assert [each.plugin_id for each in part.items()] == [None]


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        (compliance("FAILED"), "FAILED"),
        (compliance(" passed "), "PASSED"),
        (item(1, family=None, children="<cm:compliance-result>ERROR</cm:compliance-result>"), "ERROR"),
        (
            item(
                1,
                family="Policy Compliance",
                children='<x:compliance-result xmlns:x="http://www.nessus.org/cm">SKIPPED</x:compliance-result>',
            ),
            "SKIPPED",
        ),
        (item(1, family="Policy Compliance", children="<cm:compliance-info>a</cm:compliance-info>"), ""),
        (
            item(21157, severity=3, family="Policy Compliance", children="<description>1.1 : [FAILED]</description>"),
            "FAILED",
        ),
        (item(60020, family="Policy Compliance", children="<description>a note</description>"), None),
        (item(1, family="General", children="<description>1.1 : [FAILED]</description>"), None),
        (item(1, family=None), None),
    ],
)
def test_compliance_results_are_told_from_findings(markup: str, expected: str | None) -> None:
    for part in ReportReader().read([report(host("10.0.0.1", markup))]):
        assert [each.compliance_result for each in part.items()] == [expected]


def test_a_long_text_is_cut_to_head_and_tail_with_the_cut_counted() -> None:
    data = report(host("10.0.0.1", item(1, "a" * 500 + "b" * 1000 + "c" * 500)))
    for part in ReportReader(Limits(text_chars=1000)).read([data]):
        (only,) = part.items()
        assert only.output == "a" * 500 + "\n[1000 characters cut]\n" + "c" * 500


def test_the_policy_is_read_without_its_user_names() -> None:
    settings = policy(
        preference("TARGET", "10.0.0.0/30"),
        preference("scan_name", "weekly"),
        plugin_setting("SSH settings", "SSH user name :", "jdoe"),
        name="Servers",
    )
    reader = ReportReader()
    for _ in reader.read([report(host("10.0.0.1"), policy=settings, name="a scan")]):
        pass
    known = reader.policy
    assert (known.name, known.scan_name, known.targets, known.has_host_login) == ("Servers", "weekly", 4, True)
    assert reader.report_name == "a scan"
    assert "jdoe" not in repr(known)


def test_pieces_of_exactly_one_block_are_parsed_as_any_other() -> None:
    data = b"".join(large_report(BLOCK * 3, items_per_host=20))
    whole = [part.name for part in ReportReader().read([data])]
    blocks = [data[start : start + BLOCK] for start in range(0, len(data), BLOCK)]
    assert [part.name for part in ReportReader().read(blocks)] == whole
