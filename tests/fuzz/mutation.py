"""Reports made wrong: whole ones as seeds, and what is done to their bytes. The same seed makes the same bytes."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from tests.support.reports import compliance, host, item, plugin_setting, policy, preference, report, scan_info

TOKENS: Sequence[bytes] = (
    b"<",
    b">",
    b"&",
    b"]]>",
    b"<![CDATA[",
    b"<!--",
    b"-->",
    b"<?xml version='1.0'?>",
    b"<!DOCTYPE x [<!ENTITY e 'e'>]>",
    b"<!ENTITY e SYSTEM 'file:///etc/passwd'>",
    b"&e;",
    b"&#0;",
    b"&#x10FFFF;",
    b"&lt;",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"</ReportHost>",
    b"<ReportHost name='x'>",
    b"</ReportItem>",
    b"<ReportItem port='99999999999999' severity='-1' pluginID='1e9'>",
    b"<Report>",
    b"</Report>",
    b"</NessusClientData_v2>",
    b"<NessusClientData>",
    b"<tag name='host-ip'>::ffff:1.2.3.4</tag>",
    b"<tag name='HOST_END_TIMESTAMP'>99999999999</tag>",
    b"<plugin_output/>",
    b"<attachment name='a' type='b'>",
    b"<cm:compliance-result>PASSED</cm:compliance-result>",
    b"<cvss3_base_score>NaN</cvss3_base_score>",
    b"<epss_score>1e400</epss_score>",
    b"xmlns:cm='http://www.nessus.org/cm'",
    b' encoding="UTF-16"',
    b' encoding="ISO-8859-1"',
    b"Credentialed checks : yes",
)
"""What decides how a parser goes on."""


def templates() -> list[bytes]:
    """Whole reports of every kind that there is an own template of."""
    login = scan_info("yes, as 'DOMAIN\\user' via SMB")
    items = [item(n, f"said {n}", severity=n % 5, children=f"<cve>CVE-2020-{n}</cve>") for n in range(12)]
    checks = [compliance(word) for word in ("PASSED", "FAILED", "WARNING")]
    asked = policy(preference("TARGET", "10.0.0.0/29"), plugin_setting("SSH settings", "SSH user name :", "audit"))
    several = report(
        host("10.0.0.1", login, *items, tags={"Credentialed_Scan": "true", "operating-system": "Windows"}),
        host("10.0.0.2", scan_info("no"), item(104410, "refused"), *checks),
        host("10.0.0.1", *items[:3]),
        policy=asked,
    )
    text = several.decode().removeprefix('<?xml version="1.0" ?>\n')
    return [
        several,
        report(host("a", *items * 40)),
        report(host("https://www.example/", *items), attributes='type="was" version="1"'),
        f'<?xml version="1.0" encoding="UTF-16"?>{text}'.encode("utf-16"),
        f'<?xml version="1.0" encoding="ISO-8859-1"?>{text}'.encode("latin-1"),
        report(),
    ]


def mutated(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds with one to eight things done to it."""
    data = chance.choice(seeds)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        data = chance.choice(_WAYS)(chance, data, seeds)
    return data


def _flip(chance: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 4, 32))):
        if changed:
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _insert(chance: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice(TOKENS) * chance.choice((1, 1, 3, 500)) + data[at:]


def _cut(chance: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _remove(chance: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    start, end = _range(chance, data)
    return data[:start] + data[end:]


def _repeat(chance: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    start, end = _range(chance, data)
    times = chance.choice((2, 10, 200))
    return data[:end] + data[start:end][: 1 << 16] * times + data[end:]


def _splice(chance: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    start, end = _range(chance, other := chance.choice(seeds))
    at = chance.randrange(len(data) + 1)
    return data[:at] + other[start:end] + data[at:]


def _grow(chance: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """A text, an attribute or a nesting without measure."""
    at = data.find(b">", chance.randrange(len(data) + 1)) + 1
    grown = chance.choice((b"A" * 300_000, b"<a>" * 20_000, b"<a b='" + b"c" * 300_000 + b"'/>", b"&amp;" * 50_000))
    return data[:at] + grown + data[at:]


_WAYS: tuple[Callable[[random.Random, bytes, Sequence[bytes]], bytes], ...] = (
    _flip,
    _insert,
    _insert,
    _cut,
    _remove,
    _repeat,
    _splice,
    _grow,
)


def _range(chance: random.Random, data: bytes) -> tuple[int, int]:
    start = chance.randrange(len(data) + 1)
    return start, min(len(data), start + chance.choice((1, 8, 200, 5000)))
