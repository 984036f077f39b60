"""Agents read what scans found: page by page, group by group, one finding at a time, and never more than fits."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from mcp import Client

from scanpool.bridge.caller import Caller
from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.bridge.reading.rows import RESULT_BYTES
from scanpool.runtime.objects import Objects
from scanpool_schemas import subjects
from scanpool_schemas.result import AuthenticationStatus, HostCounts, ResultsSummary, ValidationStats
from tests.bench.findings_file import Size, write
from tests.support.bridge import called, connected, refusal, running_bridge
from tests.support.bridge_findings import completed, kept, reported, stored
from tests.support.builders import NOW, a_failed_scan, a_request, a_result, a_running_scan, an_error
from tests.support.findings import vulnerability
from tests.support.pipeline import Pipeline, running_pipeline
from tests.support.reports import host, item

pytestmark = pytest.mark.asyncio(loop_scope="module")

MANY = 10_000
LOCAL = Caller(subject="local", scopes=frozenset({"scan:read"}))
HOSTS = (
    host(
        "10.0.0.1",
        vulnerability(
            101, "an output\n" * 900, severity=4, port=443, family="Web Servers",
            cve=["CVE-2021-44228", "CVE-2020-0001"], cvss3_base_score="9.8", vpr_score="9.9", exploit_available="true",
            solution="Upgrade.", cwe="79", see_also="http://www.example.com/1", synopsis="It is old.",
            description="A long story.",
        ),
        vulnerability(102, "openssl 1.0", severity=2, port=443, cvss_base_score="5.0"),
    ),
    host(
        "10.0.0.2",
        vulnerability(101, severity=4, port=8443, family="Web Servers", cve="CVE-2021-44228", cvss3_base_score="9.8"),
        item(104).replace("Plugin 104", "OpenSSL detection"),
        tags={"operating-system": "Linux"},
    ),
    host("web.example", vulnerability(103, severity=3, vpr_score="7.1"), address="10.0.1.3"),
)  # fmt: skip


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pipeline() -> AsyncIterator[Pipeline]:
    async with running_pipeline(services=()) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def small(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("small") / "small.sqlite"
    await completed(pipeline.jetstream, path, reported(path, *HOSTS))
    return "small"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def many(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("many") / "many.sqlite"
    write(path, Size(findings=MANY, hosts=200))
    await completed(pipeline.jetstream, path, a_result(hosts_scanned=200))
    return "many"


@asynccontextmanager
async def agent(pipeline: Pipeline, mode: str = "auto", local: Caller = LOCAL) -> AsyncIterator[Client]:
    """A client of a bridge of its own."""
    settings = BridgeSettings(requests_per_minute=100_000, local=local)
    async with running_bridge(pipeline, settings) as bridge, connected(bridge, mode=mode) as client:
        yield client


async def answer(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """What the tool answered, which fits."""
    document = await called(client, tool, **arguments)
    assert len(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()) <= RESULT_BYTES
    return document


def ids(page: dict[str, Any]) -> list[int]:
    return [each["finding_id"] for each in page["findings"]]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_of_either_era_reads_the_worst_first(pipeline: Pipeline, small: str, mode: str) -> None:
    async with agent(pipeline, mode) as client:
        page = await answer(client, "get_scan_results", task_id=small, schema_profile="summary")
    assert {name: page[name] for name in ("task_id", "scan_status", "partial", "total", "returned")} == {
        "task_id": small, "scan_status": "completed", "partial": False, "total": 5, "returned": 5,
    }  # fmt: skip
    first = page["findings"][0]
    assert first["untrusted"] == {"plugin_name": "Plugin 101", "synopsis": "It is old."}
    assert {**first, "untrusted": {}} == {
        "finding_id": 1, "plugin_id": 101, "severity": 4, "severity_name": "critical", "host_ip": "10.0.0.1",
        "port": 443, "cve": ["CVE-2021-44228", "CVE-2020-0001"], "cvss_score": 9.8, "cvss3_base_score": 9.8,
        "exploit_available": True, "untrusted": {},
    }  # fmt: skip
    assert "next_cursor" not in page


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"severity": ["critical"]}, [1, 2]),
        ({"severity": "high,medium"}, [3, 4]),
        ({"severity": "4"}, [1, 2]),
        ({"severity": 4}, [1, 2]),
        ({"host": "10.0.0.0/24"}, [1, 2, 4, 5]),
        ({"host": ["web.example"]}, [3]),
        ({"plugin_id": 101, "host": "10.0.0.2"}, [2]),
        ({"plugin_id": [102, 103]}, [3, 4]),
        ({"cve": "cve-2020-0001"}, [1]),
        ({"min_cvss": 5}, [1, 2, 4]),
        ({"min_vpr": 9}, [1]),
        ({"family": "web servers"}, [1, 2]),
        ({"exploitable": True}, [1]),
        ({"text": "OPENSSL"}, [4, 5]),
        ({"text": "no such text"}, []),
    ],
)
async def test_filters_leave_what_fits_all_of_them(
    pipeline: Pipeline, small: str, filters: dict[str, Any], expected: list[int]
) -> None:
    async with agent(pipeline) as client:
        page = await answer(client, "get_scan_results", task_id=small, filters=filters)
    assert ids(page) == expected
    assert (page["total"], page["returned"]) == (len(expected), len(expected))


@pytest.mark.parametrize(
    "arguments",
    [
        {"filters": {"severity": "worst"}},
        {"filters": {"hots": "10.0.0.1"}},
        {"filters": {"cve": "log4shell"}},
        {"filters": {"host": "10.0.0.0/99"}},
        {"custom_fields": ["pluginname"]},
        {"schema_profile": "everything"},
        {"limit": 101},
        {"page": -1},
        {"page": 2, "cursor": "x"},
        {"cursor": "none"},
    ],
)
async def test_what_makes_no_sense_is_refused(pipeline: Pipeline, small: str, arguments: dict[str, Any]) -> None:
    async with agent(pipeline) as client:
        problem = await refusal(client, "get_scan_results", task_id=small, **arguments)
    assert problem["code"] == "invalid_argument"
    assert problem["hint"]


async def test_a_cursor_is_good_for_its_scan_and_its_filters_alone(pipeline: Pipeline, small: str, many: str) -> None:
    async with agent(pipeline) as client:
        cursor = (await answer(client, "get_scan_results", task_id=small, limit=1))["next_cursor"]
        for arguments in ({"task_id": many}, {"task_id": small, "filters": {"severity": "critical"}}):
            problem = await refusal(client, "get_scan_results", cursor=cursor, **arguments)
            assert problem["code"] == "invalid_argument"


@pytest.mark.parametrize("profile", ["minimal", "summary", "brief", "full"])
async def test_every_page_of_a_large_scan_fits(pipeline: Pipeline, many: str, profile: str) -> None:
    async with agent(pipeline) as client:
        for page in (0, 1, 2, 50, 100):
            found = await answer(
                client, "get_scan_results", task_id=many, schema_profile=profile, page=page, page_size=100,
                include_output=True,
            )  # fmt: skip
            assert 0 < found["returned"] == len(found["findings"])
            assert found["total"] == MANY


@pytest.mark.parametrize(("limit", "profile"), [(100, "minimal"), (100, "full"), (7, "brief")])
async def test_paging_visits_each_finding_once_in_a_stable_order(
    pipeline: Pipeline, many: str, limit: int, profile: str
) -> None:
    filters = {} if profile == "minimal" else {"severity": "critical"}
    seen: list[int] = []
    async with agent(pipeline) as client:
        page = await answer(
            client, "get_scan_results", task_id=many, limit=limit, schema_profile=profile, filters=filters
        )
        while True:
            seen += ids(page)
            assert 0 < page["returned"] <= limit
            if "next_cursor" not in page:
                break
            page = await answer(
                client, "get_scan_results", task_id=many, limit=limit, schema_profile=profile, filters=filters,
                cursor=page["next_cursor"],
            )  # fmt: skip
    assert seen == list(range(1, page["total"] + 1))
    assert page["total"] == MANY if profile == "minimal" else 100 < page["total"] < MANY


async def test_a_numbered_page_that_is_cut_is_gone_on_with_by_its_cursor(pipeline: Pipeline, many: str) -> None:
    async with agent(pipeline) as client:
        cut = await answer(client, "get_scan_results", task_id=many, page=2, page_size=100, schema_profile="full")
        assert cut["returned"] < 100
        assert "next_cursor" in cut["note"]
        assert "next_page" not in cut
        after = await answer(client, "get_scan_results", task_id=many, limit=5, cursor=cut["next_cursor"])
        whole = await answer(client, "get_scan_results", task_id=many, page=2, page_size=20, schema_profile="minimal")
    assert ids(cut) == list(range(101, 101 + cut["returned"]))
    assert ids(after) == list(range(101 + cut["returned"], 106 + cut["returned"]))
    assert (ids(whole), whole["next_page"]) == (list(range(21, 41)), 3)


async def test_page_0_is_the_first_page_and_where_all_is(pipeline: Pipeline, many: str) -> None:
    async with agent(pipeline) as client:
        page = await answer(client, "get_scan_results", task_id=many, page=0, schema_profile="minimal")
    assert ids(page) == list(range(1, 41))
    assert page["report_uri"] == f"scan://{many}/report.jsonl"
    assert page["note"]


async def test_output_is_there_where_it_is_asked_for(pipeline: Pipeline, small: str) -> None:
    async with agent(pipeline) as client:
        full = await answer(client, "get_scan_results", task_id=small, schema_profile="full")
        asked = await answer(client, "get_scan_results", task_id=small, schema_profile="minimal", include_output=True)
        custom = await answer(client, "get_scan_results", task_id=small, custom_fields=["plugin_output", "solution"])
    assert "plugin_output" not in full["findings"][0]["untrusted"]
    for page in (asked, custom):
        assert page["findings"][0]["untrusted"]["plugin_output"].startswith("an output\n")
        assert "characters cut" in page["findings"][0]["untrusted"]["plugin_output"]
    assert custom["findings"][0]["untrusted"]["solution"] == "Upgrade."
    assert "severity" not in custom["findings"][0]


async def test_json_lines_have_the_fields_that_they_always_had(pipeline: Pipeline, small: str, many: str) -> None:
    async with agent(pipeline) as client:
        page = await answer(client, "get_scan_results", task_id=small, schema_profile="summary", format="jsonl")
        schema, metadata, *rows, end = map(json.loads, page["untrusted"]["jsonl"].splitlines())
        seen = []
        large = {"task_id": many, "format": "jsonl", "schema_profile": "full", "filters": {"severity": "critical"}}
        part = await answer(client, "get_scan_results", limit=100, **large)
        for _ in range(3):
            *_, last = lines = [json.loads(each) for each in part["untrusted"]["jsonl"].splitlines()]
            seen += [each["rank"] for each in lines[2:-1]]
            assert last["next_cursor"] == part["next_cursor"]
            part = await answer(client, "get_scan_results", limit=100, cursor=part["next_cursor"], **large)
    assert (schema["type"], schema["fields"], schema["total"]) == ("schema", list(rows[0]), 5)
    assert (metadata["type"], metadata["task_id"], metadata["scan_status"]) == ("scan_metadata", small, "completed")
    assert (end["type"], end["page"], end["has_next"]) == ("pagination", 1, False)
    assert rows[0] == {
        "host": "10.0.0.1", "plugin_id": 101, "severity": 4, "severity_name": "critical",
        "cve": ["CVE-2021-44228", "CVE-2020-0001"], "cvss_score": 9.8, "exploit_available": True,
        "plugin_name": "Plugin 101", "cvss3_base_score": 9.8, "synopsis": "It is old.",
    }  # fmt: skip
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) > 10


async def test_one_finding_is_told_whole_and_its_output_in_parts(pipeline: Pipeline, small: str) -> None:
    async with agent(pipeline) as client:
        detail = await answer(client, "get_finding", task_id=small, finding_id=1)
        read, part = detail["finding"]["untrusted"]["plugin_output"], detail
        while "next_offset" in part:
            part = await answer(client, "get_finding", task_id=small, finding_id=1, offset=part["next_offset"])
            read += part["finding"]["untrusted"]["plugin_output"]
        nothing_printed = await answer(client, "get_finding", task_id=small, finding_id=2)
        unknown = await refusal(client, "get_finding", task_id=small, finding_id=6)
    assert read == "an output\n" * 900
    assert detail["output_length"] == len(read)
    finding = detail["finding"]
    assert (finding["cwe"], finding["exploit_available"], finding["plugin_id"]) == (["79"], True, 101)
    assert finding["untrusted"]["solution"] == "Upgrade."
    assert finding["untrusted"]["see_also"] == ["http://www.example.com/1"]
    assert "solution" not in part["finding"]["untrusted"]
    assert "output_length" not in nothing_printed
    assert (unknown["code"], "1 to 5" in unknown["message"]) == ("invalid_argument", True)


async def test_groups_say_on_how_many_hosts(pipeline: Pipeline, small: str) -> None:
    async with agent(pipeline) as client:
        plugins = await answer(client, "summarize_findings", task_id=small)
        cves = await answer(client, "summarize_findings", task_id=small, group_by="cve", min_severity="high")
        families = await answer(client, "summarize_findings", task_id=small, group_by="family", limit=1)
        hosts = await answer(client, "summarize_findings", task_id=small, group_by="host", min_severity="medium")
    assert plugins["groups"][0] == {
        "plugin_id": 101, "findings": 2, "hosts": 2, "severity": {"critical": 2}, "cvss_score": 9.8,
        "untrusted": {"plugin_name": "Plugin 101", "plugin_family": "Web Servers"},
    }  # fmt: skip
    assert (plugins["groups_total"], plugins["findings"], plugins["hosts_scanned"]) == (4, 5, 3)
    assert [each["host_ip"] for each in plugins["top_hosts"]] == ["10.0.0.1", "10.0.0.2", "10.0.1.3"]
    assert [(each["cve"], each["hosts"]) for each in cves["groups"]] == [("CVE-2021-44228", 2), ("CVE-2020-0001", 1)]
    assert cves["severity"] == {"critical": 2, "high": 1}
    assert (len(families["groups"]), families["groups_total"], families["groups"][0]["hosts"]) == (1, 2, 2)
    assert [each["findings"] for each in hosts["groups"]] == [2, 1, 1]
    assert hosts["groups"][2]["untrusted"]["host"] == "web.example"
    assert "top_hosts" not in hosts
    assert "delta" not in plugins


@pytest.mark.parametrize("group_by", ["plugin", "host", "cve", "family"])
async def test_groups_of_a_large_scan_fit(pipeline: Pipeline, many: str, group_by: str) -> None:
    async with agent(pipeline) as client:
        found = await answer(client, "summarize_findings", task_id=many, group_by=group_by, limit=50)
    assert 0 < len(found["groups"]) <= 50
    assert found["findings"] == MANY


def changed_hosts() -> list[str]:
    return [
        host("10.0.0.1", vulnerability(102, severity=3, port=443), vulnerability(105, severity=4, port=22)),
        host("10.0.0.2", vulnerability(101, severity=4, port=8443), item(104)),
        host("10.0.0.9", vulnerability(103, severity=1)),
    ]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def weekly(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two scans of the same targets, and one of others and one of somebody else's between them."""
    folder, targets = tmp_path_factory.mktemp("weekly"), ("10.0.0.0/23", "web.example")
    before, between, foreign, after = (folder / f"{name}.sqlite" for name in ("before", "between", "foreign", "after"))
    results = [reported(path, *HOSTS) for path in (before, between, foreign)]
    jetstream = pipeline.jetstream
    day = timedelta(days=1)
    await completed(jetstream, before, results[0], targets=targets, submitted_at=NOW - 3 * day)
    await completed(jetstream, between, results[1], targets=("10.0.0.1",), submitted_at=NOW - 2 * day)
    await completed(jetstream, foreign, results[2], targets=targets, submitted_at=NOW - day, owner="somebody")
    await completed(jetstream, after, reported(after, *changed_hosts()), targets=targets[::-1], submitted_at=NOW)
    return "before", "after"


