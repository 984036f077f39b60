"""The faults of the emulator over real sockets: each does what it says, and only to whom it is meant for."""

import time
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime

import anyio
import httpx
import pytest
from lxml import etree

from tests.support.emulators import RunningEmulator, running_emulator
from tests.support.eventually import becomes
from tests.support.raw_nessus import (
    create,
    details,
    download,
    export_becomes,
    launch,
    order_export,
    run_to_the_end,
    scan_body,
    status_becomes,
)

CUT = (httpx.RemoteProtocolError, httpx.ReadError)


@pytest.fixture
async def emulator() -> AsyncIterator[RunningEmulator]:
    async with running_emulator() as running:
        yield running


async def names(emulator: RunningEmulator) -> list[str]:
    return [scan["name"] for scan in (await emulator.control.stats())["scans"]]


async def test_a_scanner_that_is_down_answers_nobody_but_the_control_interface(
    emulator: RunningEmulator,
) -> None:
    await emulator.control.fault("down")
    for path in ("/server/status", "/scans", "/anything"):
        with pytest.raises(CUT):
            await emulator.api.get(path)
    await emulator.control.clear_faults()
    assert (await emulator.api.get("/scans")).status_code == 200


async def test_a_slow_scanner_answers_late(emulator: RunningEmulator) -> None:
    await emulator.control.fault("slow", seconds=0.2, times=1)
    begun = time.monotonic()
    await emulator.api.get("/scans")
    assert time.monotonic() - begun >= 0.2


async def test_an_order_that_makes_no_sense_is_refused_with_what_there_is(emulator: RunningEmulator) -> None:
    answer = await emulator.api.post("/_control/faults", json={"fault": "sulk"})
    assert answer.status_code == 400
    assert "unknown fault 'sulk'" in answer.json()["error"]
    assert answer.json()["faults"]["slow"]["parameters"]["seconds"] == 5.0


async def test_the_faults_in_force_are_listed(emulator: RunningEmulator) -> None:
    ordered = await emulator.control.fault("aborted", match="weekly", times=3)
    assert (await emulator.api.get("/_control/faults")).json() == {"faults": [ordered]}


async def test_one_scan_gives_up_and_the_others_do_not(emulator: RunningEmulator) -> None:
    await emulator.control.fault("aborted", match="doomed", at=0.3)
    doomed, other = await create(emulator.api, name="doomed one"), await create(emulator.api, name="other")
    await launch(emulator.api, doomed)
    await launch(emulator.api, other)
    await status_becomes(emulator.api, doomed, "aborted")
    await status_becomes(emulator.api, other, "completed")


async def test_a_connection_cut_after_creating_leaves_the_scan(emulator: RunningEmulator) -> None:
    await emulator.control.fault("cut_after_create", times=1)
    with pytest.raises(CUT):
        await create(emulator.api, name="unanswered")
    assert await names(emulator) == ["unanswered"]


async def test_a_connection_cut_before_creating_leaves_nothing(emulator: RunningEmulator) -> None:
    await emulator.control.fault("cut_before_create", match="unlucky", times=1)
    await create(emulator.api, name="other")
    with pytest.raises(CUT):
        await create(emulator.api, name="unlucky")
    assert await names(emulator) == ["other"]


async def test_a_connection_cut_after_launching_leaves_it_running(emulator: RunningEmulator) -> None:
    scan = await create(emulator.api)
    await emulator.control.fault("cut_after_launch", times=1)
    with pytest.raises(CUT):
        await launch(emulator.api, scan)
    await status_becomes(emulator.api, scan, "completed")
    assert (await emulator.control.stats())["scans"][0]["launched"] == 1


async def test_a_truncated_export_ends_as_if_it_were_whole(emulator: RunningEmulator) -> None:
    scan = await run_to_the_end(emulator.api, targets="10.10.0.1-10.10.0.4")
    await emulator.control.fault("truncated_export", times=1)
    short = await download(emulator.api, scan)
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(short)
    whole = await download(emulator.api, scan)
    assert len(etree.fromstring(whole).findall("Report/ReportHost")) == 4
    assert len(short) < len(whole)


async def test_a_truncated_export_may_end_with_the_connection(emulator: RunningEmulator) -> None:
    scan = await run_to_the_end(emulator.api)
    await emulator.control.fault("truncated_export", cut=True, times=1)
    with pytest.raises(CUT):
        await download(emulator.api, scan)


