"""The library without `async`, against a whole pipeline in a thread of its own."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanpool import client as library
from scanpool.client import IdConflict, ScanEvent, UnknownScan, WaitTimeout, blocking
from scanpool.runtime.errors import BrokerUnavailable
from tests.support.pipeline import running_pipeline


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Where the NATS of a pipeline is that runs meanwhile."""
    ready, over, found = threading.Event(), threading.Event(), []

    async def run() -> None:
        async with running_pipeline() as pipeline:
            found.append(pipeline.nats.url)
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert ready.wait(20)
    yield found[0]
    over.set()
    thread.join(30)
    assert not thread.is_alive()


@pytest.fixture
def scanpool(url: str) -> Iterator[blocking.ScanPool]:
    with blocking.ScanPool.connect(url) as connected:
        yield connected


def test_it_has_every_method_of_the_async_one_with_the_same_parameters() -> None:
    def methods(of: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(method).parameters)
            for name, method in inspect.getmembers(of, callable)
            if not name.startswith("_")
        }

    assert methods(blocking.ScanPool) == methods(library.ScanPool)


def test_a_scan_is_submitted_followed_and_its_report_fetched(scanpool: blocking.ScanPool, tmp_path: Path) -> None:
    with scanpool.events(kinds=["completed"]) as events:
        scan = scanpool.submit(["10.10.0.1"], name="one", idempotency_key="blocking")
        assert scanpool.admitted(scan).status != "failed"
        over = scanpool.wait(scan.id, timeout=60)
        event = next(events)
    assert isinstance(event, ScanEvent)
    assert event.scan == over == scanpool.status(scan.id)
    assert scanpool.submit(["10.10.0.1"], name="one", idempotency_key="blocking").duplicate
    scanpool.download_report(scan.id, tmp_path / "report")
    digest = hashlib.sha256((tmp_path / "report").read_bytes()).hexdigest()
    assert digest == scanpool.results(scan.id).results_summary.sha256
    assert scan.id in [status.id for status in scanpool.list(status=["completed"])]


def test_errors_are_those_of_the_async_one(scanpool: blocking.ScanPool) -> None:
    with pytest.raises(UnknownScan):
        scanpool.status("absent")
    scanpool.submit(["10.10.0.1"], name="one", id="twice")
    with pytest.raises(IdConflict):
        scanpool.submit(["10.10.0.1"], name="other", id="twice")
    with pytest.raises(WaitTimeout):
        scanpool.wait("twice", timeout=0.001)
    scanpool.cancel("twice")
    assert scanpool.wait("twice", timeout=60).status in {"cancelled", "completed"}


def test_pools_and_scanners_are_shown(scanpool: blocking.ScanPool) -> None:
    assert [pool.pool for pool in scanpool.pools()] == ["lab"]
    assert [scanner.scanner_instance for scanner in scanpool.scanners()] == ["lab.s1"]


def test_where_nobody_is_the_error_is_raised_and_no_thread_is_left() -> None:
    before = threading.active_count()
    with pytest.raises(BrokerUnavailable):
        blocking.ScanPool.connect("nats://127.0.0.1:1/x@", timeout=0.3)
    assert threading.active_count() <= before


def test_an_error_in_the_block_closes_the_connection_and_comes_through(url: str) -> None:
    before = threading.active_count()

    def interrupted() -> None:
        with blocking.ScanPool.connect(url) as scanpool:
            scanpool.pools()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert threading.active_count() <= before