async def test_two_scans_are_compared_the_worst_first(pipeline: Pipeline, weekly: tuple[str, str]) -> None:
    before, after = weekly
    async with agent(pipeline) as client:
        all_changes = await answer(client, "compare_scans", base_task_id=before, task_id=after)
        severe = await answer(client, "compare_scans", base_task_id=before, task_id=after, min_severity="high")
    told = [
        (each["status"], each["plugin_id"], each.get("before"), each.get("after")) for each in all_changes["changes"]
    ]
    assert told == [
        ("fixed", 101, "critical", None),
        ("new", 105, None, "critical"),
        ("changed", 102, "medium", "high"),
        ("unverified", 103, "high", None),
        ("new", 103, None, "low"),
    ]
    assert all_changes["counts"] == {"new": 2, "fixed": 1, "unverified": 1, "changed": 1, "unchanged": 2}
    assert all_changes["changes"][3]["reason"] == "host_not_in_scan"
    assert all_changes["changes"][3]["untrusted"]["host"] == "web.example"
    assert [each["plugin_id"] for each in severe["changes"]] == [101, 105, 102, 103]
    assert severe["counts"] == {"new": 1, "fixed": 1, "unverified": 1, "changed": 1, "unchanged": 1}
    assert (severe["total"], severe["returned"]) == (4, 4)
    assert all_changes["warnings"] == []


