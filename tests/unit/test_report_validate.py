"""The result as a whole: counts, times, repeated hosts, and rows that fit into an event."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from scanpool.report.scan_verdict import Asked
from scanpool.report.validate import HOST_ROWS, HOST_ROWS_BYTES, validate
from scanpool_schemas.result import (
    ComplianceCounts,
    Credentials,
    LoginVerdict,
    Result,
    SeverityCounts,
)
from tests.support.reports import compliance, host, item, policy, report, scan_info


def test_items_are_counted_by_severity_and_compliance_apart() -> None:
    items = [item(1, severity=severity) for severity in (4, 3, 3, 2, 1, 0)] + [
        compliance("PASSED", severity=1),
        compliance("FAILED", severity=3),
        compliance("FAILED", severity=3),
        compliance("WARNING", severity=2),
        compliance("SKIPPED", severity=0),
        compliance("ERROR", severity=2),
        compliance("MAYBE", severity=4),
    ]
    summary = validate([report(host("10.0.0.1", *items))]).results_summary
    assert summary.severity == SeverityCounts(critical=1, high=2, medium=1, low=1, info=1)
    assert summary.compliance == ComplianceCounts(passed=1, failed=2, warning=1, error=1, skipped=1, other=1)
    assert (summary.items, summary.vulnerabilities) == (6, 5)


def test_the_report_says_who_made_it_and_when() -> None:
    times = {"HOST_START_TIMESTAMP": "1616620000", "HOST_END_TIMESTAMP": "1616621000"}
    later = {"HOST_START_TIMESTAMP": "1616620500", "HOST_END_TIMESTAMP": "1616622000"}
    data = report(
        host("10.0.0.1", scan_info("no"), tags=times), host("10.0.0.2", tags=later), policy=policy(), name="weekly"
    )
    summary = validate([data]).results_summary
    assert (summary.report_name, summary.policy_name) == ("weekly", "Advanced Scan")
    assert (summary.scanner_version, summary.plugin_feed) == ("10.8.3", "202503010800")
    assert summary.started_at == datetime.fromtimestamp(1616620000, UTC)
    assert summary.ended_at == datetime.fromtimestamp(1616622000, UTC)
    assert (summary.started_local, summary.ended_local) == ("2021-03-24T21:03:39", "2021-03-24T21:03:39")


@pytest.mark.parametrize(
    ("tag", "instant", "local"),
    [
        ("Wed Mar  4 21:03:39 2021", None, "2021-03-04T21:03:39"),
        ("2021-03-12T14:35:34+01:00", datetime(2021, 3, 12, 13, 35, 34, tzinfo=UTC), ""),
        ("Mit Mär 4 21:03:39 2021", None, ""),
        ("Wed Mar 44 21:03:39 2021", None, ""),
        ("soon", None, ""),
        ("0001-01-01T00:00:00+01:00", None, ""),
        ("9999-12-31T23:59:59-01:00", None, ""),
    ],
)
def test_a_time_without_a_zone_is_no_instant(tag: str, instant: datetime | None, local: str) -> None:
    data = report(host("10.0.0.1", item(1), tags={"HOST_START": tag}, finished=False))
    summary = validate([data]).results_summary
    assert (summary.started_at, summary.started_local) == (instant, local)


@pytest.mark.parametrize("epoch", ["", "yesterday", "99999999999999", "-5", "999999999999"])
def test_an_epoch_that_is_none_is_left_out(epoch: str) -> None:
    tags = {"HOST_START_TIMESTAMP": epoch}
    assert validate([report(host("10.0.0.1", item(1), tags=tags))]).results_summary.started_at is None


def test_a_host_that_is_in_the_report_twice_is_one_host() -> None:
    data = report(
        host("10.0.0.1", item(1, severity=3)),
        host("10.0.0.2", scan_info("no")),
        host("10.0.0.1", scan_info("yes, as 'u' via ssh")),
    )
    result = validate([data])
    assert result.validation_stats.hosts.total == 2
    assert {row.host: row.verdict for row in result.hosts} == {
        "10.0.0.1": LoginVerdict.AUTH,
        "10.0.0.2": LoginVerdict.NOAUTH,
    }
    (repeated,) = [each for each in result.validation_warnings if each.code == "repeated_hosts"]
    assert repeated.hosts == 1


def test_answers_that_differ_between_two_appearances_are_mixed() -> None:
    data = report(host("10.0.0.1", scan_info("no")), host("10.0.0.1", scan_info("yes, as 'u' via ssh")))
    assert validate([data]).hosts[0].reason == "mixed_answers"


def test_one_name_with_two_addresses_is_two_hosts() -> None:
    data = report(host("www", item(1), address="10.0.0.1"), host("www", item(1), address="10.0.0.2"))
    assert validate([data]).validation_stats.hosts.total == 2


def test_names_that_differ_only_far_behind_are_two_hosts() -> None:
    data = report(host("a" * 300 + "1", item(1)), host("a" * 300 + "2", item(1)))
    result = validate([data])
    assert result.validation_stats.hosts.total == 2
    assert all(len(row.host) <= 128 for row in result.hosts)


def test_the_hosts_that_need_a_look_come_first_and_the_rest_is_counted() -> None:
    good = [host(f"10.0.1.{number}", scan_info("yes, as 'u' via ssh")) for number in range(250)]
    bad = host("10.0.2.1", scan_info("no"))
    result = validate([report(*good, bad)])
    assert result.hosts[0].host == "10.0.2.1"
    assert (len(result.hosts), result.hosts_omitted) == (HOST_ROWS, 51)
    assert result.validation_stats.hosts.total == 251


def test_a_result_fits_into_an_event_however_hostile_the_report() -> None:
    failed = item(104410, "Message : " + "€" * 4000 + "\nMessage : " + '\\"' * 4000)
    hosts = [host("€" * 300 + str(number), scan_info("no"), failed) for number in range(250)]
    result = validate([report(*hosts, policy=policy(name="€" * 9000), name="€" * 9000)])
    assert len(result.hosts) > 50
    assert sum(len(msgspec.json.encode(row)) for row in result.hosts) <= HOST_ROWS_BYTES
    assert len(msgspec.json.encode(result)) < 160 * 1024


def test_a_result_survives_its_way_through_an_event() -> None:
    data = report(host("10.0.0.1", scan_info("no"), item(104410, "refused")), host("10.0.0.2", scan_info("yes")))
    result = validate([data], Asked(credentials=Credentials.SUPPLIED))
    assert msgspec.json.decode(msgspec.json.encode(result), type=Result) == result


def test_a_result_of_a_newer_version_is_still_read() -> None:
    newer = b'{"valid": true, "authentication_status": "success", "reason": "x", "new_field": [1]}'
    assert msgspec.json.decode(newer, type=Result).valid
