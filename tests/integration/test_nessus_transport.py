"""Answers that are cut, late, endless or not a scanner's, and what is known after each."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Mapping
from datetime import timedelta

import anyio
import msgspec
import pytest
from structlog.testing import capture_logs

from scanpool.scanners import errors
from scanpool.scanners.nessus import NessusScanner
from scanpool.scanners.scanner import Activity, Scanner, SshPassword
from tests.support.nessus import KEYS, USER, a_scan_spec, nessus_settings
from tests.support.scripted_scanner import (
    NOT_FOUND,
    Reaction,
    Received,
    Script,
    ScriptedScanner,
    cut,
    raw,
    reply,
    silence,
    trickle,
)

UNLICENSED = {
    "nessus_type": "Nessus Professional",
    "server_version": "10.8.3",
    "license": {"type": "professional", "features": {"scan_api": False}},
}
MANAGER = {"nessus_type": "Nessus Manager", "license": {"features": {"scan_api": True}}}
NO_API = {"error": "API is not available"}
HTML = b"<html><body>Sign in to the network</body></html>"
IMPATIENT = timedelta(milliseconds=300)


def test_it_is_a_scanner() -> None:
    scanner: Scanner = NessusScanner(nessus_settings("https://127.0.0.1:1"))
    assert scanner is not None


async def test_a_refused_connection_means_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with NessusScanner(nessus_settings(f"http://127.0.0.1:{port}")) as scanner:
        with pytest.raises(errors.ScannerUnavailable, match="nothing was sent"):
            await scanner.launch(7)
        shown = await scanner.readiness()
    assert not shown.ready
    assert shown.can_launch is None


async def test_a_create_that_is_cut_before_its_answer_is_not_sent_again_and_its_outcome_is_unknown() -> None:
    async with (
        ScriptedScanner({"POST /scans": cut}) as server,
        NessusScanner(nessus_settings(server.url)) as scanner,
    ):
        with pytest.raises(errors.OutcomeUnknown):
            await scanner.create(a_scan_spec())
    assert server.count("POST /scans") == 1


async def test_a_launch_that_is_cut_before_its_answer_is_not_sent_again_and_its_outcome_is_unknown() -> None:
    async with (
        ScriptedScanner({"POST /scans/7/launch": cut}) as server,
        NessusScanner(nessus_settings(server.url)) as scanner,
    ):
        with pytest.raises(errors.OutcomeUnknown):
            await scanner.launch(7)
    assert server.count("POST /scans/7/launch") == 1


async def test_a_cut_call_is_a_licence_refusal_if_the_scanner_now_states_so() -> None:
    script: Script = {
        "POST /scans": cut,
        "GET /server/properties": [reply(MANAGER), reply(UNLICENSED)],
    }
    async with ScriptedScanner(script) as server, NessusScanner(nessus_settings(server.url)) as scanner:
        with pytest.raises(errors.ScanApiNotLicensed, match=r"Nessus Professional 10\.8\.3"):
            await scanner.create(a_scan_spec())


async def test_a_412_whose_body_is_cut_is_the_licence_refusal() -> None:
    script = {"POST /scans": raw(b"", 412, promised=32, headers={"Connection": "close"})}
    async with ScriptedScanner(script) as server, NessusScanner(nessus_settings(server.url)) as scanner:
        with pytest.raises(errors.ScanApiNotLicensed, match="HTTP 412 'API is not available'"):
            await scanner.create(a_scan_spec())


async def test_after_a_412_nothing_is_launched_until_the_properties_say_otherwise() -> None:
    script = {"POST /scans/7/launch": [reply(NO_API, 412), reply({"scan_uuid": "r"})]}
    async with ScriptedScanner(script) as server, NessusScanner(nessus_settings(server.url)) as scanner:
        for _ in range(3):
            with pytest.raises(errors.ScanApiNotLicensed):
                await scanner.launch(7)
        assert server.count("POST /scans/7/launch") == 1
        assert (await scanner.readiness()).can_launch is True
        await scanner.launch(7)


async def test_a_412_outweighs_an_edition_from_which_the_licence_was_only_inferred() -> None:
    script = {
        "GET /server/properties": reply({"nessus_type": "Nessus Manager"}),
        "POST /scans/7/stop": reply(NO_API, 412),
    }
    async with ScriptedScanner(script) as server, NessusScanner(nessus_settings(server.url)) as scanner:
        before = await scanner.readiness()
        with pytest.raises(errors.ScanApiNotLicensed):
            await scanner.stop(7)
        after = await scanner.readiness()
    assert (before.can_launch, after.can_launch) == (True, False)
    assert "412" in after.reason


@pytest.mark.parametrize("properties", [UNLICENSED, {"nessus_type": "Nessus Expert"}, {}])
async def test_where_the_licence_is_known_or_inferred_not_to_allow_it_nothing_is_tried(
    properties: Mapping[str, object],
) -> None:
    script = {"GET /server/properties": reply(properties), "GET /scans": reply({"scans": []})}
    async with ScriptedScanner(script) as server, NessusScanner(nessus_settings(server.url)) as scanner:
        with pytest.raises(errors.ScanApiNotLicensed):
            await scanner.create(a_scan_spec())
        with pytest.raises(errors.ScanApiNotLicensed):
            await scanner.launch(7)
        assert await scanner.scans() == ()
    assert not any(each.method == "POST" for each in server.received)


async def test_a_launch_without_answer_in_time_has_an_unknown_outcome() -> None:
    async with (
        ScriptedScanner({"POST /scans/7/launch": silence}) as server,
        NessusScanner(nessus_settings(server.url, request_timeout=IMPATIENT)) as scanner,
    ):
        with pytest.raises(errors.OutcomeUnknown):
            await scanner.launch(7)


async def test_a_read_without_answer_in_time_may_succeed_later() -> None:
    async with (
        ScriptedScanner({"GET /scans": silence}) as server,
        NessusScanner(nessus_settings(server.url, request_timeout=IMPATIENT)) as scanner,
    ):
        with pytest.raises(errors.ScannerUnavailable):
            await scanner.scans()


async def test_an_answer_that_drips_is_bounded_in_time_as_a_whole() -> None:
    async with (
        ScriptedScanner({"GET /scans": trickle}) as server,
        NessusScanner(nessus_settings(server.url, request_timeout=IMPATIENT)) as scanner,
    ):
        with anyio.fail_after(60):
            with pytest.raises(errors.ScannerUnavailable, match="time ran out"):
                await scanner.scans()


async def test_signing_in_and_calling_share_one_limit_of_time() -> None:
    async with (
        ScriptedScanner({"POST /session": silence}) as server,
        NessusScanner(nessus_settings(server.url, request_timeout=IMPATIENT, sign_in=USER)) as scanner,
    ):
        with anyio.fail_after(60):
            results = await asyncio.gather(scanner.launch(7), scanner.launch(8), return_exceptions=True)
    assert {type(each) for each in results} == {errors.ScannerUnavailable}
    assert not any("launch" in each.path for each in server.received)


async def test_an_endless_answer_is_given_up_at_the_limit_of_size() -> None:
    too_much = raw(b" " * (64 * 1024 * 1024 + 1))
    async with (
        ScriptedScanner({"GET /scans": too_much}) as server,
        NessusScanner(nessus_settings(server.url)) as scanner,
    ):
        with pytest.raises(errors.ScannerUnavailable, match="larger than"):
            await scanner.scans()


@pytest.mark.parametrize("page", [raw(HTML), raw(HTML, 404), raw(HTML, 503), raw(b'{"scans"', promised=50)])
async def test_what_is_not_a_scanners_answer_tells_nothing(page: Reaction) -> None:
    lines = ["GET /scans", "GET /scans/7", "DELETE /scans/7", "POST /scans/7/stop", "POST /scans/7/launch"]
    script: Script = dict.fromkeys(lines, page)
    async with ScriptedScanner(script) as server, NessusScanner(nessus_settings(server.url)) as scanner:
        for read in (scanner.scans(), scanner.progress(7), scanner.delete(7), scanner.stop(7)):
            with pytest.raises(errors.ScannerUnavailable):
                await read
        with pytest.raises(errors.OutcomeUnknown):
            await scanner.launch(7)


async def test_bytes_that_are_not_http_tell_nothing() -> None:
    async def babble(_: Received, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
        writer.close()

    async with (
        ScriptedScanner({"GET /scans": babble}) as server,
        NessusScanner(nessus_settings(server.url)) as scanner,
    ):
        with pytest.raises(errors.ScannerUnavailable):
            await scanner.scans()


async def test_a_redirect_is_not_followed() -> None:
    async with ScriptedScanner() as elsewhere:
        away = reply(None, 302, {"Location": f"{elsewhere.url}/scans"})
        async with (
            ScriptedScanner({"GET /scans": away}) as server,
            NessusScanner(nessus_settings(server.url)) as scanner,
        ):
            with pytest.raises(errors.ScannerUnavailable, match="redirect"):
                await scanner.scans()
    assert elsewhere.received == []


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ScriptedScanner() as proxy, ScriptedScanner({"GET /scans": reply({"scans": None})}) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        async with NessusScanner(nessus_settings(server.url)) as scanner:
            await scanner.scans()
    assert proxy.received == []


async def test_a_request_says_who_we_are_and_imitates_no_browser() -> None:
    async with (
        ScriptedScanner({"GET /scans": reply({"scans": None})}) as server,
        NessusScanner(nessus_settings(server.url)) as scanner,
    ):
        await scanner.scans()
    headers = server.last("GET /scans").headers
    assert headers["user-agent"].startswith("scanpool/")
    assert headers["x-apikeys"] == "accessKey=the-access-key; secretKey=the-secret-key"
    assert {"x-api-token", "cookie", "origin", "referer"}.isdisjoint(headers)


async def test_requests_under_way_are_bounded() -> None:
    async with (
        ScriptedScanner({"GET /scans": reply({"scans": None})}) as server,
        NessusScanner(nessus_settings(server.url, max_connections=3)) as scanner,
    ):
        await asyncio.gather(*(scanner.scans() for _ in range(30)))
    assert server.most_connections <= 3
    assert server.count("GET /scans") == 30


async def test_a_launch_that_never_got_a_connection_was_not_sent() -> None:
    for _ in range(10):  # the others give up at nearly the same moment: rarely the launch gets a connection of theirs
        async with (
            ScriptedScanner({"GET /scans": silence}) as server,
            NessusScanner(nessus_settings(server.url, max_connections=2, request_timeout=IMPATIENT)) as scanner,
        ):
            await scanner.readiness()
            results = await asyncio.gather(scanner.scans(), scanner.scans(), scanner.launch(7), return_exceptions=True)
        if server.count("POST /scans/7/launch") == 0:
            break
    else:
        pytest.fail("every launch was sent")
    assert type(results[2]) is errors.ScannerUnavailable
    assert "nothing was sent" in str(results[2])


async def test_a_cancelled_call_leaves_its_connection_to_others() -> None:
    script = {"GET /scans/7": silence, "GET /scans": reply({"scans": None})}
    async with (
        ScriptedScanner(script) as server,
        NessusScanner(nessus_settings(server.url, max_connections=2)) as scanner,
    ):
        for _ in range(5):
            with anyio.move_on_after(0.05):
                await scanner.progress(7)
        assert await scanner.scans() == ()


async def test_the_wait_that_a_busy_scanner_asks_for_is_told() -> None:
    busy = reply({"error": "slow down"}, 429, {"Retry-After": "12"})
    async with (
        ScriptedScanner({"GET /scans": busy}) as server,
        NessusScanner(nessus_settings(server.url)) as scanner,
    ):
        with pytest.raises(errors.ScannerUnavailable) as refusal:
            await scanner.scans()
    assert refusal.value.retry_after_s == 12


async def test_a_scan_is_lost_only_if_the_scanner_says_so_and_then_counts_as_deleted() -> None:
    async with ScriptedScanner() as server, NessusScanner(nessus_settings(server.url)) as scanner:
        with pytest.raises(errors.ScanNotFound):
            await scanner.progress(7)
        await scanner.delete(7)
    assert server.last("DELETE /scans/7").body == b""


async def test_a_conflict_never_counts_as_deleted() -> None:
    busy = reply({"error": "scan is running"}, 409)
    script = {"DELETE /scans/7": busy, "POST /scans/7/launch": busy}
    async with ScriptedScanner(script) as server, NessusScanner(nessus_settings(server.url)) as scanner:
        with pytest.raises(errors.ScanConflict):
            await scanner.delete(7)
        with pytest.raises(errors.ScanConflict):
            await scanner.launch(7)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ({"GET /server/status": reply({"status": "loading", "progress": 43, "code": 503}, 503)}, "43 %"),
        ({"GET /server/status": raw(HTML, 503)}, "server_status: "),
        ({"GET /session": reply({"error": "You need to log in to perform this request"}, 401)}, "401"),
        ({"GET /session": reply({"error": "starting"}, 503)}, "503"),
        ({"GET /server/properties": raw(HTML)}, "properties: "),
        ({"GET /server/status": cut}, "server_status: "),
    ],
)
async def test_a_scanner_that_cannot_work_is_not_ready_and_says_why(script: Script, said: str) -> None:
    async with ScriptedScanner(script) as server, NessusScanner(nessus_settings(server.url)) as scanner:
        shown = await scanner.readiness()
    assert (shown.ready, shown.can_launch) == (False, None)
    assert said in shown.reason


async def test_a_ready_scanner_tells_what_it_is() -> None:
    async with ScriptedScanner() as server, NessusScanner(nessus_settings(server.url)) as scanner:
        shown = await scanner.readiness()
    assert (shown.ready, shown.can_launch, shown.reason) == (True, True, "")
    assert (shown.edition, shown.version) == ("Nessus Manager", "10.8.3")


async def test_an_unknown_status_is_taken_for_running_and_logged_once() -> None:
    listed = {"scans": [{"id": 7, "name": "x", "status": "pondering"}, {"id": 8, "status": "empty"}]}
    script = {"GET /scans": reply(listed), "GET /scans/7": reply({"info": {"status": "pondering"}})}
    async with ScriptedScanner(script) as server, NessusScanner(nessus_settings(server.url)) as scanner:
        with capture_logs() as logs:
            scans = await scanner.scans()
            await scanner.scans()
            progress = await scanner.progress(7)
    assert [each.activity for each in scans] == [Activity.RUNNING, Activity.EMPTY]
    assert progress.activity is Activity.RUNNING
    assert [each["status"] for each in logs] == ["pondering"]


async def test_each_call_is_observed_once_with_its_outcome() -> None:
    seen: list[tuple[str, str]] = []
    script = {"GET /scans": reply({"scans": None}), "POST /scans/7/launch": cut}

    def observe(operation: str, outcome: str, seconds: float) -> None:
        assert 0 <= seconds < 5
        seen.append((operation, outcome))

    async with (
        ScriptedScanner(script) as server,
        NessusScanner(nessus_settings(server.url), observe=observe) as scanner,
    ):
        await scanner.scans()
        with pytest.raises(errors.ScanNotFound):
            await scanner.progress(7)
        with pytest.raises(errors.OutcomeUnknown):
            await scanner.launch(7)
    assert seen == [
        ("scans", "ok"),
        ("progress", "scanner_lost_scan"),
        ("properties", "ok"),
        ("launch", "scanner_outcome_unknown"),
        ("properties", "ok"),
    ]


async def echo(request: Received, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A refusal that repeats the whole request, as a chatty proxy would."""
    said = "".join(f"{name}: {value}\n" for name, value in request.headers.items())
    body = msgspec.json.encode({"error": said + request.body.decode()})
    await raw(body, 400)(request, _, writer)