async def test_a_summary_says_what_changed_since_the_scan_before(pipeline: Pipeline, weekly: tuple[str, str]) -> None:
    async with agent(pipeline) as client:
        found = await answer(client, "summarize_findings", task_id=weekly[1], min_severity="critical")
        first = await answer(client, "summarize_findings", task_id=weekly[0])
    assert found["delta"]["base_task_id"] == weekly[0]
    assert found["delta"]["counts"] == {
        "new": 1, "fixed": 1, "unverified": 0, "changed": 0, "unchanged": 1,
    }  # fmt: skip
    assert "delta" not in first


async def test_changes_of_large_scans_come_in_pages(pipeline: Pipeline, many: str, tmp_path: Path) -> None:
    other = tmp_path / "many-others.sqlite"
    write(other, Size(findings=2_000, hosts=200))
    await completed(pipeline.jetstream, other, a_result(), targets=("10.0.0.9",))
    seen: list[str] = []
    async with agent(pipeline) as client:
        arguments = {"base_task_id": many, "task_id": other.stem, "min_severity": "critical"}
        page = await answer(client, "compare_scans", **arguments)
        later = page["next_cursor"]
        while True:
            seen += [json.dumps(each) for each in page["changes"]]
            if "next_cursor" not in page:
                break
            page = await answer(client, "compare_scans", **arguments, cursor=page["next_cursor"])
        problem = await refusal(client, "compare_scans", base_task_id=many, task_id=many, cursor=later)
    assert len(seen) == page["total"] > 200
    assert page["warnings"] == ["The targets differ: 1 only in base, 1 only in scan."]
    assert problem["code"] == "invalid_argument"


