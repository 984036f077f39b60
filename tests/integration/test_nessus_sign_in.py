"""Signing in: keys with every call, or one session that everybody shares and nobody locks out."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from scanpool.scanners import errors
from scanpool.scanners.nessus import NessusScanner, NessusSettings, Sessions
from tests.support.eventually import eventually
from tests.support.nessus import USER, nessus_settings
from tests.support.scripted_scanner import (
    Reaction,
    Received,
    Script,
    ScriptedScanner,
    cut,
    raw,
    reply,
    silence,
)

LOG_IN = {"error": "You need to log in to perform this request"}
INVALID = {"error": "Invalid Credentials"}
NO_SCANS = reply({"scans": None})


def a_user(server: ScriptedScanner) -> NessusSettings:
    return nessus_settings(server.url, sign_in=USER)


def tokens(*names: str) -> Script:
    return {"POST /session": [reply({"token": name}) for name in names], "DELETE /session": reply()}


async def only_t2(request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Lists scans for the token t2; every other one has expired."""
    react = NO_SCANS if request.headers["x-cookie"] == "token=t2" else reply(LOG_IN, 401)
    await react(request, reader, writer)


async def test_any_number_of_calls_at_once_sign_in_once() -> None:
    async with (
        ScriptedScanner({**tokens("t1"), "GET /scans": NO_SCANS}) as server,
        NessusScanner(a_user(server)) as scanner,
    ):
        await asyncio.gather(*(scanner.scans() for _ in range(10)))
    assert server.count("POST /session") == 1
    assert server.last("GET /scans").headers["x-cookie"] == "token=t1"
    assert "x-apikeys" not in server.last("GET /scans").headers


async def test_an_expired_session_is_renewed_once_for_all_and_each_call_replayed_once() -> None:
    async with (
        ScriptedScanner({**tokens("t1", "t2"), "GET /scans": only_t2}) as server,
        NessusScanner(a_user(server)) as scanner,
    ):
        await asyncio.gather(*(scanner.scans() for _ in range(5)))
        await scanner.scans()
    assert server.count("POST /session") == 2
    assert server.count("GET /scans") == 11


async def test_a_launch_refused_for_an_expired_session_is_replayed_since_it_was_not_carried_out() -> None:
    launches = [reply(LOG_IN, 401), reply({"scan_uuid": "r"})]
    async with (
        ScriptedScanner({**tokens("t1", "t2"), "POST /scans/7/launch": launches}) as server,
        NessusScanner(a_user(server)) as scanner,
    ):
        await scanner.launch(7)
    assert server.count("POST /scans/7/launch") == 2


async def test_a_replay_that_is_refused_again_is_not_replayed_again() -> None:
    async with (
        ScriptedScanner({**tokens("t1", "t2"), "GET /scans": reply(LOG_IN, 401)}) as server,
        NessusScanner(a_user(server)) as scanner,
    ):
        with pytest.raises(errors.SignInFailed, match="401"):
            await scanner.scans()
    assert server.count("GET /scans") == 2


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_refused_password_is_not_offered_again_before_a_rest_that_keeps_the_account_open(
    status: int,
) -> None:
    now = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
    async with (
        ScriptedScanner({"POST /session": reply(INVALID, status)}) as server,
        NessusScanner(a_user(server), now=lambda: now) as scanner,
    ):
        for call in (scanner.scans(), scanner.scans(), scanner.progress(7)):
            with pytest.raises(errors.SignInFailed, match="Invalid Credentials"):
                await call
        assert not (await scanner.readiness()).ready
        assert server.count("POST /session") == 1
        now += timedelta(minutes=31)
        with pytest.raises(errors.SignInFailed):
            await scanner.scans()
        assert server.count("POST /session") == 2


@pytest.mark.parametrize("trouble", [reply({"error": "Too many"}, 500), cut, raw(b"<html>"), raw(b"{}")])
async def test_a_sign_in_that_failed_for_another_reason_may_succeed_later(trouble: Reaction) -> None:
    script: Script = {"POST /session": [trouble, reply({"token": "t1"})], "GET /scans": NO_SCANS}
    async with ScriptedScanner(script) as server, NessusScanner(a_user(server)) as scanner:
        with pytest.raises(errors.ScannerUnavailable):
            await scanner.scans()
        assert server.count("POST /session") == 1
        await scanner.scans()


async def test_a_token_that_could_smuggle_a_header_is_no_token() -> None:
    async with (
        ScriptedScanner(tokens("t1\r\nX-Evil: 1")) as server,
        NessusScanner(a_user(server)) as scanner,
    ):
        with pytest.raises(errors.ScannerUnavailable):
            await scanner.scans()


async def test_refused_keys_fail_at_once() -> None:
    async with (
        ScriptedScanner({"GET /scans": reply(INVALID, 401)}) as server,
        NessusScanner(nessus_settings(server.url)) as scanner,
    ):
        with pytest.raises(errors.SignInFailed):
            await scanner.scans()
    assert [each.line for each in server.received] == ["GET /scans"]


async def test_clients_of_one_user_share_a_session_and_the_last_one_signs_out() -> None:
    sessions = Sessions()
    async with ScriptedScanner({**tokens("t1"), "GET /scans": NO_SCANS}) as server:
        first = NessusScanner(a_user(server), sessions=sessions)
        second = NessusScanner(a_user(server), sessions=sessions)
        await asyncio.gather(first.scans(), second.scans())
        await first.close()
        assert server.count("DELETE /session") == 0
        await second.close()
        await second.close()
    assert server.count("POST /session") == 1
    assert server.count("DELETE /session") == 1
    assert server.last("DELETE /session").headers["x-cookie"] == "token=t1"


async def test_who_never_signed_in_does_not_sign_out() -> None:
    async with ScriptedScanner() as server:
        await NessusScanner(a_user(server)).close()
        await NessusScanner(nessus_settings(server.url)).close()
    assert server.received == []


async def test_a_sign_out_that_fails_is_logged_and_closing_goes_on() -> None:
    script: Script = {**tokens("t1"), "GET /scans": NO_SCANS, "DELETE /session": cut}
    async with ScriptedScanner(script) as server:
        scanner = NessusScanner(a_user(server))
        await scanner.scans()
        with capture_logs() as logs:
            await scanner.close()
    assert [(each["log_level"], each["code"]) for each in logs] == [("warning", "scanner_unavailable")]


async def test_a_call_that_is_cancelled_while_signing_in_leaves_the_turn_to_the_next() -> None:
    script: Script = {"POST /session": [silence, reply({"token": "t1"})], "GET /scans": NO_SCANS}
    async with ScriptedScanner(script) as server, NessusScanner(a_user(server)) as scanner:
        impatient = asyncio.create_task(scanner.scans())
        await eventually(lambda: bool(server.received))
        patient = asyncio.create_task(scanner.scans())
        impatient.cancel()
        assert await patient == ()
