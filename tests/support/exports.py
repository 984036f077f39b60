"""Reports to export, small ones with everything that is hard, and what exports of them say."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape

from tests.support.findings import check, vulnerability
from tests.support.reports import host, item, scan_info

HOSTILE = "=cmd|' /C calc'!A0 [click](http://evil.example) {0} `````\u202e\x9b31m \"quoted\", \u00fc\U0001f600\n-end"
"""A formula, a link, a placeholder, a fence, controls of terminals and of the order of letters, beyond ASCII."""
_H = escape(HOSTILE)
VECTOR = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"

RICH = vulnerability(
    7,
    HOSTILE,
    severity=4,
    port=443,
    family="Web Servers",
    description=_H,
    synopsis=_H,
    solution=_H,
    see_also="http://a.example/x?y=1\njavascript:alert(1)\nhttps://b.example/&quot;&gt;",
    cve=["CVE-2021-44228", "CVE-2021-45046", _H],
    cwe=["502", _H],
    xref=["CWE:200", "IAVA:2021-A-0573", _H],
    cvss_base_score="9.3",
    cvss_vector="CVSS2#AV:N/AC:M/Au:N/C:C/I:C/A:C",
    cvss3_base_score="10.0",
    cvss3_vector=VECTOR,
    cvss3_temporal_score="9.5",
    vpr_score="9.9",
    epss_score="0.97",
    exploit_available="true",
    **{"cisa-known-exploited": "2021/12/24"},
)
ONE_CVE = vulnerability(8, "x", severity=2, cve="CVE-2020-1000", cvss3_base_score="5.0", cvss3_vector="nonsense")
WEAKNESS = vulnerability(9, None, severity=1, port=22, cwe="79")
PLAIN = item(10, "only text", severity=0)
UNRATED = item(11, severity=None)
EVERY_RESULT = tuple(
    check(f"check of {word or 'nothing'}", word, check_id=f"1.{place}", solution="do it", actual_value=_H, info=_H)
    for place, word in enumerate(("PASSED", "FAILED", "WARNING", "ERROR", "SKIPPED", "MANUAL"))
)
LOGIN = scan_info("yes, as 'audit' via ssh")
HARD: tuple[str, ...] = (
    host("10.0.0.1", LOGIN, RICH, ONE_CVE, WEAKNESS, PLAIN, UNRATED, *EVERY_RESULT, tags={"host-fqdn": "web.example"}),
    host(HOSTILE, RICH, check(HOSTILE, "FAILED"), address=""),
    host("2001:db8::1", RICH, ONE_CVE, finished=False),
    host("www.example", item("no number", "text", severity=3), address="10.0.0.9"),
)
"""Hosts with 10 findings and 7 compliance results."""
FINDINGS, RESULTS = 10, 7


def document(pieces: Iterable[bytes]) -> Any:
    """The one JSON document that the pieces make."""
    return json.loads(b"".join(pieces))


def documents(pieces: Iterable[bytes]) -> list[Any]:
    """The JSON documents that the pieces make, one a line."""
    return [json.loads(line) for line in b"".join(pieces).splitlines()]