async def test_scans_that_may_not_be_compared_say_why(pipeline: Pipeline, small: str, tmp_path: Path) -> None:
    path = tmp_path / "logged-in.sqlite"
    reported(path, *HOSTS)
    request = a_request(owner="local", scan_type="authenticated", credential_ref="linux", targets=("10.0.0.0/24",))
    summary = ResultsSummary(hosts_scanned=3, policy_name="another")
    result = a_result(AuthenticationStatus.SUCCESS, results_summary=summary)
    await completed(pipeline.jetstream, path, result, request=request, submitted_at=NOW - timedelta(days=1))
    async with agent(pipeline) as client:
        found = await answer(client, "compare_scans", base_task_id=small, task_id=path.stem)
    assert found["warnings"] == [
        "The scan types differ: untrusted, then authenticated.",
        "The logins differ: unknown, then success.",
        "The policies differ.",
        "The base scan is the newer one: new and fixed are the other way round.",
    ]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("get_scan_results", {}), ("get_finding", {"finding_id": 1}), ("summarize_findings", {})],
)
async def test_a_scan_without_a_whole_result_never_looks_clean(
    pipeline: Pipeline, tmp_path: Path, tool: str, arguments: dict[str, Any]
) -> None:
    path = tmp_path / f"no-login-{tool}.sqlite"
    reported(path, host("10.0.0.1", item(19506, "info")))
    stats = ValidationStats(hosts=HostCounts(total=1, not_authenticated=1), hosts_counted=1)
    result = a_result(AuthenticationStatus.FAILED, validation_stats=stats)
    error = an_error("authentication_failed", "PWNED said the host")
    failed = a_failed_scan(
        id=path.stem, request=a_request(owner="local"), end="failed", error=error, result=result,
        findings=await kept(pipeline.jetstream, path),
    )  # fmt: skip
    await stored(pipeline.jetstream, failed)
    async with agent(pipeline) as client:
        found = await answer(client, tool, task_id=path.stem, **arguments)
    assert (found["scan_status"], found["authentication_status"], found["partial"]) == ("failed", "failed", True)
    assert "ended as failed (authentication_failed)" in found["warning"]
    assert "login failed" in found["warning"]
    assert "PWNED" not in str(found)


