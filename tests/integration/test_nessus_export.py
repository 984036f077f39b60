"""Exports: a report on disk that is whole, or none at all."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from scanpool.scanners import errors
from scanpool.scanners.nessus import ExportLimits, NessusScanner
from tests.support.eventually import eventually
from tests.support.nessus import KEYS, nessus_settings
from tests.support.scripted_scanner import (
    NOT_FOUND,
    Received,
    Script,
    ScriptedScanner,
    cut,
    raw,
    reply,
    silence,
    trickle,
)

REPORT = b"<?xml version='1.0'?><NessusClientData_v2>" + b"x" * 3_000_000 + b"</NessusClientData_v2>\n"
TRUNCATED = REPORT[:1_000_000]
QUICK = ExportLimits(poll_interval=timedelta(milliseconds=10))
READY = reply({"status": "ready"})
LOADING = reply({"status": "loading"})
FAILED = reply({"status": "error", "message": "disk full"})
DETAILS = {"info": {"status": "completed"}, "hosts": None}


def a_script(**changes: object) -> Script:
    """A scanner whose export by token works; `status` and `download` change that."""
    script: dict[str, object] = {
        "GET /scans/7": reply(DETAILS),
        "POST /scans/7/export": reply({"token": "0a1b", "file": 12}),
        "GET /tokens/0a1b/status": changes.get("status", READY),
        "GET /tokens/0a1b/download": changes.get("download", raw(REPORT)),
    }
    return script  # type: ignore[return-value]


async def export(script: Script, destination: Path, limits: ExportLimits = QUICK) -> tuple[ScriptedScanner, object]:
    """Export scan 7; answers the server, and the report or the error."""
    async with (
        ScriptedScanner(script) as server,
        NessusScanner(nessus_settings(server.url, export=limits)) as scanner,
    ):
        try:
            return server, await scanner.export(7, destination)
        except errors.ScannerError as error:
            return server, error


async def test_a_report_is_streamed_to_the_file_with_its_size_and_digest(tmp_path: Path) -> None:
    destination = tmp_path / "r.nessus"
    async with (
        ScriptedScanner(a_script(status=[LOADING, LOADING, READY])) as server,
        NessusScanner(nessus_settings(server.url)) as scanner,
    ):
        report = await scanner.export(7, destination)
    assert destination.read_bytes() == REPORT
    assert (report.path, report.size_bytes) == (destination, len(REPORT))
    assert report.sha256 == hashlib.sha256(REPORT).hexdigest()
    assert server.count("GET /tokens/0a1b/status") == 3
    assert server.last("POST /scans/7/export").body == b'{"format":"nessus"}'
    assert list(tmp_path.iterdir()) == [destination]


@pytest.mark.parametrize("file", [12, "12"])
async def test_a_scanner_that_names_only_a_file_is_asked_for_the_file(tmp_path: Path, file: object) -> None:
    script = {
        "POST /scans/7/export": reply({"file": file}),
        "GET /scans/7/export/12/status": READY,
        "GET /scans/7/export/12/download": raw(REPORT),
    }
    await export(script, tmp_path / "r")
    assert (tmp_path / "r").read_bytes() == REPORT


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"status": FAILED}, "failed on the scanner"),
        ({"status": reply({"status": "error"}, 500)}, "failed on the scanner"),
        ({"status": reply({"error": "no export"}, 500)}, "no export"),
        ({"status": reply(NOT_FOUND, 404)}, "vanished"),
        ({"download": reply(NOT_FOUND, 404)}, "vanished"),
        ({"download": raw(TRUNCATED)}, "do not end in </NessusClientData_v2>"),
        ({"download": raw(b"")}, "its 0 bytes"),
        ({"download": raw(b"<html>Sign in</html>")}, "do not end in"),
        ({"download": raw(TRUNCATED, promised=len(REPORT))}, "broke off"),
        ({"download": raw(REPORT[:-1], promised=len(REPORT))}, "broke off"),
    ],
)
async def test_an_export_that_comes_to_nothing_is_tried_anew_once_and_leaves_no_file(
    tmp_path: Path, changes: dict[str, object], why: str
) -> None:
    server, error = await export(a_script(**changes), tmp_path / "r")
    assert type(error) is errors.ExportFailed
    assert str(error).count(why) == 2
    assert server.count("POST /scans/7/export") == 2
    assert list(tmp_path.iterdir()) == []


async def test_a_failed_export_does_not_repeat_keys_that_the_scanner_repeats(tmp_path: Path) -> None:
    echoed = reply({"error": f"no export for {KEYS.access_key} {KEYS.secret_key}"}, 500)
    _, error = await export(a_script(status=echoed), tmp_path / "r")
    assert "no export for [hidden] [hidden]" in str(error)


async def test_the_second_export_may_succeed(tmp_path: Path) -> None:
    script = a_script(status=[FAILED, READY])
    server, _ = await export(script, tmp_path / "r")
    assert (tmp_path / "r").read_bytes() == REPORT
    assert server.count("POST /scans/7/export") == 2


@pytest.mark.parametrize("tail", [b"", b"\n", b" \r\n\t\n", b"\n" * 2000])
async def test_white_space_may_follow_the_end_of_a_report(tmp_path: Path, tail: bytes) -> None:
    await export(a_script(download=raw(REPORT.rstrip() + tail)), tmp_path / "r")
    assert (tmp_path / "r").exists()


async def test_a_report_over_the_limit_is_given_up_without_another_try(tmp_path: Path) -> None:
    limits = ExportLimits(poll_interval=timedelta(milliseconds=10), max_report_bytes=len(REPORT) - 1)
    server, error = await export(a_script(), tmp_path / "r", limits)
    assert type(error) is errors.ExportTooLarge
    assert server.count("POST /scans/7/export") == 1
    assert list(tmp_path.iterdir()) == []


async def test_a_report_of_just_the_limit_is_kept(tmp_path: Path) -> None:
    limits = ExportLimits(poll_interval=timedelta(milliseconds=10), max_report_bytes=len(REPORT))
    await export(a_script(), tmp_path / "r", limits)
    assert (tmp_path / "r").exists()


@pytest.mark.parametrize(
    "script",
    [
        {"POST /scans/7/export": reply(NOT_FOUND, 404)},
        {**a_script(status=reply(NOT_FOUND, 404)), "GET /scans/7": reply(NOT_FOUND, 404)},
        {**a_script(download=reply(NOT_FOUND, 404)), "GET /scans/7": reply(NOT_FOUND, 404)},
    ],
)
async def test_a_lost_scan_is_told_from_a_lost_export(tmp_path: Path, script: Script) -> None:
    _, error = await export(script, tmp_path / "r")
    assert type(error) is errors.ScanNotFound


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ({"POST /scans/7/export": reply({"error": "busy"}, 409)}, errors.ScanConflict),
        ({"POST /scans/7/export": reply({})}, errors.ScannerUnavailable),
        ({"POST /scans/7/export": reply({"token": "../../x"})}, errors.ScannerUnavailable),
        ({"POST /scans/7/export": reply({"error": "no"}, 500)}, errors.ScannerUnavailable),
        (a_script(status=raw(b"<html>", 500)), errors.ScannerUnavailable),
        (a_script(status=raw(b"<html>", 404)), errors.ScannerUnavailable),
        (a_script(status=cut), errors.ScannerUnavailable),
        (a_script(download=cut), errors.ScannerUnavailable),
        (a_script(download=reply({"error": "starting"}, 503)), errors.ScannerNotReady),
    ],
)
async def test_trouble_on_the_way_to_an_export_means_what_it_means_elsewhere(
    tmp_path: Path, script: Script, expected: type[errors.ScannerError]
) -> None:
    server, error = await export(script, tmp_path / "r")
    assert type(error) is expected
    assert server.count("POST /scans/7/export") == 1
    assert list(tmp_path.iterdir()) == []


async def test_an_export_that_is_never_ready_fails_in_time(tmp_path: Path) -> None:
    limits = ExportLimits(poll_interval=timedelta(milliseconds=10), ready_within=timedelta(milliseconds=200))
    with anyio.fail_after(60):
        server, error = await export(a_script(status=LOADING), tmp_path / "r", limits)
    assert type(error) is errors.ExportNotReady
    assert "not ready" in str(error)
    assert server.count("POST /scans/7/export") == 1


async def test_a_download_that_drips_ends_in_time_and_leaves_no_file(tmp_path: Path) -> None:
    limits = ExportLimits(poll_interval=timedelta(milliseconds=10), download_within=timedelta(milliseconds=200))
    with anyio.fail_after(60):
        _, error = await export(a_script(download=trickle), tmp_path / "r", limits)
    assert type(error) is errors.ExportFailed
    assert list(tmp_path.iterdir()) == []


async def test_a_cancelled_export_leaves_no_file(tmp_path: Path) -> None:
    async def half(_: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + REPORT)
        await writer.drain()
        await reader.read()

    async with (
        ScriptedScanner(a_script(download=half)) as server,
        NessusScanner(nessus_settings(server.url, export=QUICK)) as scanner,
    ):
        task = asyncio.create_task(scanner.export(7, tmp_path / "r"))
        await eventually(lambda: any(each.stat().st_size for each in tmp_path.iterdir()))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert list(tmp_path.iterdir()) == []


async def test_a_failed_export_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    destination = tmp_path / "r"
    destination.write_bytes(b"earlier")
    await export(a_script(download=raw(TRUNCATED)), destination)
    assert destination.read_bytes() == b"earlier"
    assert list(tmp_path.iterdir()) == [destination]


async def test_a_file_that_cannot_be_written_is_the_systems_error_not_the_scanners(tmp_path: Path) -> None:
    async with (
        ScriptedScanner(a_script()) as server,
        NessusScanner(nessus_settings(server.url, export=QUICK)) as scanner,
    ):
        with pytest.raises(FileNotFoundError):
            await scanner.export(7, tmp_path / "missing" / "r")


async def test_downloads_leave_connections_to_other_calls(tmp_path: Path) -> None:
    script: Script = {**a_script(download=silence), "GET /scans": reply({"scans": None})}
    async with (
        ScriptedScanner(script) as server,
        NessusScanner(nessus_settings(server.url, export=QUICK, max_connections=4)) as scanner,
    ):
        tasks = [asyncio.create_task(scanner.export(7, tmp_path / f"r{n}")) for n in range(6)]
        await eventually(lambda: server.count("GET /tokens/0a1b/download") == 2)
        assert await scanner.scans() == ()
        assert server.count("GET /tokens/0a1b/download") == 2
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