@pytest.mark.parametrize("sign_in", [KEYS, USER])
async def test_no_secret_is_in_any_log_or_error_even_if_the_scanner_repeats_it(
    sign_in: object, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    login = SshPassword(username="audit", password="the-ssh-word")
    script = {
        "POST /session": reply({"token": "the0session0token"}),
        "POST /scans": echo,
        "GET /scans": echo,
        "DELETE /session": echo,
    }
    with capture_logs() as logs:
        async with (
            ScriptedScanner(script) as server,
            NessusScanner(nessus_settings(server.url, sign_in=sign_in)) as scanner,
        ):
            with pytest.raises(errors.RequestRejected) as create:
                await scanner.create(a_scan_spec(login=login))
            with pytest.raises(errors.RequestRejected) as listing:
                await scanner.scans()
            shown = repr(scanner) + repr(login)
    text = "\n".join([str(create.value), str(listing.value), caplog.text, repr(logs), shown])
    assert "400" in text
    for secret in (
        "the-access-key",
        "the-secret-key",
        "the-pass-word",
        "the0session0token",
        "the-ssh-word",
    ):
        assert secret not in text


async def test_what_the_scanner_would_misread_is_rejected_before_anything_is_sent() -> None:
    async with ScriptedScanner() as server, NessusScanner(nessus_settings(server.url)) as scanner:
        with pytest.raises(errors.RequestRejected, match="nothing was sent"):
            await scanner.create(a_scan_spec(settings={"launch_now": "yes"}))
    assert server.received == []


async def test_a_missing_template_and_a_lost_scan_are_told_apart() -> None:
    script = {"POST /scans": reply(NOT_FOUND, 404)}
    async with ScriptedScanner(script) as server, NessusScanner(nessus_settings(server.url)) as scanner:
        with pytest.raises(errors.TemplateUnknown):
            await scanner.create(a_scan_spec())
