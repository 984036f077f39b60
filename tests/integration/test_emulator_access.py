"""Signing in to the emulator, its editions, TLS, and its life inside another process."""

import asyncio
import hashlib
import signal
import socket
import ssl
import time
from datetime import timedelta

import httpx
import pytest

from scanpool.emulator.app import create_app
from scanpool.emulator.options import Options
from scanpool.emulator.server import Emulator, serve
from tests.support.emulators import RunningEmulator, running_emulator
from tests.support.raw_nessus import create, download, launch, run_to_the_end, scan_body, status_becomes

WRONG_KEYS = "accessKey=wrong; secretKey=wrong"


def anonymous(emulator: RunningEmulator, **headers: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=emulator.url, headers=headers)


async def test_a_request_without_credentials_is_told_to_log_in() -> None:
    async with running_emulator() as emulator, anonymous(emulator) as http:
        for path in ("/scans", "/session", "/folders", "/editor/scan/templates"):
            answer = await http.get(path)
            told = '{"error":"You need to log in to perform this request"}'
            assert (answer.status_code, answer.text) == (401, told)


async def test_the_name_of_the_key_header_is_read_in_any_case() -> None:
    async with running_emulator() as emulator:
        keys = emulator.api.headers["X-ApiKeys"]
        async with httpx.AsyncClient(base_url=emulator.url) as http:
            for name in ("X-ApiKeys", "X-APIKeys", "x-apikeys"):
                assert (await http.get("/scans", headers={name: keys})).status_code == 200


async def test_wrong_keys_are_refused_counted_and_not_helped_by_a_session() -> None:
    async with running_emulator() as emulator, anonymous(emulator) as http:
        login = {"username": emulator.options.username, "password": emulator.options.password}
        token = (await http.post("/session", json=login)).json()["token"]
        cookie = {"X-Cookie": f"token={token}"}
        assert (await http.get("/session", headers=cookie)).json()["username"] == emulator.options.username
        both = await http.get("/session", headers={**cookie, "X-ApiKeys": WRONG_KEYS})
        assert both.status_code == 401
        assert (await emulator.control.stats())["auth_failures"] == 1


async def test_a_session_is_opened_used_and_closed() -> None:
    async with running_emulator() as emulator, anonymous(emulator) as http:
        login = {"username": emulator.options.username, "password": emulator.options.password}
        http.headers["X-Cookie"] = f"token={(await http.post('/session', json=login)).json()['token']}"
        assert (await http.get("/scans")).status_code == 200
        assert (await http.delete("/session")).status_code == 200
        assert (await http.get("/scans")).status_code == 401
        assert (await http.delete("/session")).status_code == 401


async def test_an_idle_session_is_over() -> None:
    async with (
        running_emulator(session_idle_timeout=timedelta(0)) as emulator,
        anonymous(emulator) as http,
    ):
        login = {"username": emulator.options.username, "password": emulator.options.password}
        token = (await http.post("/session", json=login)).json()["token"]
        assert (await http.get("/scans", headers={"X-Cookie": f"token={token}"})).status_code == 401


async def test_five_wrong_passwords_lock_the_account() -> None:
    async with running_emulator() as emulator, anonymous(emulator) as http:
        for password in [*["wrong"] * 5, emulator.options.password]:
            answer = await http.post("/session", json={"username": emulator.options.username, "password": password})
            assert (answer.status_code, answer.text) == (401, '{"error":"Invalid Credentials"}')
        assert (await emulator.control.stats())["auth_failures"] == 6


async def test_new_keys_replace_the_old_ones_at_once() -> None:
    async with running_emulator() as emulator:
        pair = (await emulator.api.put("/session/keys")).json()
        assert (pair["accessKey"], pair["secretKey"]) == (
            emulator.emulator.access_key,
            emulator.emulator.secret_key,
        )
        assert (await emulator.api.get("/scans")).status_code == 401


async def test_the_web_interfaces_own_token_decides_nothing() -> None:
    async with running_emulator() as emulator:
        token = {"X-API-Token": "5F1D0C1E-6A0B-4C55-9A0B-1E2D3C4B5A69"}
        assert (await emulator.api.get("/scans", headers=token)).status_code == 200
        async with anonymous(emulator, **token) as http:
            assert (await http.get("/scans")).status_code == 401


async def test_properties_tell_a_stranger_less() -> None:
    async with running_emulator() as emulator, anonymous(emulator) as http:
        assert "license" not in (await http.get("/server/properties")).json()
        full = (await emulator.api.get("/server/properties")).json()
        assert full["nessus_type"] == "Nessus Manager"
        assert full["license"]["features"]["scan_api"] is True


