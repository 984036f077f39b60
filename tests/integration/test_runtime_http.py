"""A service's HTTP face and its signals, over real sockets and real signals."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket

import httpx
import pytest

from scanpool.runtime.http import Health, PortTaken, app, listening, serving
from scanpool.runtime.metrics import Metrics
from scanpool.runtime.process import every, signals
from tests.support.eventually import eventually

ESTABLISHED = {
    "nessus_scans_total": ("scan_type", "status"),
    "nessus_api_requests_total": ("tool", "status"),
    "nessus_ttl_deletions_total": (),
    "nessus_active_scans": (),
    "nessus_scanner_instances": ("scanner_type", "enabled"),
    "nessus_queue_depth": ("queue",),
    "nessus_dlq_size": (),
    "nessus_task_duration_seconds": (),
    "nessus_scanner_active_scans": ("scanner_instance",),
    "nessus_scanner_capacity": ("scanner_instance",),
    "nessus_scanner_utilization_pct": ("scanner_instance",),
    "nessus_pool_total_capacity": ("pool",),
    "nessus_pool_total_active": ("pool",),
    "nessus_pool_queue_depth": ("pool",),
    "nessus_pool_dlq_depth": ("pool",),
    "nessus_validation_total": ("pool", "result"),
    "nessus_validation_failures_total": ("pool", "reason"),
    "nessus_auth_failures_total": ("pool", "scan_type"),
    "nessus_circuit_state": ("scanner_instance",),
    "nessus_circuit_failures_total": ("scanner_instance",),
    "nessus_circuit_opens_total": ("scanner_instance",),
}
"""Names that dashboards and alerts rely on, with their labels."""


def url_of(port: int, path: str) -> str:
    return f"http://127.0.0.1:{port}{path}"


async def test_a_process_that_serves_is_alive() -> None:
    async with serving(app(Metrics(), Health), "127.0.0.1", 0) as port, httpx.AsyncClient() as http:
        answer = await http.get(url_of(port, "/health/live"))
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("health", "code", "status", "reasons"),
    [
        (Health(), 200, "ok", []),
        (Health(troubles=("no scanner is ready",)), 200, "degraded", ["no scanner is ready"]),
        (Health(obstacles=("still starting",)), 503, "not ready", ["still starting"]),
        (Health(troubles=("slow",), obstacles=("no NATS",)), 503, "not ready", ["no NATS", "slow"]),
    ],
)
async def test_what_keeps_it_from_working_is_an_error_and_what_only_troubles_it_is_told(
    health: Health, code: int, status: str, reasons: list[str]
) -> None:
    async with serving(app(Metrics(), lambda: health), "127.0.0.1", 0) as port, httpx.AsyncClient() as http:
        answer = await http.get(url_of(port, "/health/ready"))
    assert (answer.status_code, answer.json()) == (code, {"status": status, "reasons": reasons})


async def test_metrics_are_served_in_the_text_format_of_prometheus() -> None:
    metrics = Metrics()
    metrics.work.scans.add("untrusted", "completed")
    async with serving(app(metrics, Health), "127.0.0.1", 0) as port, httpx.AsyncClient() as http:
        answer = await http.get(url_of(port, "/metrics"))
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'nessus_scans_total{scan_type="untrusted",status="completed"} 1.0' in answer.text.splitlines()


def test_every_metric_of_an_established_name_has_its_labels() -> None:
    found: dict[str, tuple[str, ...]] = {}
    metrics = Metrics()
    for family in metrics.families:
        found[family.name] = family.labels
    ours = {name: labels for name, labels in found.items() if name.startswith("nessus_")}
    assert ours == ESTABLISHED
    assert not [name for name in found if not re.match("nessus_|scanpool_", name)]


def test_gauges_of_what_left_are_told_no_more() -> None:
    metrics = Metrics()
    metrics.shared.scanner_capacity.set("lab.gone", to=2)
    metrics.shared.pool_queue.set("lab", to=1)
    metrics.shared.clear()
    assert b'"lab' not in metrics.exposed().body


async def test_a_port_that_is_taken_is_a_clear_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"cannot listen on 127\.0\.0\.1:{port} .*SCANPOOL_HTTP_PORT"):
            async with serving(app(Metrics(), Health), "127.0.0.1", port):
                pytest.fail("it does serve")


async def test_it_serves_from_the_moment_it_is_entered_and_frees_its_port() -> None:
    async with serving(app(Metrics(), Health), "127.0.0.1", 0) as port:
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        await writer.wait_closed()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_to_end_sets_the_event_that_everything_waits_for(number: signal.Signals) -> None:
    stopping = asyncio.Event()
    before = signal.getsignal(number)
    with signals(stopping):
        os.kill(os.getpid(), number)
        await asyncio.wait_for(stopping.wait(), 60)
    signal.signal(number, before)


async def test_a_hangup_reads_the_configuration_again_and_does_not_end() -> None:
    stopping, reloads = asyncio.Event(), []
    with signals(stopping, lambda: reloads.append("reload")):
        os.kill(os.getpid(), signal.SIGHUP)
        await eventually(lambda: reloads == ["reload"])
    assert not stopping.is_set()


async def test_an_interval_ends_by_time_by_kick_or_by_the_stop() -> None:
    stopping, kick = asyncio.Event(), asyncio.Event()
    assert await every(0.01, stopping, kick)
    kick.set()
    assert await asyncio.wait_for(every(600, stopping, kick), 60)
    stopping.set()
    assert not await asyncio.wait_for(every(600, stopping), 60)


def test_what_is_written_to_a_connection_goes_out_at_once() -> None:
    """Else the second part of an answer waits until the other side has acknowledged the first: 40 ms."""
    with listening("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
