"""The emulator's REST API over real sockets: what a Nessus answers, to the letter where it is known."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from lxml import etree

from scanpool.emulator.credentials import MASK
from scanpool.emulator.default_network import LINUX_ACCOUNT, LINUX_PASSWORD
from tests.support.emulators import RunningEmulator, running_emulator
from tests.support.raw_nessus import (
    create,
    details,
    download,
    export_becomes,
    launch,
    order_export,
    run_to_the_end,
    scan_body,
    ssh,
    status_becomes,
    template_uuid,
)

SLOW = 0.5
"""A time scale at which a scan does not end during a test."""


@pytest.fixture
async def emulator() -> AsyncIterator[RunningEmulator]:
    async with running_emulator() as running:
        yield running


@pytest.fixture
async def api(emulator: RunningEmulator) -> httpx.AsyncClient:
    return emulator.api


@pytest.fixture
async def slow() -> AsyncIterator[RunningEmulator]:
    async with running_emulator(time_scale=SLOW) as running:
        yield running


async def test_the_server_is_ready_and_says_so_to_anybody(emulator: RunningEmulator) -> None:
    async with httpx.AsyncClient(base_url=emulator.url) as anonymous:
        answer = await anonymous.get("/server/status")
    assert answer.headers["server"] == "NessusWWW"
    assert answer.headers["cache-control"] == "no-cache, no-store"
    assert (answer.json()["code"], answer.json()["status"]) == (200, "ready")


async def test_an_unknown_url_is_not_found(api: httpx.AsyncClient) -> None:
    answer = await api.get("/nothing/here")
    assert (answer.status_code, answer.text) == (404, '{"error":"The requested file was not found"}')


async def test_a_wrong_method_is_not_allowed(api: httpx.AsyncClient) -> None:
    answer = await api.put("/scans")
    told = '{"error":"The requested method is not allowed for this URL"}'
    assert (answer.status_code, answer.text) == (405, told)


async def test_lists_without_anything_are_null(api: httpx.AsyncClient) -> None:
    assert (await api.get("/scans")).json()["scans"] is None


async def test_templates_are_known_by_name(api: httpx.AsyncClient) -> None:
    listed = {one["name"]: one for one in (await api.get("/editor/scan/templates")).json()["templates"]}
    assert {"advanced", "basic", "discovery"} <= set(listed)
    detail = (await api.get(f"/editor/scan/templates/{listed['basic']['uuid']}")).json()
    (host,) = detail["credentials"]["data"]
    inputs = {kind["name"]: {one["id"] for one in kind["inputs"]} for kind in host["types"]}
    assert {"auth_method", "username", "elevate_privileges_with", "escalation_password"} <= inputs["SSH"]
    assert {"auth_method", "username", "password", "domain"} <= inputs["Windows"]


async def test_a_created_scan_has_the_fields_of_a_nessus(api: httpx.AsyncClient) -> None:
    scan = (await api.post("/scans", json=await scan_body(api, name="weekly"))).json()["scan"]
    assert scan["name"] == "weekly"
    assert scan["uuid"].startswith("template-")
    assert scan["default_permisssions"] == 0
    assert (scan["enabled"], scan["type"], scan["rrules"]) == (0, "public", None)


async def test_a_scan_that_never_ran_is_empty_and_full_of_nulls(api: httpx.AsyncClient) -> None:
    scan = await create(api)
    (listed,) = (await api.get("/scans")).json()["scans"]
    assert (listed["id"], listed["status"], listed["uuid"]) == (scan, "empty", None)
    assert (listed["creation_date"], listed["last_modification_date"]) == (0, 0)
    found = await details(api, scan)
    assert found["info"]["status"] == "empty"
    assert [found[name] for name in ("hosts", "vulnerabilities", "history")] == [None, None, None]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"uuid": "nonsense"}, 404),
        ({"settings": {"name": "no targets"}}, 400),
        ({"settings": {"name": "", "text_targets": "10.0.0.1"}}, 400),
        ({"settings": {"name": "x", "text_targets": "10.0.0.1", "policy_id": 999}}, 404),
        ({"settings": {"name": "x", "text_targets": "10.0.0.1", "folder_id": 999}}, 404),
        ({"settings": None}, 400),
        ({"credentials": {"add": {"Host": {"SSH": [{"username": 5}]}}}}, 400),
        ({"credentials": {"add": []}}, 400),
    ],
)
async def test_a_bad_scan_is_refused_and_nothing_is_created(
    api: httpx.AsyncClient, change: dict[str, object], status: int
) -> None:
    answer = await api.post("/scans", json=await scan_body(api) | change)
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    assert (await api.get("/scans")).json()["scans"] is None


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe"])
async def test_a_body_that_is_no_json_object_is_a_bad_request(api: httpx.AsyncClient, content: bytes) -> None:
    assert (await api.post("/scans", content=content)).status_code == 400


async def test_a_scan_goes_from_pending_to_completed() -> None:
    async with running_emulator(time_scale=60) as emulator:
        scan = await create(emulator.api)
        run = await launch(emulator.api, scan)
        seen: list[str] = []
        async with asyncio.timeout(60):
            while "completed" not in seen:
                found = await details(emulator.api, scan)
                seen += [one for one in [found["info"]["status"]] if one not in seen]
        order = ["pending", "running", "processing", "completed"]
        assert [one for one in order if one in seen] == seen
        assert "running" in seen
        (history,) = found["history"]
        assert (history["uuid"], history["status"]) == (run, "completed")


async def test_hosts_appear_one_after_the_other() -> None:
    async with running_emulator(time_scale=20) as emulator:
        scan = await create(emulator.api, targets="10.10.0.0/28")
        await launch(emulator.api, scan)
        async with asyncio.timeout(60):
            while not (hosts := (await details(emulator.api, scan))["hosts"]):
                pass
        assert len(hosts) < 16
        assert hosts[0]["scanprogresscurrent"] < hosts[0]["scanprogresstotal"]
        assert hosts[0]["progress"].endswith(f"/{hosts[0]['scanprogresstotal']}")


async def test_a_completed_scan_counts_what_its_report_holds(api: httpx.AsyncClient) -> None:
    scan = await run_to_the_end(api, "10.10.0.1", credentials=ssh(LINUX_ACCOUNT, LINUX_PASSWORD))
    found = await details(api, scan)
    (host,) = found["hosts"]
    items = etree.fromstring(await download(api, scan)).findall("Report/ReportHost/ReportItem")
    names = ("info", "low", "medium", "high", "critical")
    assert [host[name] for name in names] == [
        sum(item.get("severity") == str(level) for item in items) for level in range(5)
    ]
    assert sum(one["count"] for one in found["vulnerabilities"]) == len(items)


async def test_a_scan_on_other_targets_keeps_its_own(api: httpx.AsyncClient) -> None:
    scan = await create(api, targets="10.10.0.1")
    await api.post(f"/scans/{scan}/launch", json={"alt_targets": ["10.10.0.2", "10.10.0.3"]})
    found = await status_becomes(api, scan, "completed")
    assert [host["hostname"] for host in found["hosts"]] == ["10.10.0.2", "10.10.0.3"]
    await launch(api, scan)
    found = await status_becomes(api, scan, "completed")
    assert [host["hostname"] for host in found["hosts"]] == ["10.10.0.1"]
    assert len(found["history"]) == 2


async def test_an_older_run_can_be_read_and_forgotten(api: httpx.AsyncClient) -> None:
    scan = await run_to_the_end(api)
    first = (await details(api, scan))["history"][0]["history_id"]
    await launch(api, scan)
    assert (await api.get(f"/scans/{scan}", params={"history_id": first})).json()["info"]["status"] == "completed"
    await status_becomes(api, scan, "completed")
    assert (await api.delete(f"/scans/{scan}/history/{first}")).status_code == 200
    assert (await api.get(f"/scans/{scan}", params={"history_id": first})).status_code == 404
    assert (await details(api, scan))["info"]["status"] == "completed"


async def test_a_running_scan_cannot_be_launched_or_deleted(slow: RunningEmulator) -> None:
    scan = await create(slow.api)
    await launch(slow.api, scan)
    assert (await slow.api.post(f"/scans/{scan}/launch")).status_code == 409
    assert (await slow.api.delete(f"/scans/{scan}")).status_code == 409
    stats = await slow.control.stats()
    assert (stats["scans"][0]["launched"], stats["scans"][0]["deleted"], stats["running"]) == (1, 0, 1)


async def test_a_scan_is_paused_resumed_and_stopped(api: httpx.AsyncClient) -> None:
    async with running_emulator(time_scale=20) as emulator:
        api = emulator.api
        scan = await create(api)
        await launch(api, scan)
        await status_becomes(api, scan, "running")
        assert (await api.post(f"/scans/{scan}/pause")).content == b""
        await status_becomes(api, scan, "paused")
        assert (await api.post(f"/scans/{scan}/pause")).status_code == 409
        assert (await api.post(f"/scans/{scan}/resume")).status_code == 200
        await status_becomes(api, scan, "running")
        assert (await api.post(f"/scans/{scan}/stop")).status_code == 200
        await status_becomes(api, scan, "canceled")
        assert (await emulator.control.stats())["scans"][0]["stopped"] == 1


async def test_a_killed_scan_is_over_at_once(slow: RunningEmulator) -> None:
    scan = await create(slow.api)
    await launch(slow.api, scan)
    assert (await slow.api.post(f"/scans/{scan}/kill")).status_code == 200
    assert (await details(slow.api, scan))["info"]["status"] == "aborted"


async def test_a_stopped_scan_exports_what_it_has(api: httpx.AsyncClient) -> None:
    async with running_emulator(time_scale=20) as emulator:
        scan = await create(emulator.api, targets="10.10.0.1-10.10.0.30")
        await launch(emulator.api, scan)
        until_some = await status_becomes(emulator.api, scan, "running")
        async with asyncio.timeout(60):
            while len(until_some["hosts"] or []) < 2:
                until_some = await details(emulator.api, scan)
        await emulator.api.post(f"/scans/{scan}/stop")
        await status_becomes(emulator.api, scan, "canceled")
        hosts = etree.fromstring(await download(emulator.api, scan)).findall("Report/ReportHost")
        assert 0 < len(hosts) < 30
        unfinished = [host for host in hosts if host.find("HostProperties/tag[@name='HOST_END']") is None]
        assert unfinished
        assert all(host.find("ReportItem[@pluginID='19506']") is None for host in unfinished)


async def test_an_export_is_made_then_fetched_once(api: httpx.AsyncClient) -> None:
    scan = await run_to_the_end(api, name="weekly/office [a]")
    ordered = await order_export(api, scan)
    await export_becomes(api, ordered["token"], "ready")
    answer = await api.get(f"/tokens/{ordered['token']}/download")
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert 'filename="weekly_office__a__' in answer.headers["content-disposition"]
    assert answer.content.rstrip().endswith(b"</NessusClientData_v2>")
    again = await api.get(f"/tokens/{ordered['token']}/download")
    assert (again.status_code, again.text) == (404, '{"error":"The requested file was not found"}')


async def test_an_export_can_be_followed_by_file_number(api: httpx.AsyncClient) -> None:
    scan = await run_to_the_end(api)
    file = (await order_export(api, scan))["file"]
    async with asyncio.timeout(60):
        while (await api.get(f"/scans/{scan}/export/{file}/status")).json() != {"status": "ready"}:
            pass
    assert (await api.get(f"/scans/{scan}/export/{file}/download")).status_code == 200
    assert (await api.get(f"/scans/{scan}/export/{file}/status")).status_code == 404


async def test_an_export_is_loading_at_first_and_cannot_be_fetched_then(slow: RunningEmulator) -> None:
    scan = await create(slow.api)
    await launch(slow.api, scan)
    token = (await order_export(slow.api, scan))["token"]
    assert (await slow.api.get(f"/tokens/{token}/status")).json() == {"status": "loading"}
    assert (await slow.api.get(f"/tokens/{token}/download")).status_code == 409


async def test_an_older_server_gives_no_token(api: httpx.AsyncClient) -> None:
    async with running_emulator(legacy_export=True) as emulator:
        scan = await run_to_the_end(emulator.api)
        assert set(await order_export(emulator.api, scan)) == {"file"}


@pytest.mark.parametrize("wanted", [{}, {"format": "pdf"}, {"format": "nessus", "filter.0.filter": "x"}])
async def test_an_export_that_the_emulator_cannot_make_is_refused(
    api: httpx.AsyncClient, wanted: dict[str, str]
) -> None:
    scan = await run_to_the_end(api)
    assert (await api.post(f"/scans/{scan}/export", json=wanted)).status_code == 400


async def test_what_never_ran_cannot_be_exported(api: httpx.AsyncClient) -> None:
    scan = await create(api)
    assert (await api.post(f"/scans/{scan}/export", json={"format": "nessus"})).status_code == 404


async def test_the_scan_information_can_be_read_without_an_export(api: httpx.AsyncClient) -> None:
    scan = await run_to_the_end(api, "10.10.0.1", credentials=ssh(LINUX_ACCOUNT, LINUX_PASSWORD))
    (host,) = (await details(api, scan))["hosts"]
    url = f"/scans/{scan}/hosts/{host['host_id']}"
    assert (await api.get(url)).json()["info"]["host-ip"] == "10.10.0.1"
    (output,) = (await api.get(f"{url}/plugins/19506")).json()["outputs"]
    assert "Credentialed checks : yes, as 'audit' via ssh" in output["plugin_output"]
    assert (await api.get(f"{url}/plugins/1")).status_code == 404
    assert (await api.get(f"/scans/{scan}/hosts/99")).status_code == 404


async def test_a_key_file_is_uploaded_and_opens_hosts(api: httpx.AsyncClient) -> None:
    pem = b"-----BEGIN PRIVATE KEY-----\nMC4CAQ==\n-----END PRIVATE KEY-----\n"
    answer = await api.post("/file/upload", files={"Filedata": ("id_audit", pem)}, data={"no_enc": "0"})
    name = answer.json()["fileuploaded"]
    login = {"auth_method": "public key", "username": LINUX_ACCOUNT, "private_key": name}
    scan = await run_to_the_end(api, credentials={"add": {"Host": {"SSH": [login]}}})
    assert b"Credentialed checks : yes, as 'audit' via ssh" in await download(api, scan)


async def test_a_form_without_a_file_is_a_bad_request(api: httpx.AsyncClient) -> None:
    assert (await api.post("/file/upload", data={"no_enc": "0"})).status_code == 400


async def test_secrets_are_masked_when_a_scan_is_read_again(api: httpx.AsyncClient) -> None:
    scan = await create(api, credentials=ssh(LINUX_ACCOUNT, LINUX_PASSWORD), ssh_port="22")
    answer = await api.get(f"/editor/scan/{scan}")
    (host,) = answer.json()["credentials"]["data"]
    shown = next(kind for kind in host["types"] if kind["name"] == "SSH")["instances"][0]
    assert (shown["username"], shown["password"]) == (LINUX_ACCOUNT, MASK)
    assert LINUX_PASSWORD not in answer.text


async def test_an_edited_scan_runs_as_it_is_now(api: httpx.AsyncClient) -> None:
    scan = await create(api, targets="10.10.0.1")
    edited = await api.put(f"/scans/{scan}", json=await scan_body(api, targets="10.10.0.2", name="renamed"))
    assert (edited.status_code, edited.json()["name"]) == (200, "renamed")
    await launch(api, scan)
    (host,) = (await status_becomes(api, scan, "completed"))["hosts"]
    assert host["hostname"] == "10.10.0.2"


async def test_a_copy_has_the_configuration_and_no_runs(api: httpx.AsyncClient) -> None:
    scan = await run_to_the_end(api, credentials=ssh(LINUX_ACCOUNT, LINUX_PASSWORD))
    copy = (await api.post(f"/scans/{scan}/copy", json={"name": "another"})).json()
    assert (copy["name"], (await details(api, copy["id"]))["info"]["status"]) == ("another", "empty")
    await launch(api, copy["id"])
    await status_becomes(api, copy["id"], "completed")
    assert b"yes, as 'audit' via ssh" in await download(api, copy["id"])


async def test_scans_are_listed_by_folder(api: httpx.AsyncClient) -> None:
    folder = (await api.post("/folders", json={"name": "Office"})).json()["id"]
    inside, outside = await create(api, folder_id=folder), await create(api)
    for where, scan in ((folder, inside), (3, outside)):
        (listed,) = (await api.get("/scans", params={"folder_id": where})).json()["scans"]
        assert listed["id"] == scan
    assert (await api.put(f"/scans/{outside}/folder", json={"folder_id": folder})).status_code == 200
    assert len((await api.get("/scans", params={"folder_id": folder})).json()["scans"]) == 2
    assert (await api.delete("/folders/3")).status_code == 403


async def test_scans_that_did_not_change_since_can_be_left_out(api: httpx.AsyncClient) -> None:
    await create(api)
    now = (await api.get("/scans")).json()["timestamp"]
    answer = await api.get("/scans", params={"last_modification_date": now + 60})
    assert answer.json()["scans"] is None


async def test_a_deleted_scan_is_gone_and_its_number_is_never_used_again(emulator: RunningEmulator) -> None:
    api = emulator.api
    first = await create(api)
    assert (await api.delete(f"/scans/{first}")).content == b""
    assert (await api.get(f"/scans/{first}")).status_code == 404
    assert (await api.delete(f"/scans/{first}")).status_code == 404
    second = await create(api)
    assert second > first
    assert [one["deleted"] for one in (await emulator.control.stats())["scans"]] == [1, 0]


async def test_many_scans_are_deleted_in_one_call(api: httpx.AsyncClient) -> None:
    scans = [await create(api) for _ in range(3)]
    answer = await api.request("DELETE", "/scans", json={"ids": [scans[0], scans[2], 999]})
    assert answer.json() == {"deleted": [scans[0], scans[2]]}
    assert [one["id"] for one in (await api.get("/scans")).json()["scans"]] == [scans[1]]


async def test_targets_that_cannot_be_resolved_are_noted(api: httpx.AsyncClient) -> None:
    scan = await run_to_the_end(api, targets="nowhere.example")
    found = await details(api, scan)
    assert "nowhere.example" in found["notes"]["note"][0]["message"]
    assert found["hosts"] is None


async def test_the_statistics_remember_how_many_ran_at_once(slow: RunningEmulator) -> None:
    scans = [await create(slow.api, name=f"scan {number}") for number in range(3)]
    for scan in scans:
        await launch(slow.api, scan)
    assert (await slow.control.stats())["running"] == 3
    for scan in scans:
        await slow.api.post(f"/scans/{scan}/kill")
    await launch(slow.api, await create(slow.api))
    stats = await slow.control.stats()
    assert (stats["running"], stats["max_running"]) == (1, 3)
    assert set(stats) == {"scans", "running", "max_running", "auth_failures", "rate_limited", "too_early"}
    assert stats["scans"][0] == {
        "id": scans[0],
        "name": "scan 0",
        "created": 1,
        "launched": 1,
        "stopped": 1,
        "deleted": 0,
    }


async def test_a_policy_is_named_in_the_report(api: httpx.AsyncClient) -> None:
    policy = (await api.get("/policies")).json()["policies"][0]
    scan = await run_to_the_end(api, policy_id=policy["id"])
    assert f"Scan policy used : {policy['name']}".encode() in await download(api, scan)


async def test_a_scan_may_launch_as_it_is_created(api: httpx.AsyncClient) -> None:
    scan = await create(api, launch_now=True)
    await status_becomes(api, scan, "completed")


async def test_a_large_report_does_not_hold_up_other_requests() -> None:
    async with running_emulator(findings=300) as emulator:
        api = emulator.api
        scan = await run_to_the_end(api, targets="10.20.0.1-10.20.0.200")
        fetching = asyncio.create_task(download(api, scan))
        answered = 0
        while not fetching.done():
            await emulator.control.stats()
            answered += 1
        assert len(await fetching) > 50_000_000
        assert answered > 20


async def test_only_templates_that_the_licence_allows_make_scans(api: httpx.AsyncClient) -> None:
    body = await scan_body(api) | {"uuid": await template_uuid(api, "asv")}
    assert (await api.post("/scans", json=body)).status_code == 404
