"""Which findings, and which compliance results, are asked for: typed, and no more than that. No I/O.

Of one filter's values any may fit; filters beside each other must all fit. None, or no value, filters nothing.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, Literal, get_args

import msgspec

from scanpool.report.findings.errors import BadFilter

SeverityName = Literal["critical", "high", "medium", "low", "info", "unrated"]
ScoreName = Literal["cvss", "cvss2", "cvss3", "cvss4", "vpr", "epss"]
Operator = Literal[">=", "<=", ">", "<", "="]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SEVERITY_NAMES: tuple[SeverityName, ...] = get_args(SeverityName)
MOST_VALUES = 256
LONGEST_TEXT = 1000
"""Characters of a value."""
_NETWORK = re.compile(r"[0-9A-Fa-f:.]+/\d{1,3}")
_CVE = re.compile(r"CVE-\d{4}-\d{4,}")
_MOST_DIGITS = 18


class Score(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A score, compared; a finding without that score does not fit."""

    of: ScoreName
    """`cvss` is that of version 3, else 4, else 2."""
    operator: Operator
    value: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise BadFilterValue(self.of, f"{self.value!r} is no number; write it as {self.of}>=7.5")


class BadFilterValue(BadFilter, ValueError):
    """A value that its filter does not take; as a ValueError, so that decoding says where it stands."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"filter {name!r}: {problem}")
        self.name = name


class Filters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which findings."""

    severity: tuple[SeverityName, ...] = ()
    host: tuple[str, ...] = ()
    """Names exactly as in the report, addresses, or networks as `10.0.0.0/24`."""
    plugin_id: tuple[int, ...] = ()
    family: tuple[str, ...] = ()
    """Whole names of plugin families; letters A to Z in either case."""
    port: tuple[int, ...] = ()
    cve: tuple[str, ...] = ()
    scores: tuple[Score, ...] = ()
    """All of them must fit."""
    exploit_available: bool | None = None
    known_exploited: bool | None = None
    """In the catalogue of known exploited vulnerabilities that CISA keeps."""
    name: tuple[str, ...] = ()
    """All of these texts stand in the plugin's name; letters A to Z in either case."""
    output: tuple[str, ...] = ()
    """All of these texts stand in the plugin's output; letters A to Z in either case."""
    text: tuple[str, ...] = ()
    """Each of these texts stands in the plugin's name or in its output; letters A to Z in either case."""

    def __post_init__(self) -> None:
        _check_texts(self, "host", "family", "cve", "name", "output", "text")
        _check_numbers(self, "plugin_id", "port")
        _check_count("severity", self.severity)
        _check_count("scores", self.scores)
        _check_hosts(self.host)
        _all(self.cve, "cve", lambda each: bool(_CVE.fullmatch(each.upper())), "a CVE, as CVE-2021-44228")
        _all(self.port, "port", lambda each: each <= 0xFFFF, "a port, 0 to 65535")


class ComplianceFilters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which compliance results."""

    result: tuple[str, ...] = ()
    """As FAILED, in either case."""
    host: tuple[str, ...] = ()
    """Names exactly as in the report, addresses, or networks as `10.0.0.0/24`."""
    plugin_id: tuple[int, ...] = ()
    name: tuple[str, ...] = ()
    """All of these texts stand in the check's name; letters A to Z in either case."""
    check_id: tuple[str, ...] = ()
    """Exactly as in the report."""

    def __post_init__(self) -> None:
        _check_texts(self, "result", "host", "name", "check_id")
        _check_numbers(self, "plugin_id")
        _check_hosts(self.host)


def network(text: str) -> Network | None:
    """The network that the text is; None where it is a name or an address.

    Raises:
        ValueError: it has the form of a network, and is none.
    """
    return ipaddress.ip_network(text, strict=False) if _NETWORK.fullmatch(text) else None


def folded(text: str) -> str:
    """With A to Z in lower case, and everything else as it is: so are texts compared."""
    if text.isascii():
        return text.lower()
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def _check_texts(filters: Any, *names: str) -> None:
    for name in names:
        values = getattr(filters, name)
        _check_count(name, values)
        for value in values:
            if not value or len(value) > LONGEST_TEXT:
                raise BadFilterValue(name, f"a value has 1 to {LONGEST_TEXT} characters, not {len(value)}")
            if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
                raise BadFilterValue(name, f"{value!a} is not Unicode text")


def _check_numbers(filters: Any, *names: str) -> None:
    for name in names:
        _check_count(name, getattr(filters, name))
        _all(getattr(filters, name), name, lambda each: 0 <= each < 10**_MOST_DIGITS, "a number from 0")


def _check_count(name: str, values: tuple[Any, ...]) -> None:
    if len(values) > MOST_VALUES:
        raise BadFilterValue(name, f"{len(values)} values; at most {MOST_VALUES}")


def _check_hosts(hosts: Iterable[str]) -> None:
    for host in hosts:
        try:
            network(host)
        except ValueError as error:
            raise BadFilterValue("host", f"{host!r} is no network, as 10.0.0.0/24 or 2001:db8::/64") from error


def _all(values: Iterable[Any], name: str, fits: Callable[[Any], bool], form: str) -> None:
    for value in values:
        if not fits(value):
            raise BadFilterValue(name, f"{value!r} is not {form}")


ALL = Filters()
"""Every finding."""
ALL_RESULTS = ComplianceFilters()
"""Every compliance result."""
