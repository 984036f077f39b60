"""What people see of scans, results and scanners."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO

import msgspec
import pytest
from rich.console import Console, RenderableType

from scanpool.cli.views.elements import bar, counted, span, when
from scanpool.cli.views.events import event_line
from scanpool.cli.views.fitting import Need, shared
from scanpool.cli.views.pools import pools_view, scanners_view
from scanpool.cli.views.results import result_view
from scanpool.cli.views.scans import progress_line, scan_view, scans_view
from scanpool.client import ProgressEvent, ScanEvent
from scanpool_schemas.events import ScanProgress
from scanpool_schemas.result import Advice, HostVerdict, LoginVerdict, Refusal, ValidationWarning
from scanpool_schemas.status import ScanStatus, describe
from tests.support.builders import (
    NOW,
    a_completed_scan,
    a_dead_scan,
    a_failed_scan,
    a_pending_scan,
    a_queued_scan,
    a_request,
    a_result,
    a_running_scan,
    a_stopping_scan,
    an_error,
    every_state,
)
from tests.support.statuses import a_pool, a_scanner

HOSTILE = "evil[/]\x1b[31m\x9b2J\u202e"
HARMLESS = "evil[/]"


def drawn(part: RenderableType, *, width: int = 200, is_terminal: bool = False) -> str:
    console = Console(
        file=StringIO(), width=width, force_terminal=is_terminal, color_system="standard" if is_terminal else None
    )
    with console.capture() as captured:
        console.print(part)
    return captured.get()


def lines_at(part: RenderableType, width: int) -> list[str]:
    return [line.rstrip() for line in drawn(part, width=width).splitlines()]


def lines(part: RenderableType) -> list[str]:
    return [" ".join(line.split()) for line in drawn(part).splitlines()]


def progress(percent: int = 40, status: str = "running") -> ScanProgress:
    return ScanProgress(
        id="s1", pool="lab", scanner="a", percent=percent, status=status, hosts_seen=8, hosts_done=3, at=NOW
    )


def a_host(**fields: object) -> HostVerdict:
    return msgspec.convert({"host": "10.0.0.1", "verdict": "auth", **fields}, HostVerdict)


@pytest.mark.parametrize("scan", [describe(scan) for scan in every_state()], ids=lambda scan: scan.state)
def test_a_scan_of_any_state_can_be_seen(scan: ScanStatus) -> None:
    seen = lines(scan_view(scan))
    assert seen[0] == f"scan {scan.id}"
    assert sum(entry.why in line for entry in scan.timeline for line in seen) >= len(scan.timeline)
    assert scan.id in drawn(scans_view([scan]))
    assert scan.status in drawn(progress_line(scan, NOW))


def test_a_failed_scan_says_why() -> None:
    assert "error scan_aborted: was aborted" in lines(
        scan_view(describe(a_failed_scan(error=an_error(message="was aborted"))))
    )


def test_what_is_special_about_a_scan_stands_beside_its_status() -> None:
    assert "status running (stopping, being cancelled)" in lines(scan_view(describe(a_stopping_scan())))
    assert "status failed (dead letter)" in lines(scan_view(describe(a_dead_scan())))
    assert "status queued (queued-normal)" in lines(scan_view(describe(a_queued_scan())))
    assert "status completed" in lines(scan_view(describe(a_completed_scan())))


def test_a_scan_that_waits_for_approval_says_so_and_why() -> None:
    pending = describe(a_pending_scan(reason="the scan is intrusive"))
    assert "status queued (pending, awaits approval)" in lines(scan_view(pending))
    assert "awaits approval the scan is intrusive" in lines(scan_view(pending))
    assert "queued (pending, awaits approval): the scan is intrusive" in " ".join(drawn(scans_view([pending])).split())


def test_a_running_scan_shows_how_far_it_is() -> None:
    scan = describe(a_running_scan(), progress())
    assert f"progress ████░░░░░░░░ 40 % 3 of 8 hosts {when(NOW)}" in lines(scan_view(scan))
    later = scan.submitted_at + timedelta(minutes=2, seconds=5)
    assert " ".join(drawn(progress_line(scan, later)).split()) == "s1 running on lab.a ████░░░░░░░░ 40 % 2m 05s"


def test_many_targets_are_counted() -> None:
    scan = a_queued_scan(a_request(targets=tuple(f"10.0.0.{n}" for n in range(1, 9))))
    assert "targets 10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5 and 3 more" in lines(scan_view(describe(scan)))


def test_nothing_that_others_wrote_reaches_the_terminal_but_as_text() -> None:
    request = a_request(name=HOSTILE, owner=HOSTILE, labels={HOSTILE: HOSTILE}, targets=(HOSTILE,))
    scan = describe(a_failed_scan(request=request, error=an_error(message=HOSTILE)), progress(status=HOSTILE))
    warning = ValidationWarning(code=HOSTILE, message=HOSTILE)
    advice = Advice(reason=HOSTILE, hosts=1, likely_cause=HOSTILE, next_steps=(HOSTILE,))
    host = a_host(host=HOSTILE, verdict="noauth", evidence=HOSTILE, reason=HOSTILE, address=HOSTILE, method=HOSTILE)
    result = a_result(hosts=(host,), validation_warnings=(warning,), troubleshooting=(advice,), message=HOSTILE)
    views = [
        scan_view(scan),
        scans_view([scan]),
        progress_line(scan, NOW),
        result_view(result, all_hosts=True),
        event_line(ScanEvent(kind="failed", scan=scan, at=NOW)),
        event_line(ProgressEvent(progress=progress(status=HOSTILE))),
        scanners_view([a_scanner(reason=HOSTILE, edition=HOSTILE, version=HOSTILE)]),
        pools_view([a_pool(allow=(HOSTILE,))]),
    ]
    for view in views:
        seen = drawn(view)
        assert HARMLESS in seen or view is views[2]
        assert set("\x1b\x9b\u202e").isdisjoint(seen)


def test_a_result_shows_its_verdict_counts_and_advice() -> None:
    advice = Advice(reason="bad", hosts=2, likely_cause="Refused.", next_steps=("Log in by hand.",))
    warning = ValidationWarning(code="no_hosts", message="The report has no host.")
    seen = lines(result_view(a_result(troubleshooting=(advice,), validation_warnings=(warning,)), all_hosts=True))
    assert "valid yes" in seen
    assert "login not_applicable" in seen
    assert "no_hosts The report has no host." in seen
    assert {"2 hosts: bad", "Refused.", "- Log in by hand."} <= set(seen)


def test_hosts_whose_login_worked_are_counted_unless_all_are_wanted() -> None:
    hosts = (a_host(host="bad", verdict="noauth", reason="bad_credentials_or_protocol"), a_host(host="good"))
    result = a_result(hosts=hosts, hosts_omitted=7)
    short, whole = drawn(result_view(result, all_hosts=False)), drawn(result_view(result, all_hosts=True))
    assert "bad " in short
    assert "good" not in short
    assert "1 host with a login that worked not shown." in short
    assert "7 hosts for which a result has no room." in short
    assert "good" in whole
    assert "not shown" not in whole


@pytest.mark.parametrize("verdict", LoginVerdict)
def test_every_verdict_of_a_host_can_be_seen(verdict: LoginVerdict) -> None:
    assert verdict.value in drawn(result_view(a_result(hosts=(a_host(verdict=verdict.value),)), all_hosts=True))


def test_a_refused_report_shows_why_and_no_counts() -> None:
    result = a_result(valid=False, error=Refusal(code="report_truncated", message="truncated after host 1 of 2"))
    assert lines(result_view(result, all_hosts=True)) == [
        "valid no",
        "error report_truncated: truncated after host 1 of 2",
    ]


def test_scanners_and_pools_are_a_line_each() -> None:
    good = a_scanner(edition="Nessus Manager", version="10.8.3", active=1, can_launch=None)
    assert "lab.a yes closed 1 of 2 ? Nessus Manager 10.8.3 2026-03-04 05:06:07Z" in lines(scanners_view([good]))
    assert "lab.b no closed 0 of 2 no 2026-03-04 05:06:07Z down" in lines(
        scanners_view([a_scanner("b", ready=False, can_launch=False, reason="down")])
    )
    pool = a_pool(retired=True, scanners=2, capacity=4, waiting=3, credentials=("linux",))
    assert "lab 1 of 2 0 of 4 3 linux everything default, retired" in lines(pools_view([pool]))


def test_ids_and_times_stay_whole_on_a_narrow_terminal() -> None:
    scan = describe(a_queued_scan(a_request(name="a name that goes on and on " * 5), id="0" * 26))
    seen = drawn(scans_view([scan]), width=80)
    assert "0" * 26 in seen
    assert when(NOW) in seen


@pytest.mark.parametrize("width", [24, 40, 80, 100])
def test_a_table_that_does_not_fit_is_told_row_by_row_without_a_broken_word(width: int) -> None:
    scan = describe(a_completed_scan(request=a_request(name="branch office"), id="weekly"))
    seen = drawn(scans_view([scan]), width=width)
    assert max(len(line.rstrip()) for line in seen.splitlines()) <= width
    assert {"weekly", "branch", "lab", "completed", scan.authentication_status, "2026-03-04"} <= set(seen.split())


def test_rows_that_are_told_one_by_one_say_what_each_value_is() -> None:
    scan = describe(a_queued_scan(a_request(name="branch office"), id="weekly"))
    assert lines_at(scans_view([scan]), 60) == [
        "id weekly  name branch office  pool lab",
        "  status queued (queued-normal)",
        f"  submitted {when(NOW)}",
    ]


def test_the_widest_columns_give_way_first_and_none_below_its_least() -> None:
    narrow, wide, whole = Need(least=4, most=4), Need(least=20, most=90), Need(least=26, most=26)
    assert shared([narrow, wide, whole], 200) == [4, 90, 26]
    assert shared([narrow, wide, whole], 70) == [4, 40, 26]
    assert shared([narrow, wide, wide], 50) == [4, 23, 23]
    assert shared([narrow, wide, whole], 49) is None


def test_colours_are_for_terminals() -> None:
    view = scans_view([describe(a_completed_scan())])
    assert "\x1b[32m" in drawn(view, is_terminal=True)
    assert "\x1b" not in drawn(view)


@pytest.mark.parametrize(
    ("length", "text"),
    [(timedelta(seconds=35), "35s"), (timedelta(minutes=5), "5m 00s"), (timedelta(days=1, minutes=2), "24h 02m")],
)
def test_lengths_of_time_are_short(length: timedelta, text: str) -> None:
    assert span(length) == text


def test_times_are_in_utc() -> None:
    assert when(datetime.fromisoformat("2026-03-04T01:00:00.5+02:00")) == "2026-03-03 23:00:00Z"
    assert when(None) == ""


def test_one_is_counted_as_one() -> None:
    assert counted(1, "host") == "1 host"
    assert counted(1200, "host") == "1,200 hosts"


@pytest.mark.parametrize(("percent", "full"), [(0, 0), (50, 6), (99, 11), (100, 12), (-5, 0), (250, 12)])
def test_a_bar_is_never_longer_than_its_room(percent: int, full: int) -> None:
    assert bar(percent).plain.startswith("█" * full + "░" * (12 - full))
