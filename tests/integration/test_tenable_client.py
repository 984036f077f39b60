"""The client with Tenable Vulnerability Management: what it sends, what it leaves alone, and when it is silent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import anyio
import pytest

from scanpool.emulator import default_network as network
from scanpool.emulator.cloud import SCANNERS
from scanpool.report.validate import validate
from scanpool.scanners import errors
from scanpool.scanners.nessus import ApiKeys, NessusScanner, NessusSettings
from scanpool.scanners.scanner import Activity, SshPassword
from tests.support.emulators import RunningEmulator, running_emulator
from tests.support.eventually import becomes
from tests.support.nessus import KEYS, USER, a_scan_spec, nessus_settings
from tests.support.scripted_scanner import NOT_FOUND, Script, ScriptedScanner, raw, reply

NGINX = b"<html><head><title>429 Too Many Requests</title></head></html>"
RUNNING = {"status": "running"}
ONE_RUN = {"pagination": {"total": 1, "limit": 2, "offset": 0}, "history": [{"id": 1}]}
HISTORY = "GET /scans/7/history?limit=2&offset=0&exclude_rollover=true"
A_RUNNING_SCAN: Script = {
    "GET /scans/7/latest-status": reply(RUNNING),
    "GET /scans/7/progress": reply({"progress": 40}),
    HISTORY: reply(ONE_RUN),
}
PAGE = {
    "settings": {
        "basic": {
            "inputs": [{"id": "scanner_id", "options": [{"name": "Office", "id": "uuid-office"}], "default": "cloud"}],
            "groups": [
                {"inputs": [{"id": "text_targets", "default": "every host"}, {"id": "emails", "default": "a@b"}]}
            ],
        },
        "report": {"groups": [{"sections": [{"inputs": [{"id": "host_tagging", "default": "yes"}]}]}]},
        "advanced": {
            "inputs": [{"id": "max_checks", "default": 5}, {"id": "empty", "default": None}],
            "modes": {"id": "m"},
        },
    }
}


def in_cloud(url: str, **fields: object) -> NessusSettings:
    return nessus_settings(url, kind="tenable-vm", **fields)


def busy(retry_after: str | None) -> Script:
    headers = {"Content-Type": "text/html"} | ({"Retry-After": retry_after} if retry_after else {})
    return {"POST /scans/7/launch": raw(NGINX, 429, headers=headers)}


@asynccontextmanager
async def emulated(
    network_scanner: str | None = None, **options: Any
) -> AsyncIterator[tuple[RunningEmulator, NessusScanner]]:
    async with running_emulator(profile="tenable-vm", **options) as emulator:
        keys = ApiKeys(access_key=emulator.emulator.access_key, secret_key=emulator.emulator.secret_key)
        settings = in_cloud(emulator.url, sign_in=keys, network_scanner=network_scanner)
        async with NessusScanner(settings) as scanner:
            yield emulator, scanner


async def over(scanner: NessusScanner, scan: int) -> None:
    async def so() -> bool:
        return (await scanner.progress(scan)).activity.is_over

    await becomes(so)


def test_a_user_and_password_are_refused() -> None:
    with pytest.raises(ValueError, match="API keys only"):
        in_cloud("https://cloud.tenable.com", sign_in=USER)


async def test_it_is_ready_when_it_accepts_the_keys_and_no_server_is_asked_for() -> None:
    async with (
        ScriptedScanner({"GET /folders": reply({"folders": []})}) as server,
        NessusScanner(in_cloud(server.url)) as scanner,
    ):
        shown = await scanner.readiness()
    assert (shown.ready, shown.can_launch, shown.edition) == (True, True, "Tenable Vulnerability Management")
    (asked,) = server.received
    assert asked.line == "GET /folders"
    assert asked.headers["x-apikeys"] == f"accessKey={KEYS.access_key}; secretKey={KEYS.secret_key}"
    assert asked.headers["user-agent"].startswith("Integration/1.0 (scanpool; scanpool; Build/")


async def test_wrong_keys_are_told_in_its_words() -> None:
    refusal = {"statusCode": 401, "error": "Unauthorized", "message": "Invalid credentials."}
    async with (
        ScriptedScanner({"GET /folders": reply(refusal, 401)}) as server,
        NessusScanner(in_cloud(server.url)) as scanner,
    ):
        shown = await scanner.readiness()
    assert not shown.ready
    assert "Unauthorized: Invalid credentials." in shown.reason


async def test_looking_at_a_scan_asks_for_its_status_and_seldom_for_its_runs() -> None:
    async with ScriptedScanner(A_RUNNING_SCAN) as server, NessusScanner(in_cloud(server.url)) as scanner:
        looks = [await scanner.progress(7) for _ in range(3)]
    assert {(each.activity, each.percent, each.runs) for each in looks} == {(Activity.RUNNING, 40, 1)}
    assert [server.count(line) for line in (*A_RUNNING_SCAN, "GET /scans/7")] == [3, 3, 1, 0]


async def test_its_runs_are_asked_for_again_when_its_status_changed() -> None:
    script: Script = {
        **A_RUNNING_SCAN,
        "GET /scans/7/latest-status": [reply(RUNNING), reply({"status": "pending"})],
        HISTORY: [reply(ONE_RUN), reply({"pagination": {"total": 2}, "history": [{}, {}]})],
    }
    async with ScriptedScanner(script) as server, NessusScanner(in_cloud(server.url)) as scanner:
        assert [(await scanner.progress(7)).runs for _ in range(3)] == [1, 2, 2]


@pytest.mark.parametrize("body", [NOT_FOUND, {"info": NOT_FOUND}])
async def test_a_scan_that_is_gone_is_not_found_in_either_form(body: object) -> None:
    async with (
        ScriptedScanner({"GET /scans/7/latest-status": reply(body, 404)}) as server,
        NessusScanner(in_cloud(server.url)) as scanner,
    ):
        with pytest.raises(errors.ScanNotFound):
            await scanner.progress(7)


async def test_a_percentage_that_is_not_there_leaves_the_status() -> None:
    async with (
        ScriptedScanner({**A_RUNNING_SCAN, "GET /scans/7/progress": reply(NOT_FOUND, 404)}) as server,
        NessusScanner(in_cloud(server.url)) as scanner,
    ):
        looked = await scanner.progress(7)
    assert (looked.activity, looked.percent) == (Activity.RUNNING, 0)


async def test_every_default_of_the_template_is_sent_and_the_request_counts_more() -> None:
    script = {
        "GET /editor/scan/templates/u-advanced": reply(PAGE),
        "POST /scans": reply({"scan": {"id": 41}}),
    }
    async with (
        ScriptedScanner(script) as server,
        NessusScanner(in_cloud(server.url, network_scanner="Office")) as scanner,
    ):
        await scanner.create(a_scan_spec(settings={"max_checks": "2"}))
        await scanner.create(a_scan_spec())
    first, second = (json.loads(each.body)["settings"] for each in server.received if each.line == "POST /scans")
    assert (first["max_checks"], second["max_checks"]) == ("2", 5)
    assert (first["host_tagging"], first["scanner_id"], first["text_targets"]) == ("yes", "uuid-office", "10.0.0.1")
    assert not {"emails", "empty", "m"} & first.keys()
    assert server.count("GET /editor/scan/templates/u-advanced") == 1


async def test_the_scanner_that_scans_is_found_by_its_name() -> None:
    async with emulated("Office scanners") as (emulator, scanner):
        number = await scanner.create(a_scan_spec())
        page = (await emulator.api.get(f"/editor/scan/{number}")).json()
    inputs = {each["id"]: each["default"] for each in page["settings"]["basic"]["inputs"]}
    assert inputs["scanner_id"] == SCANNERS["Office scanners"]
    assert inputs["host_tagging"] == "yes"


async def test_a_scanner_that_is_not_there_is_refused_with_those_that_are() -> None:
    async with emulated("Ofice") as (emulator, scanner):
        with pytest.raises(errors.TemplateUnknown, match=r"no scanner 'Ofice'.*Office scanners, US Cloud Scanner"):
            await scanner.create(a_scan_spec())
        assert (await emulator.control.stats())["scans"] == []


async def test_a_disabled_scan_and_a_full_container_are_refusals_that_say_so() -> None:
    async with emulated() as (emulator, scanner):
        number = await scanner.create(a_scan_spec())
        await emulator.control.fault("launch_forbidden")
        with pytest.raises(errors.PermissionDenied, match="the scan is disabled"):
            await scanner.launch(number)
        await emulator.control.fault("create_forbidden")
        with pytest.raises(errors.PermissionDenied, match="10,000"):
            await scanner.create(a_scan_spec())


async def test_after_a_429_nothing_is_sent_until_its_wait_is_over() -> None:
    async with (
        ScriptedScanner({**A_RUNNING_SCAN, **busy("1")}) as server,
        NessusScanner(in_cloud(server.url)) as scanner,
    ):
        with pytest.raises(errors.RateLimited) as refusal:
            await scanner.launch(7)
        asked = len(server.received)
        assert refusal.value.retry_after_s == 1
        for call in (scanner.progress, scanner.launch, scanner.stop, scanner.delete):
            with pytest.raises(errors.RateLimited, match="nothing was sent"):
                await call(7)
        assert not (await scanner.readiness()).ready
        assert len(server.received) == asked
        await becomes(lambda: _answered(scanner))
    assert server.count("POST /scans/7/launch") == 1


async def _answered(scanner: NessusScanner) -> bool:
    try:
        await scanner.progress(7)
    except errors.RateLimited:
        return False
    return True


@pytest.mark.parametrize("told", [None, "date", "soon"])
async def test_a_wait_may_be_a_date_or_unsaid_and_is_kept_all_the_same(told: str | None) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    async with (
        ScriptedScanner({**A_RUNNING_SCAN, **busy(date if told == "date" else told)}) as server,
        NessusScanner(in_cloud(server.url)) as scanner,
    ):
        with pytest.raises(errors.RateLimited):
            await scanner.launch(7)
        with pytest.raises(errors.RateLimited):
            await scanner.progress(7)
    assert len(server.received) == 1


async def test_a_call_that_waits_for_its_turn_while_a_429_comes_is_not_sent() -> None:
    async with emulated() as (emulator, _):
        keys = ApiKeys(access_key=emulator.emulator.access_key, secret_key=emulator.emulator.secret_key)
        await emulator.control.fault("rate_limit", retry_after=60, allowed=2)
        async with NessusScanner(in_cloud(emulator.url, sign_in=keys, max_connections=2)) as scanner:
            ended: list[str] = []

            async def ask() -> None:
                try:
                    await scanner.scans()
                    ended.append("answered")
                except errors.RateLimited:
                    ended.append("held")

            async with anyio.create_task_group() as group:
                for _ in range(40):
                    group.start_soon(ask)
        stats = await emulator.control.stats()
    assert (ended.count("answered"), ended.count("held")) == (2, 38)
    assert stats["rate_limited"] <= 2
    assert stats["too_early"] == 0


async def test_a_launch_beyond_the_active_limit_is_not_done_and_succeeds_later() -> None:
    async with emulated(max_active_scans=1, scan_seconds=600) as (emulator, scanner):
        first, second = await scanner.create(a_scan_spec(name="one")), await scanner.create(a_scan_spec(name="two"))
        await scanner.launch(first)
        with pytest.raises(errors.RateLimited):
            await scanner.launch(second)

        async def launched() -> bool:
            try:
                await scanner.launch(second)
            except errors.RateLimited:
                return False
            return True

        await becomes(launched)
        stats = await emulator.control.stats()
    assert [row["launched"] for row in stats["scans"]] == [1, 1]
    assert (stats["max_running"], stats["too_early"]) == (1, 0)


async def test_an_export_waits_out_a_429_and_is_not_begun_again(tmp_path: Path) -> None:
    async with emulated(export_seconds=0) as (emulator, scanner):
        number = await scanner.create(a_scan_spec(targets=("10.10.0.1",)))
        await scanner.launch(number)
        await over(scanner, number)
        for path in ("/status", "/download"):
            await emulator.control.fault("rate_limit", times=1, path=path)
        report = await scanner.export(number, tmp_path / "report")
        stats = await emulator.control.stats()
    assert report.size_bytes > 0
    assert (stats["rate_limited"], stats["too_early"]) == (2, 0)


async def test_an_archived_scan_is_followed_and_exported(tmp_path: Path) -> None:
    login = SshPassword(username=network.LINUX_ACCOUNT, password=network.LINUX_PASSWORD)
    async with emulated(export_seconds=0) as (emulator, scanner):
        number = await scanner.create(a_scan_spec(targets=("10.10.0.1",), login=login))
        await scanner.launch(number)
        await over(scanner, number)
        await emulator.control.fault("archived")
        assert (await emulator.api.get(f"/scans/{number}")).json()["info"]["is_archived"]
        assert (await scanner.progress(number)).percent == 100
        report = await scanner.export(number, tmp_path / "report.nessus")
    assert validate([report.path.read_bytes()]).authentication_status == "success"


async def test_a_paused_scan_is_stopped_by_resuming_it_first() -> None:
    script: Script = {
        "GET /scans/7/latest-status": reply({"status": "paused"}),
        "GET /scans/7/progress": reply({"progress": 40}),
        HISTORY: reply(ONE_RUN),
        "POST /scans/7/stop": [reply({"error": "Conflict"}, 409), reply()],
        "POST /scans/7/resume": reply(),
    }
    async with ScriptedScanner(script) as server, NessusScanner(in_cloud(server.url)) as scanner:
        await scanner.stop(7)
    orders = [each.line.rpartition("/")[2] for each in server.received if each.method == "POST"]
    assert orders == ["stop", "resume", "stop"]
