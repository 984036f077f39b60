"""Which values of a finding cannot hold words of a stranger: numbers, and texts of a strict form. No I/O."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Form: TypeAlias = Callable[[Any], bool]

_LARGEST_NUMBER = 1 << 53


def one_of(*words: str) -> Form:
    """One of these words."""
    return lambda value: value in words


def fits(pattern: str) -> Form:
    """A text that fits the pattern, from its beginning to its end."""
    compiled = re.compile(pattern, re.ASCII)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def is_number(value: Any) -> bool:
    """A number that JSON readers everywhere take."""
    whole = isinstance(value, int) and abs(value) < _LARGEST_NUMBER
    return whole or (isinstance(value, float) and math.isfinite(value))


def is_address(value: Any) -> bool:
    """An IP address without a zone, which can be any text."""
    if not isinstance(value, str) or "%" in value:
        return False
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


is_cve = fits(r"CVE-[0-9]{4}-[0-9]{4,9}")
_date = fits(
    r"[0-9]{4}[/-][0-9]{2}[/-][0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_vector = fits(r"(CVSS:[234]\.[01]/|CVSS2#)?[A-Za-z]{1,3}:[A-Z]{1,3}(/[A-Za-z]{1,3}:[A-Z]{1,3}){1,40}")
_flag: Form = lambda value: isinstance(value, bool)  # noqa: E731
_FLAGS = (
    *("exploit_available", "known_exploited", "exploit_framework_metasploit", "exploit_framework_core"),
    *("exploit_framework_canvas", "exploit_framework_d2_elliot", "exploit_framework_exploithub"),
    *("exploited_by_malware", "exploited_by_nessus", "in_the_news", "unsupported_by_vendor", "default_account"),
)
_NUMBERS = (
    *("rank", "plugin_id", "severity", "port", "cvss_score", "cvss_base_score", "cvss3_base_score"),
    *(
        "cvss4_base_score",
        "cvss_temporal_score",
        "cvss3_temporal_score",
        "cvss4_threat_score",
        "vpr_score",
        "epss_score",
    ),
)
_VECTORS = (
    *("cvss_vector", "cvss_temporal_vector", "cvss3_vector", "cvss3_temporal_vector", "cvss4_vector"),
    "cvss4_threat_vector",
)
_DATES = (
    *("plugin_publication_date", "plugin_modification_date", "vuln_publication_date", "patch_publication_date"),
    *("first_found", "last_found", "cisa_known_exploited"),
)
FORMS: Mapping[str, Form] = {
    **dict.fromkeys(_NUMBERS, is_number),
    **dict.fromkeys(_FLAGS, _flag),
    **dict.fromkeys(_VECTORS, _vector),
    **dict.fromkeys(_DATES, _date),
    "host_ip": is_address,
    "protocol": one_of("tcp", "udp", "icmp"),
    "severity_name": one_of("critical", "high", "medium", "low", "info", "unrated"),
    "risk_factor": one_of("Critical", "High", "Medium", "Low", "None"),
    "stig_severity": one_of("I", "II", "III"),
    "plugin_type": one_of("local", "remote", "combined", "summary", "settings", "reputation"),
    "vulnerability_state": one_of("New", "Active", "Fixed", "Resurfaced"),
    "cve": is_cve,
    "cwe": fits(r"(CWE[-:])?[0-9]{1,6}"),
    "bid": fits(r"[0-9]{1,9}"),
}
"""By field; of lists for each entry. A field that is not here is a text that anybody may have written."""


def split(row: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What of a row has a strict form, and the rest; of a list its entries one by one. What is empty is left out."""
    strict: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for name, value in row.items():
        form = FORMS.get(name)
        if isinstance(value, list) and form is not None:
            _put(strict, name, [each for each in value if form(each)])
            _put(rest, name, [each for each in value if not form(each)])
        else:
            _put(strict if form is not None and form(value) else rest, name, value)
    return strict, rest


def _put(values: dict[str, Any], name: str, value: Any) -> None:
    if value is not None and value != "" and value != [] and value != {}:
        values[name] = value