async def test_what_has_no_findings_says_so(pipeline: Pipeline, tmp_path: Path) -> None:
    jetstream, owned = pipeline.jetstream, a_request(owner="local")
    await stored(jetstream, a_running_scan(id="still-running", request=owned))
    await stored(jetstream, a_failed_scan(id="no-report", request=owned, error=an_error("scan_aborted")))
    path = tmp_path / "expired.sqlite"
    result = reported(path, *HOSTS)
    await completed(jetstream, path, result)
    await Objects(jetstream, subjects.FINDINGS_BUCKET).delete(path.stem)
    async with agent(pipeline) as client:
        problems = {
            scan: await refusal(client, "get_scan_results", task_id=scan)
            for scan in ("still-running", "no-report", "expired", "never-was")
        }
        compared = await refusal(client, "compare_scans", base_task_id="no-report", task_id="still-running")
    codes = {scan: problem["code"] for scan, problem in problems.items()}
    assert codes == {
        "still-running": "not_ready", "no-report": "no_findings", "expired": "expired", "never-was": "unknown_task",
    }  # fmt: skip
    assert problems["still-running"]["retryable"]
    assert "scan_aborted" in problems["no-report"]["message"]
    assert compared["code"] == "no_findings"


@pytest.mark.parametrize("tool", ["get_scan_results", "get_finding", "summarize_findings", "compare_scans"])
async def test_a_scan_of_somebody_else_looks_as_one_that_never_was(
    pipeline: Pipeline, tmp_path: Path, tool: str
) -> None:
    path = tmp_path / f"theirs-{tool}.sqlite"
    await completed(pipeline.jetstream, path, reported(path, *HOSTS), owner="somebody")
    other = f"nobody-{tool}"
    more: dict[str, Any] = {"finding_id": 1} if tool == "get_finding" else {}
    theirs, nobodys = ({"base_task_id": task} if tool == "compare_scans" else {} for task in (path.stem, other))
    reader = Caller(subject="agent", scopes=frozenset({"scan:read"}))
    async with agent(pipeline, local=reader) as client:
        foreign = await refusal(client, tool, task_id=path.stem, **more, **theirs)
        unknown = await refusal(client, tool, task_id=other, **more, **nobodys)
    assert json.dumps(foreign).replace(path.stem, other) == json.dumps(unknown)
    assert foreign["code"] == "unknown_task"


async def test_what_a_scanner_found_is_read_and_compared_with_the_scan_before() -> None:
    async with running_pipeline() as running, agent(running) as client:
        first, second = [
            await running.client.submit(["10.10.0.0/29"], name=f"weekly {number}", owner="local") for number in (1, 2)
        ]
        for scan in (first, second):
            assert (await running.client.wait(scan.id, timeout=120)).status == "completed"
        page = await answer(client, "get_scan_results", task_id=second.id)
        detail = await answer(client, "get_finding", task_id=second.id, finding_id=page["findings"][0]["finding_id"])
        summary = await answer(client, "summarize_findings", task_id=second.id)
    assert page["total"] == summary["findings"] > 0
    assert detail["finding"]["plugin_id"] == page["findings"][0]["plugin_id"]
    assert summary["delta"]["base_task_id"] == first.id
    assert summary["delta"]["counts"]["unchanged"] == page["total"]