async def test_an_export_of_a_report_without_hosts_can_be_truncated_too(emulator: RunningEmulator) -> None:
    scan = await run_to_the_end(emulator.api, targets="10.10.200.1")
    await emulator.control.fault("truncated_export", times=1)
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(await download(emulator.api, scan))


async def test_a_malformed_export_is_complete_and_no_xml(emulator: RunningEmulator) -> None:
    scan = await run_to_the_end(emulator.api)
    await emulator.control.fault("malformed_export", times=1)
    file = await download(emulator.api, scan)
    assert file.rstrip().endswith(b"</NessusClientData_v2>")
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(file)


async def test_a_slow_download_comes_piece_by_piece(emulator: RunningEmulator) -> None:
    scan = await run_to_the_end(emulator.api, targets="10.10.0.1-10.10.0.3")
    await emulator.control.fault("slow_download", seconds=0.05, times=1)
    token = (await order_export(emulator.api, scan))["token"]
    await export_becomes(emulator.api, token, "ready")
    begun = time.monotonic()
    async with emulator.api.stream("GET", f"/tokens/{token}/download") as answer:
        pieces = [piece async for piece in answer.aiter_raw()]
    assert len(pieces) >= 5
    assert time.monotonic() - begun >= 0.25


async def test_an_export_that_fails_says_so_once_and_is_gone(emulator: RunningEmulator) -> None:
    scan = await run_to_the_end(emulator.api)
    await emulator.control.fault("export_error", times=2)
    token = (await order_export(emulator.api, scan))["token"]
    await export_becomes(emulator.api, token, "error")
    assert (await emulator.api.get(f"/tokens/{token}/status")).status_code == 404
    status = f"/scans/{scan}/export/{(await order_export(emulator.api, scan))['file']}/status"
    until = time.monotonic() + 60
    while (answer := await emulator.api.get(status)).json() == {"status": "loading"}:
        assert time.monotonic() < until
    assert (answer.status_code, answer.json()) == (500, {"status": "error"})
    assert (await emulator.api.get(status)).status_code == 404


async def test_an_export_that_is_never_ready_goes_on_loading(emulator: RunningEmulator) -> None:
    scan = await run_to_the_end(emulator.api)
    await emulator.control.fault("export_never_ready", times=1)
    stuck = (await order_export(emulator.api, scan))["token"]
    await download(emulator.api, scan)
    assert (await emulator.api.get(f"/tokens/{stuck}/status")).json() == {"status": "loading"}


async def test_a_loading_scanner_tells_its_progress_and_refuses_the_rest(emulator: RunningEmulator) -> None:
    await emulator.control.fault("loading", progress=42)
    status = await emulator.api.get("/server/status")
    assert (status.status_code, status.json()["status"], status.json()["progress"]) == (503, "loading", 42)
    refused = await emulator.api.get("/scans")
    assert (refused.status_code, set(refused.json())) == (503, {"error"})


async def test_a_loading_scanner_may_cut_connections(emulator: RunningEmulator) -> None:
    await emulator.control.fault("loading", cut=True)
    with pytest.raises(CUT):
        await emulator.api.get("/scans")
    assert (await emulator.api.get("/server/status")).json()["status"] == "loading"


async def test_a_session_expires_and_keys_do_not(emulator: RunningEmulator) -> None:
    login = {"username": emulator.options.username, "password": emulator.options.password}
    async with httpx.AsyncClient(base_url=emulator.url) as http:
        token = (await http.post("/session", json=login)).json()["token"]
        http.headers["X-Cookie"] = f"token={token}"
        await emulator.control.fault("session_expiry", times=1)
        assert (await emulator.api.get("/scans")).status_code == 200
        refused = await http.get("/scans")
        told = '{"error":"You need to log in to perform this request"}'
        assert (refused.status_code, refused.text) == (401, told)
        http.headers["X-Cookie"] = f"token={(await http.post('/session', json=login)).json()['token']}"
        assert (await http.get("/scans")).status_code == 200


async def test_too_many_users_are_refused_a_session(emulator: RunningEmulator) -> None:
    await emulator.control.fault("too_many_users", times=1)
    login = {"username": emulator.options.username, "password": emulator.options.password}
    assert (await emulator.api.post("/session", json=login)).status_code == 500
    assert (await emulator.api.post("/session", json=login)).status_code == 200


