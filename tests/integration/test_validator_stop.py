"""A validator that is told to stop while it reads a large report."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import zstandard

from scanpool.coordination.ledger import held_of
from scanpool.runtime.jetstream import Write
from scanpool.runtime.objects import Objects
from scanpool_schemas import subjects
from scanpool_schemas.scan import Validating
from tests.support.broker import Stand, standing, within
from tests.support.builders import a_validating_scan, an_export
from tests.support.eventually import eventually
from tests.support.processes import start
from tests.support.reports import large_report

SIZE = 1_500_000_000
"""Reading it takes longer than `STOPS_WITHIN_S` wherever this runs."""
SHUTDOWN_S = 6
STOPS_WITHIN_S = 15.0
"""A busy machine may take longer than it was told."""
STREAM = subjects.pool_stream("lab")


async def test_it_stops_in_its_time_and_hands_the_scan_back_at_no_cost(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    async with standing(["lab"]) as stand:
        scan = await given(stand, tmp_path)
        environ = {"SCANPOOL_WORK_DIR": str(work), "SCANPOOL_SHUTDOWN_S": str(SHUTDOWN_S)}
        validator = await start(["run", "validator", "--nats", stand.broker.url], tmp_path / "validator.log", environ)
        stand.stack.push_async_callback(validator.stop)
        await validator.until_logged("ready")
        await eventually(lambda: any(work.glob("*/findings.spool")), within_s=60)
        begin = time.monotonic()
        assert await validator.stop() == 0, validator.log.read_text()[-3000:]
        assert time.monotonic() - begin < STOPS_WITHIN_S
        assert [line for line in validator.lines() if line["level"] in {"warning", "error"}] == []
        assert list(work.iterdir()) == []
        puller = await stand.puller(STREAM, "validating")
        await within(60, puller)  # the server's own wait for an ack is 30 s
        stored = await stand.jetstream.last(STREAM, subjects.events_of("lab", scan.id))
        assert stored is not None
        assert held_of(stored).scan == scan


async def given(stand: Stand, folder: Path) -> Validating:
    """A scan whose report is to be read, and the report."""
    scan = a_validating_scan(id="s1", export=an_export(object="large", size_bytes=SIZE))
    packed = folder / "report.zst"
    with packed.open("wb") as file, zstandard.ZstdCompressor(level=1).stream_writer(file) as writer:
        for piece in large_report(SIZE, items_per_host=2000):
            writer.write(piece)
    await Objects(stand.jetstream, subjects.EXPORTS_BUCKET).put("large", packed, "a report")
    await stand.jetstream.publish(
        Write(subject=subjects.event("lab", "validating", scan.id), body=msgspec.json.encode(scan))
    )
    return scan
