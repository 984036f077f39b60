"""A large file of findings for measuring, made by the writer's own spool and assembly without a report to read."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scanpool.report.findings.addresses import address_key
from scanpool.report.findings.packing import Packer
from scanpool.report.findings.writing.assemble import assemble
from scanpool.report.findings.writing.spool import Spool

FAMILIES = [
    *("General", "Windows", "Web Servers", "CGI abuses", "Service detection", "Databases", "Misc.", "Firewalls"),
    *(f"Distribution {number} Local Security Checks" for number in range(32)),
]
PORTS = (0, 0, 0, 443, 443, 80, 22, 445, 3389, 8443, 25, 161)
PRODUCTS = ("OpenSSL", "Apache HTTP Server", "OpenSSH", "Kernel", "Java", "PHP", "Windows", "nginx")


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much of everything."""

    findings: int
    plugins: int = 5_000
    hosts: int = 2_000
    gone: int = 0
    """Of the findings, one in so many is left out; 0 leaves out none."""


def write(path: Path, size: Size) -> None:
    """Write the file; the same size gives the same file."""
    chance = random.Random(size.findings)
    spool = Spool(path.with_name("findings.spool"))
    try:
        _plugins(spool, size, chance)
        _hosts(spool, size)
        for seq, plugin, host, port in _items(size, chance):
            spool.add_item((plugin, host, port, PORTS.index(port) + 1), _printed(seq, plugin, host, port))
        assemble(spool, path, [("scan", '{"id": "bench"}')], lambda: None)
    finally:
        spool.close()


def _printed(seq: int, plugin: int, host: int, port: int) -> str:
    """Of ten plugins six print the same on many hosts, two the same but for numbers, one lists what differs by its
    numbers only, one prints the names of hosts."""
    fixed, installed = f"2.{plugin}.{plugin % 7}", f"1.{seq % 97}"
    if plugin % 10 < 6:
        packages = [_word(plugin + each) for each in range(plugin % 8 + 1)]
        return "\n" + "\n".join(
            f"Remote package installed : {name}-1.{plugin}.{seq % 4}\nShould be                : {name}-{fixed}\n"
            for name in packages
        )
    if plugin % 10 < 8:
        return (
            f"\n  Path              : /opt/{PRODUCTS[plugin % 8].lower()}/{_word(plugin)}\n"
            f"  Installed version : {installed}\n  Fixed version     : {fixed}\n  Port              : {port}\n"
            f"  Reported at       : 10:{seq % 60:02}, by process {seq % 32_768} of {host}\n"
        )
    if plugin % 10 == 9:
        sockets = "\n".join(f"tcp 10.0.{host >> 8}.{host & 255}:{port + each * plugin} LISTEN" for each in range(16))
        return f"\n{sockets}\n"
    name = f"{_word(host)}.example"
    return (
        f"\nThe certificate on port {port} is of another host.\n\n  Identities known : {name}\n"
        f"  Subject          : CN={name}, OU={_word(plugin)}, O=Example\n  Version          : {installed}\n"
    )


def _word(number: int) -> str:
    """Letters, different for different numbers."""
    letters = ""
    while number:
        number, letter = divmod(number, 26)
        letters += chr(ord("a") + letter)
    return f"z{letters}"


def _plugins(spool: Spool, size: Size, chance: random.Random) -> None:
    pack = Packer().pack
    for number in range(1, size.plugins + 1):
        severity = chance.choices((4, 3, 2, 1, 0), (8, 22, 30, 10, 30))[0]
        score = round(chance.uniform(2.0 * severity, 2.0 * severity + 2), 1) if severity else None
        cves = [f"CVE-{2010 + number % 15}-{1000 + number * 3 + each}" for each in range(number % 6)]
        sentence = f"{PRODUCTS[number % 8]} before 2.{number} lets a stranger learn about what is no business of his. "
        facts = {
            "description": [sentence * 6 + str(chance.getrandbits(400))],
            "synopsis": [sentence],
            "solution": [f"Upgrade to 2.{number}."],
            "see_also": [f"http://www.example.com/{chance.getrandbits(64):x}" for _ in range(3)],
            "cve": cves,
            "xref": [f"IAVA:2020-A-{number}", "CWE:200"],
            "cvss3_vector": ["CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"],
            "plugin_publication_date": ["2020/01/01"],
            "exploit_available": ["true" if number % 9 == 0 else "false"],
        }
        name, family = f"{PRODUCTS[number % 8]} < 2.{number} Multiple Vulnerabilities", FAMILIES[number % len(FAMILIES)]
        row = (number, 10_000 + number, severity, score, name, family, score, score, None, score, number % 100 / 100)
        spool.add("plugin", (*row, int(number % 9 == 0), int(number % 90 == 0), pack(facts)), 600)
        for cve in cves:
            spool.add("cve", (number, cve))


def _hosts(spool: Spool, size: Size) -> None:
    pack = Packer().pack
    for number in range(1, size.hosts + 1):
        address = f"10.0.{number >> 8}.{number & 255}"
        tags = pack({"host-ip": address, "operating-system": "Linux Kernel 5.10", "mac-address": "00:00:00:00:00:00"})
        names = (address, address, address_key(address), f"host{number}.example", f"HOST{number}", "Linux Kernel 5.10")
        spool.add("host", (number, *names, "2025-03-01T08:00:00+00:00", "2025-03-01T09:00:00+00:00", tags), len(tags))
        spool.add("verdict", (address, address, "auth", 1, "", "", "ssh"))
    for number, port in enumerate(PORTS, start=1):
        spool.add("service", (number, "tcp", f"service{port}"))


def _items(size: Size, chance: random.Random) -> Iterator[tuple[int, int, int, int]]:
    """Sequence, plugin, host and port, host by host as a report has them; few plugins are found on most hosts."""
    per_host, rest = divmod(size.findings, size.hosts)
    seq = 0
    for host in range(1, size.hosts + 1):
        for _ in range(per_host + (host <= rest)):
            seq += 1
            found = seq, 1 + int(size.plugins * chance.random() ** 1.6), host, chance.choice(PORTS)
            if not size.gone or seq % size.gone:
                yield found