async def test_a_rate_limit_says_when_to_come_again(emulator: RunningEmulator) -> None:
    await emulator.control.fault("rate_limit", retry_after=7, times=1)
    answer = await emulator.api.get("/scans")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    await emulator.control.fault("rate_limit", retry_after=60, date=True, times=1)
    answer = await emulator.api.get("/scans")
    assert parsedate_to_datetime(answer.headers["retry-after"]).timestamp() > time.time() + 30


async def test_a_forgotten_scan_is_not_found_any_more(emulator: RunningEmulator) -> None:
    kept, lost = await create(emulator.api, name="kept"), await create(emulator.api, name="lost")
    await emulator.control.fault("lost_scan", match="lost")
    assert (await emulator.api.get(f"/scans/{lost}")).status_code == 404
    await emulator.control.clear_faults()
    assert (await emulator.api.post(f"/scans/{lost}/launch")).status_code == 404
    assert [one["id"] for one in (await emulator.api.get("/scans")).json()["scans"]] == [kept]
    assert await names(emulator) == ["kept", "lost"]


@pytest.mark.parametrize("html", [True, False])
async def test_garbage_is_a_success_that_is_no_json(emulator: RunningEmulator, html: bool) -> None:
    await emulator.control.fault("garbage", html=html, path="/scans", times=1)
    assert (await emulator.api.get("/folders")).json()
    answer = await emulator.api.get("/scans")
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        answer.json()


async def test_a_server_error_can_be_aimed_at_one_scan_and_method(emulator: RunningEmulator) -> None:
    aimed, other = await create(emulator.api, name="aimed"), await create(emulator.api, name="other")
    await emulator.control.fault("server_error", match="aimed", method="POST", status=502)
    assert (await emulator.api.post(f"/scans/{other}/launch")).status_code == 200
    assert (await details(emulator.api, aimed))["info"]["status"] == "empty"
    assert (await emulator.api.post(f"/scans/{aimed}/launch")).status_code == 502


async def test_a_licence_that_ran_out_refuses_what_changes_scans(emulator: RunningEmulator) -> None:
    scan = await create(emulator.api)
    await emulator.control.fault("licence")
    refused = await emulator.api.post(f"/scans/{scan}/launch")
    assert (refused.status_code, refused.text) == (412, '{"error":"API is not available"}')
    features = (await emulator.api.get("/server/properties")).json()["license"]["features"]
    assert features["scan_api"] is False
    assert (await details(emulator.api, scan))["info"]["status"] == "empty"


async def test_a_refusal_for_the_licence_may_lose_its_body(emulator: RunningEmulator) -> None:
    await emulator.control.fault("licence", cut=True)
    body = await scan_body(emulator.api)
    async with emulator.api.stream("POST", "/scans", json=body) as answer:
        assert (answer.status_code, answer.headers["content-length"]) == (412, "32")
        with pytest.raises(CUT):
            await answer.aread()
    assert await names(emulator) == []


async def test_the_properties_may_be_silent_about_the_licence(emulator: RunningEmulator) -> None:
    await emulator.control.fault("no_features")
    assert "features" not in (await emulator.api.get("/server/properties")).json()["license"]


async def _hung(emulator: RunningEmulator, seconds: float) -> bool:
    """Whether a launch gets no answer for so long; its sender then leaves."""
    try:
        await emulator.api.post("/scans/5/launch", json={}, timeout=seconds)
    except httpx.ReadTimeout:
        return True
    return False


async def _launches(emulator: RunningEmulator) -> list[int]:
    return [scan["launched"] for scan in (await emulator.control.stats())["scans"]]


async def test_a_hanging_request_whose_sender_leaves_is_never_carried_out(emulator: RunningEmulator) -> None:
    assert await create(emulator.api) == 5
    await emulator.control.fault("hang", path="/launch")
    assert await _hung(emulator, 0.2)
    await emulator.control.clear_faults()
    assert await _launches(emulator) == [0]
    assert not await _hung(emulator, 5)


async def test_a_hanging_request_goes_on_when_the_faults_are_cleared(emulator: RunningEmulator) -> None:
    scan = await create(emulator.api)
    await emulator.control.fault("hang", method="POST", times=1)
    ended: list[httpx.Response] = []

    async def send() -> None:
        ended.append(await emulator.api.post(f"/scans/{scan}/launch", json={"alt_targets": ["10.10.1.1"]}))

    async def taken() -> bool:
        left: list[object] = (await emulator.api.get("/_control/faults")).json()["faults"]
        return not left

    async with anyio.create_task_group() as group:
        group.start_soon(send)
        await becomes(taken)
        assert ended == []
        await emulator.control.clear_faults()
    assert ended[0].status_code == 200
    found = await status_becomes(emulator.api, scan, "completed")
    assert [host["hostname"] for host in found["hosts"]] == ["10.10.1.1"]


