"""Findings by the hundred: weaknesses of products that do not exist, the same on every run.

Their plugin numbers and CVE numbers lie where none were ever given out, so that they are never taken for
statements about real software.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from scanpool.emulator.reports.model import Item, Plugin, Rating

REMOTE_BASE, LOCAL_BASE = 9_000_000, 9_100_000


@dataclass(frozen=True)
class _Product:
    name: str
    cpe: str
    port: int
    service: str


_PRODUCTS = (
    _Product("Larch HTTP Server", "larch:http_server", 80, "www"),
    _Product("Larch TLS", "larch:tls", 443, "www"),
    _Product("Quill Mail", "quill:mail", 25, "smtp"),
    _Product("Umber Database", "umber:database", 5432, "umberdb"),
    _Product("Tern File Share", "tern:file_share", 2049, "nfs"),
    _Product("Osier Shell Gateway", "osier:shell_gateway", 8022, "ssh-gateway"),
    _Product("Plover DNS", "plover:dns", 53, "dns"),
    _Product("Sorrel Queue", "sorrel:queue", 5672, "amqp"),
    _Product("Briar Monitor", "briar:monitor", 161, "snmp"),
    _Product("Heron Directory", "heron:directory", 389, "ldap"),
    _Product("Marl Web Console", "marl:web_console", 8443, "www"),
)


@dataclass(frozen=True)
class _Flaw:
    title: str
    effect: str
    cwe: str
    rating: Rating


_FLAWS = (
    _Flaw("Version Disclosure", "tells its exact version to anybody", "200", Rating(severity=0)),
    _Flaw("Service Detection", "answers, which is reported for the inventory", "", Rating(severity=0)),
    _Flaw(
        "Request Smuggling",
        "reads the length of a request in two ways, so that one request hides in another",
        "444",
        Rating(
            severity=2,
            cvss3_base_score="6.5",
            cvss3_vector="CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:N",
            cvss_base_score="6.4",
            cvss_vector="CVSS2#AV:N/AC:L/Au:N/C:P/I:P/A:N",
        ),
    ),
    _Flaw("Option Inventory", "lists the options it was built with", "", Rating(severity=0)),
    _Flaw(
        "Weak Default Ciphers",
        "accepts ciphers that no longer protect what is sent",
        "327",
        Rating(
            severity=1,
            cvss3_base_score="3.7",
            cvss3_vector="CVSS:3.0/AV:N/AC:H/PR:N/UI:N/S:U/C:L/I:N/A:N",
            cvss_base_score="2.6",
            cvss_vector="CVSS2#AV:N/AC:H/Au:N/C:P/I:N/A:N",
        ),
    ),
    _Flaw(
        "Heap Overflow",
        "writes past the end of a buffer when a header is too long",
        "122",
        Rating(
            severity=3,
            cvss3_base_score="8.1",
            cvss3_vector="CVSS:3.0/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H",
            cvss_base_score="7.6",
            cvss_vector="CVSS2#AV:N/AC:H/Au:N/C:C/I:C/A:C",
        ),
    ),
    _Flaw("Supported Methods", "lists the methods it understands", "", Rating(severity=0)),
    _Flaw(
        "Resource Exhaustion",
        "keeps memory for requests that never end",
        "400",
        Rating(
            severity=2,
            cvss3_base_score="5.3",
            cvss3_vector="CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L",
            cvss_base_score="5.0",
            cvss_vector="CVSS2#AV:N/AC:L/Au:N/C:N/I:N/A:P",
        ),
    ),
    _Flaw(
        "Authentication Bypass",
        "lets a request through that names a user and proves nothing",
        "287",
        Rating(
            severity=4,
            cvss3_base_score="9.8",
            cvss3_vector="CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
            cvss_base_score="10.0",
            cvss_vector="CVSS2#AV:N/AC:L/Au:N/C:C/I:C/A:C",
        ),
    ),
)


def remote_findings(seed: int, number: int) -> Iterator[Item]:
    """So many findings that the network shows; hosts of another seed show others."""
    for index in range(seed, seed + number):
        product = _PRODUCTS[index % len(_PRODUCTS)]
        output = f"\n  Product           : {product.name}\n  Installed version : {_version(index)}\n"
        fixed = f"  Fixed version     : {_version(index, fixed=True)}\n"
        yield Item(_remote(index), output + fixed, product.port, "tcp", product.service)


def local_findings(seed: int, number: int, family: str) -> Iterator[Item]:
    """So many findings that only local checks show."""
    for index in range(seed, seed + number):
        name = _PRODUCTS[index % len(_PRODUCTS)].name.lower().replace(" ", "-")
        output = f"\n  Package installed : {name}_{_version(index)}\n"
        fixed = f"  Should be         : {name}_{_version(index, fixed=True)}\n"
        yield Item(_local(index, family), output + fixed)


@lru_cache(maxsize=2048)
def _remote(index: int) -> Plugin:
    product, flaw, fixed = _drawn(index)
    return Plugin(
        id=REMOTE_BASE + index,
        name=f"{product.name} < {fixed} {flaw.title}",
        family="Web Servers" if product.service == "www" else "Misc.",
        synopsis=f"{product.name} on this host {flaw.effect}.",
        description=f"By its banner, {product.name} here is older than {fixed}. It {flaw.effect}.",
        solution=f"Update {product.name} to {fixed} or later." if flaw.rating.severity else "n/a",
        rating=flaw.rating,
        cves=_cves(index, flaw, 900_000),
        cwe=flaw.cwe,
        cpe=f"cpe:/a:{product.cpe}",
        see_also=_advisories(index, flaw),
    )


@lru_cache(maxsize=2048)
def _local(index: int, family: str) -> Plugin:
    product, flaw, fixed = _drawn(index)
    return Plugin(
        id=LOCAL_BASE + index,
        name=f"{product.name} package < {fixed} {flaw.title}",
        family=family,
        type="local",
        synopsis=f"An installed {product.name} {flaw.effect}.",
        description=f"The installed package of {product.name} is older than {fixed}. It {flaw.effect}.",
        solution=f"Update the package to {fixed} or later." if flaw.rating.severity else "n/a",
        rating=flaw.rating,
        cves=_cves(index, flaw, 950_000),
        cwe=flaw.cwe,
        cpe=f"cpe:/a:{product.cpe}",
        see_also=_advisories(index, flaw),
    )


def _drawn(index: int) -> tuple[_Product, _Flaw, str]:
    return _PRODUCTS[index % len(_PRODUCTS)], _FLAWS[index % len(_FLAWS)], _version(index, fixed=True)


def _version(index: int, *, fixed: bool = False) -> str:
    return f"{2 + index // 99}.{index % 7}.{index % 5 + (7 if fixed else 0)}"


def _cves(index: int, flaw: _Flaw, base: int) -> tuple[str, ...]:
    """None for what is no weakness, and two for every fifth."""
    if not flaw.rating.severity:
        return ()
    return tuple(f"CVE-{2021 + index % 5}-{base + 2 * index + n}" for n in range(2 if index % 5 == 0 else 1))


def _advisories(index: int, flaw: _Flaw) -> tuple[str, ...]:
    if not flaw.rating.severity:
        return ()
    return (
        f"https://advisories.example/{index}",
        f"https://lists.example/announce/{index}",
    )
