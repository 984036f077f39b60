"""The emulator as Tenable Vulnerability Management, over real sockets."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.emulators import RunningEmulator, running_emulator
from tests.support.eventually import becomes
from tests.support.raw_nessus import create, launch, order_export


@pytest.fixture
async def emulator() -> AsyncIterator[RunningEmulator]:
    async with running_emulator(profile="tenable-vm", export_seconds=0) as running:
        yield running


@pytest.fixture
async def slow() -> AsyncIterator[RunningEmulator]:
    """A scan takes ten minutes."""
    async with running_emulator(profile="tenable-vm", time_scale=1, scan_seconds=600) as running:
        yield running


async def status(api: httpx.AsyncClient, scan: int | str) -> str:
    answer = await api.get(f"/scans/{scan}/latest-status")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["status"])


async def comes_to(api: httpx.AsyncClient, scan: int, wanted: str) -> None:
    async def there() -> bool:
        return await status(api, scan) == wanted

    await becomes(there)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/server/status"),
        ("GET", "/server/properties"),
        ("POST", "/session"),
        ("GET", "/session"),
        ("GET", "/tokens/abc/status"),
    ],
)
async def test_what_only_nessus_has_is_not_found(emulator: RunningEmulator, method: str, path: str) -> None:
    answer = await emulator.api.request(method, path)
    assert (answer.status_code, answer.json()) == (404, {"error": "The requested file was not found"})
    assert answer.headers["server"] == "tenable.io"


async def test_without_keys_every_request_is_unauthorized_whatever_cookie_it_has(emulator: RunningEmulator) -> None:
    async with httpx.AsyncClient(base_url=emulator.url, headers={"X-Cookie": "token=abc"}) as anonymous:
        for path in ("/folders", "/server/status"):
            answer = await anonymous.get(path)
            assert answer.status_code == 401
            assert answer.json() == {"statusCode": 401, "error": "Unauthorized", "message": "Invalid credentials."}


async def test_a_scan_is_followed_by_status_progress_and_history(emulator: RunningEmulator) -> None:
    scan = await create(emulator.api)
    assert await status(emulator.api, scan) == "empty"
    run = await launch(emulator.api, scan)
    await comes_to(emulator.api, scan, "completed")
    assert (await emulator.api.get(f"/scans/{scan}/progress")).json() == {"progress": 100}
    told = (await emulator.api.get(f"/scans/{scan}/history")).json()
    assert told["pagination"]["total"] == 1
    assert [(each["scan_uuid"], each["status"]) for each in told["history"]] == [(run, "completed")]


async def test_history_comes_in_pages_the_newest_first(emulator: RunningEmulator) -> None:
    scan = await create(emulator.api)
    runs = []
    for _ in range(3):
        runs.append(await launch(emulator.api, scan))
        await comes_to(emulator.api, scan, "completed")
    page = (await emulator.api.get(f"/scans/{scan}/history?limit=2&offset=1")).json()
    assert page["pagination"]["total"] == 3
    assert [each["scan_uuid"] for each in page["history"]] == [runs[1], runs[0]]


async def test_a_schedule_uuid_stands_for_the_number(emulator: RunningEmulator) -> None:
    scan = await create(emulator.api)
    (listed,) = (await emulator.api.get("/scans")).json()["scans"]
    uuid = listed["schedule_uuid"]
    await launch(emulator.api, uuid)
    await comes_to(emulator.api, scan, "completed")
    assert await status(emulator.api, uuid) == "completed"


async def test_an_export_is_known_by_its_file_which_is_text(emulator: RunningEmulator) -> None:
    scan = await create(emulator.api)
    await launch(emulator.api, scan)
    await comes_to(emulator.api, scan, "completed")
    ordered = await order_export(emulator.api, scan)
    assert isinstance(ordered["file"], str)
    assert "token" not in ordered
    place = f"/scans/{scan}/export/{ordered['file']}"
    assert (await emulator.api.get(f"{place}/status")).json() == {"status": "ready"}
    assert b"</NessusClientData_v2>" in (await emulator.api.get(f"{place}/download")).content
    assert (await emulator.api.get(f"{place}/download")).status_code == 404


async def test_the_26th_active_scan_is_too_many_in_html(slow: RunningEmulator) -> None:
    scans = [await create(slow.api, name=f"scan {number}") for number in range(26)]
    for scan in scans[:25]:
        await launch(slow.api, scan)
    refused = await slow.api.post(f"/scans/{scans[25]}/launch", json={})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
    assert refused.headers["content-type"].startswith("text/html")
    assert "429 Too Many Requests" in refused.text
    stats = await slow.control.stats()
    assert (stats["running"], stats["rate_limited"], stats["scans"][25]["launched"]) == (25, 1, 0)


async def test_what_is_pending_can_be_stopped_and_then_be_forced_to(slow: RunningEmulator) -> None:
    await slow.control.fault("never_starts")
    waiting = await create(slow.api, name="pending")
    await launch(slow.api, waiting)
    assert (await slow.api.post(f"/scans/{waiting}/pause")).status_code == 409
    assert (await slow.api.post(f"/scans/{waiting}/force-stop")).status_code == 409
    assert (await slow.api.post(f"/scans/{waiting}/kill")).status_code == 404
    assert (await slow.api.post(f"/scans/{waiting}/stop")).status_code == 200
    assert (await slow.api.post(f"/scans/{waiting}/force-stop")).status_code == 200
    assert await status(slow.api, waiting) == "aborted"


async def test_a_scan_that_somebody_paused_cannot_be_stopped_before_it_is_resumed() -> None:
    async with running_emulator(profile="tenable-vm", scan_seconds=6000) as emulator:
        await emulator.control.fault("paused", at=0.1)
        scan = await create(emulator.api)
        await launch(emulator.api, scan)
        await comes_to(emulator.api, scan, "paused")
        assert (await emulator.api.post(f"/scans/{scan}/stop")).status_code == 409
        assert (await emulator.api.post(f"/scans/{scan}/resume")).status_code == 200
        assert (await emulator.api.post(f"/scans/{scan}/stop")).status_code == 200
        await comes_to(emulator.api, scan, "canceled")


async def test_a_scan_that_is_pending_for_four_hours_is_aborted() -> None:
    async with running_emulator(profile="tenable-vm", time_scale=14_400) as emulator:
        await emulator.control.fault("never_starts")
        scan = await create(emulator.api)
        await launch(emulator.api, scan)
        assert await status(emulator.api, scan) == "pending"
        await comes_to(emulator.api, scan, "aborted")


async def test_results_that_are_stored_are_publishing() -> None:
    async with running_emulator(profile="tenable-vm", scan_seconds=6000) as emulator:
        scan = await create(emulator.api)
        await launch(emulator.api, scan)
        await comes_to(emulator.api, scan, "publishing")


async def test_only_a_scanner_that_it_has_may_scan(emulator: RunningEmulator) -> None:
    (page,) = [
        (await emulator.api.get(f"/editor/scan/templates/{each['uuid']}")).json()
        for each in (await emulator.api.get("/editor/scan/templates")).json()["templates"]
        if each["name"] == "advanced"
    ]
    (chosen,) = [each for each in page["settings"]["basic"]["inputs"] if each["id"] == "scanner_id"]
    assert "Office scanners" in [each["name"] for each in chosen["options"]]
    body = {"uuid": page["uuid"], "settings": {"name": "x", "text_targets": "10.10.0.1", "scanner_id": "nobody"}}
    assert (await emulator.api.post("/scans", json=body)).status_code == 404