@pytest.mark.parametrize(
    ("profile", "nessus_type", "licence_type", "ips"),
    [
        ("nessus-professional", "Nessus Professional", "professional", 32767),
        ("nessus-essentials", "Nessus Essentials", "home", 16),
    ],
)
async def test_a_restricted_edition_reads_and_exports_and_changes_nothing(
    profile: str, nessus_type: str, licence_type: str, ips: int
) -> None:
    async with running_emulator(profile=profile) as emulator:
        api = emulator.api
        properties = (await api.get("/server/properties")).json()
        licence = properties["license"]
        assert (properties["nessus_type"], licence["type"], licence["ips"]) == (
            nessus_type,
            licence_type,
            ips,
        )
        assert licence["features"]["scan_api"] is False
        assert (await api.get("/policies")).json()["policies"] is None
        scans = {one["status"]: one["id"] for one in (await api.get("/scans")).json()["scans"]}
        assert set(scans) == {"completed", "empty"}
        scan = scans["completed"]
        assert (await download(api, scan)).rstrip().endswith(b"</NessusClientData_v2>")
        body = await scan_body(api)
        for method, path in (
            ("POST", "/scans"),
            ("PUT", f"/scans/{scan}"),
            ("DELETE", f"/scans/{scan}"),
            *(("POST", f"/scans/{scan}/{verb}") for verb in ("launch", "stop", "pause", "resume", "kill")),
        ):
            answer = await api.request(method, path, json=body)
            assert (answer.status_code, answer.text) == (412, '{"error":"API is not available"}')
        assert (await emulator.control.stats())["scans"][0]["launched"] == 0


async def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="nessus-manager, nessus-professional, nessus-essentials"):
        Options(profile="nessus-expert")  # type: ignore[arg-type]


async def test_over_tls_the_certificate_is_the_one_that_was_announced() -> None:
    async with running_emulator(tls=True) as emulator:
        assert emulator.url.startswith("https://127.0.0.1:")
        await run_to_the_end(emulator.api)
        port = emulator.emulator.port
        pem = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))
        der = ssl.PEM_cert_to_DER_cert(pem)
        assert hashlib.sha256(der).hexdigest() == emulator.emulator.fingerprint


async def test_over_tls_a_stranger_to_the_certificate_refuses_it() -> None:
    async with running_emulator(tls=True) as emulator, httpx.AsyncClient() as http:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await http.get(f"{emulator.url}/server/status")


async def test_over_tls_connections_can_be_cut_too() -> None:
    async with running_emulator(tls=True) as emulator:
        await emulator.control.fault("cut_after_create", times=1)
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await create(emulator.api)
        assert len((await emulator.control.stats())["scans"]) == 1
        await emulator.control.fault("licence", cut=True)
        async with emulator.api.stream("POST", "/scans") as answer:
            assert answer.status_code == 412
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                await answer.aread()


async def test_several_emulators_share_a_process_and_nothing_else() -> None:
    async with running_emulator() as one, running_emulator() as two, running_emulator(tls=True) as three:
        assert len({emulator.emulator.port for emulator in (one, two, three)}) == 3
        await create(one.api, name="only here")
        await two.control.fault("down")
        assert len((await one.control.stats())["scans"]) == 1
        assert (await three.control.stats())["scans"] == []
        assert (await three.api.get("/scans")).status_code == 200


async def test_an_emulator_leaves_the_signals_of_the_process_alone() -> None:
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    async with running_emulator():
        assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before


async def test_closing_is_quick_whatever_is_under_way(caplog: pytest.LogCaptureFixture) -> None:
    async with running_emulator() as emulator:
        scan = await run_to_the_end(emulator.api)
        await emulator.control.fault("slow_download", seconds=60)
        await emulator.control.fault("slow", seconds=60, path="/scans")
        waiting = [
            asyncio.create_task(emulator.api.get("/scans", timeout=60)),
            asyncio.create_task(emulator.api.get(f"/scans/{scan}", timeout=60)),
        ]
        await emulator.control.stats()
        begun = time.monotonic()
    assert time.monotonic() - begun < 20
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(answer, httpx.TransportError) for answer in answers)
    assert not caplog.records


async def test_serving_says_when_it_is_ready_and_ends_when_cancelled() -> None:
    ready: asyncio.Future[Emulator] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(Options(), "127.0.0.1", 0, False, ready.set_result))
    emulator = await asyncio.wait_for(ready, 60)
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"{emulator.url}/server/status")).status_code == 200
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        with pytest.raises(httpx.ConnectError):
            await http.get(f"{emulator.url}/server/status")


async def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        async with Emulator(Options(), port=taken.getsockname()[1]):
            pass


async def test_an_emulator_that_was_not_entered_has_no_port() -> None:
    with pytest.raises(RuntimeError, match="enter it first"):
        _ = Emulator(Options()).port


async def test_without_a_server_everything_works_but_cutting() -> None:
    transport = httpx.ASGITransport(create_app(Options(time_scale=1000)))
    keys = f"accessKey={Options().access_key}; secretKey={Options().secret_key}"
    async with httpx.AsyncClient(transport=transport, base_url="http://nessus", headers={"X-ApiKeys": keys}) as api:
        scan = await create(api)
        await launch(api, scan)
        await status_becomes(api, scan, "completed")
        assert (await download(api, scan)).startswith(b"<?xml")
        await api.post("/_control/faults", json={"fault": "down"})
        with pytest.raises(RuntimeError, match=r"scanpool\.emulator\.server"):
            await api.get("/scans")
