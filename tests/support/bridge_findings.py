"""Scans that are over, with their findings, put where a bridge reads them; and reports of hostile hosts."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import msgspec
import zstandard

from scanpool.report.findings.schema import VERSION
from scanpool.report.findings.writing.writer import FindingsWriter
from scanpool.report.validate import validate
from scanpool.runtime.jetstream import JetStream, Write
from scanpool.runtime.objects import Objects
from scanpool_schemas import subjects
from scanpool_schemas.result import Result
from scanpool_schemas.scan import AnyScan, Findings, state_of
from tests.support.builders import a_completed_scan, a_request
from tests.support.hostile import INVISIBLE, RAW, VISIBLE
from tests.support.reports import report

LONGEST = 50_000
"""Characters of a hostile host's texts, its output aside: a report's reader takes no more than so much of a host."""


def reported(path: Path, *hosts: str) -> Result:
    """Write the file of findings of a report of these hosts; answers with what the validator says of it."""
    with FindingsWriter(path.parent) as writer:
        result = validate([report(*hosts)], listener=writer)
        assert result.error is None, result.error
        writer.write(path, {"scan": {"id": path.stem}})
    return result


async def kept(jetstream: JetStream, path: Path) -> Findings:
    """The file in the object store, under its own name."""
    content = path.read_bytes()
    await Objects(jetstream, subjects.FINDINGS_BUCKET).put(path.stem, path, "for a test")
    digest = hashlib.sha256(content).hexdigest()
    return Findings(object=path.stem, sha256=digest, size_bytes=len(content), version=VERSION)


async def stored(jetstream: JetStream, scan: AnyScan) -> AnyScan:
    """The scan as its last event."""
    subject = subjects.event(scan.pool, state_of(scan), scan.id)
    await jetstream.publish(Write(subject=subject, body=msgspec.json.encode(scan)))
    return scan


async def completed(
    jetstream: JetStream, path: Path, result: Result, *, targets: Sequence[str] = ("10.0.0.0/24",), **fields: Any
) -> AnyScan:
    """A completed scan of `local`, called as the file, that has its findings."""
    request = a_request(targets=tuple(targets), owner=fields.pop("owner", "local"))
    known = {"id": path.stem, "request": request, "result": result, "findings": await kept(jetstream, path)}
    return await stored(jetstream, a_completed_scan(**{**known, **fields}))


def hostile_host(number: int, text: str) -> str:
    """A host whose every text is this one, of a long one the beginning; addresses and numbers are its own."""
    text, printed = text[:LONGEST], escape(text)
    name, said = quoteattr(f"host{number} {text}"), escape(text)
    tags = {"host-ip": f"10.0.0.{number}", "host-fqdn": text, "netbios-name": text, "operating-system": text}
    properties = "".join(f"<tag name={quoteattr(key)}>{escape(value)}</tag>" for key, value in tags.items())
    elements = (
        *("synopsis", "description", "solution", "see_also", "xref", "cpe", "cwe", "bid", "cve", "risk_factor"),
        *("exploitability_ease", "metasploit_name", "cvss3_vector", "plugin_type", "plugin_publication_date"),
        *("stig_severity", "vulnerability_state", "first_found", "certificate_common_name"),
    )
    children = "".join(f"<{each}>{said}</{each}>" for each in elements)
    children += f"<plugin_output>{printed}</plugin_output>"
    attributes = f"pluginName={quoteattr(text)} pluginFamily={quoteattr(text)} svc_name={quoteattr(text)}"
    attributes += f" protocol={quoteattr(text)} port='443' pluginID='{1000 + number}' severity='4'"
    return (
        f"<ReportHost name={name}><HostProperties>{properties}</HostProperties>"
        f"<ReportItem {attributes}>{children}</ReportItem></ReportHost>\n"
    )


def hostile_hosts(*texts: str) -> list[str]:
    """A host a text."""
    return [hostile_host(number, text) for number, text in enumerate(texts or (*VISIBLE, *INVISIBLE), start=1)]


def tampered(path: Path) -> None:
    """Put into the file what no report can hold: controls, and halves of surrogate pairs."""
    raw = " ".join(RAW)
    facts = {name: [raw] for name in ("synopsis", "description", "solution", "see_also", "cve")}
    packed = zstandard.ZstdCompressor().compress(json.dumps(facts).encode())
    control = raw.encode("utf-8", "ignore").decode()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE plugins SET facts = ?, name = ?, family = ? WHERE id = 1", (packed, control, control))
        database.execute("UPDATE hosts SET name = ?, os = ?, address = ? WHERE id = 1", (control, control, control))
        database.execute("UPDATE services SET name = ?", (control,))