async def test_a_hanging_request_may_have_been_carried_out(emulator: RunningEmulator) -> None:
    await create(emulator.api)
    await emulator.control.fault("hang", path="/launch", done=True)
    assert await _hung(emulator, 0.2)
    assert await _launches(emulator) == [1]


async def test_an_emulator_with_hanging_requests_stops() -> None:
    async with running_emulator() as emulator:
        await emulator.control.fault("hang", path="/scans")

        async def send() -> None:
            with pytest.raises(CUT):
                await emulator.api.get("/scans", timeout=30)

        async with anyio.create_task_group() as group:
            group.start_soon(send)
            await becomes(lambda: _is_held(emulator))
            await emulator.emulator.__aexit__(None, None, None)


async def _is_held(emulator: RunningEmulator) -> bool:
    return (await emulator.api.get("/server/status")).status_code == 200


async def test_a_scan_that_somebody_paused_waits_and_goes_on(emulator: RunningEmulator) -> None:
    await emulator.control.fault("paused", at=0.3, times=1)
    scan = await create(emulator.api)
    await launch(emulator.api, scan)
    await status_becomes(emulator.api, scan, "paused")
    assert (await emulator.api.post(f"/scans/{scan}/resume")).status_code == 200
    await status_becomes(emulator.api, scan, "completed")


async def test_a_scan_that_somebody_stops_ends_canceled_with_what_it_has(emulator: RunningEmulator) -> None:
    await emulator.control.fault("canceled", at=0.9, times=1)
    scan = await create(emulator.api, targets="10.10.0.1-10.10.0.4")
    await launch(emulator.api, scan)
    found = await status_becomes(emulator.api, scan, "canceled")
    assert found["hosts"]
    stats = await emulator.control.stats()
    assert stats["scans"][0]["stopped"] == 0


async def test_a_scan_may_complete_without_a_host(emulator: RunningEmulator) -> None:
    await emulator.control.fault("no_hosts", times=1)
    scan = await run_to_the_end(emulator.api)
    assert (await details(emulator.api, scan))["hosts"] is None
    report = etree.fromstring(await download(emulator.api, scan))
    assert report.findall("Report/ReportHost") == []


async def test_a_scan_may_never_stop_and_is_killed() -> None:
    async with running_emulator(scan_seconds=60_000) as emulator:
        await emulator.control.fault("never_stops", times=1)
        scan = await create(emulator.api)
        await launch(emulator.api, scan)
        await emulator.api.post(f"/scans/{scan}/stop")
        for _ in range(20):
            assert (await details(emulator.api, scan))["info"]["status"] == "stopping"
        assert (await emulator.api.post(f"/scans/{scan}/kill")).status_code == 200
        await status_becomes(emulator.api, scan, "aborted")


async def test_a_scan_may_never_start(emulator: RunningEmulator) -> None:
    await emulator.control.fault("never_starts", match="stuck")
    stuck = await create(emulator.api, name="stuck")
    await launch(emulator.api, stuck)
    await run_to_the_end(emulator.api, name="other")
    assert (await details(emulator.api, stuck))["info"]["status"] == "pending"


@pytest.mark.parametrize(("fault", "path"), [("create_forbidden", "/scans"), ("launch_forbidden", "/scans/5/launch")])
async def test_what_is_forbidden_is_not_done(emulator: RunningEmulator, fault: str, path: str) -> None:
    await create(emulator.api)
    await emulator.control.fault(fault)
    answer = await emulator.api.post(path, json=await scan_body(emulator.api))
    assert answer.status_code == 403
    assert await _launches(emulator) == [0]


async def test_a_limit_lets_as_many_requests_through_as_it_allows(emulator: RunningEmulator) -> None:
    await emulator.control.fault("rate_limit", allowed=3, retry_after=60, html=True)
    answers = [await emulator.api.get("/scans") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[3].headers["content-type"].startswith("text/html")
    assert (await emulator.control.stats())["rate_limited"] == 2
