"""What findings point at, read with care: others wrote it. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_CWE = re.compile(r"(?:CWE[:-])?(\d{1,6})", re.IGNORECASE)
_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:_-]+(?:[/?#][!#-;=?-\[\]_a-z~]*)?")
"""What is a URI by RFC 3986, more or less: no blanks, quotes, angle brackets or letters beyond ASCII."""
_CVE = re.compile(r"CVE-\d{4}-\d{4,12}")
_VECTORS = {
    "2.0": re.compile(r"(?:CVSS2#)?(AV:[LAN]/AC:[LMH]/Au:[NSM]/C:[NPC]/I:[NPC]/A:[NPC])"),
    "3": re.compile(r"CVSS:3\.[01]/AV:[NALP]/AC:[LH]/PR:[NLH]/UI:[NR]/S:[UC]/C:[NLH]/I:[NLH]/A:[NLH]"),
}


def cwes(row: Mapping[str, Any]) -> list[int]:
    """Numbers of weaknesses, of the elements `cwe` and `xref`; each once, in order."""
    named = [each for each in row["xref"] if each.upper().startswith(("CWE:", "CWE-"))]
    found = (_CWE.fullmatch(each.strip()) for each in (*row["cwe"], *named))
    return list(dict.fromkeys(int(match[1]) for match in found if match))


def cves(row: Mapping[str, Any]) -> list[str]:
    """What has the form of a CVE, in upper case; each once, in order."""
    names = (each.strip().upper() for each in row["cve"])
    return list(dict.fromkeys(name for name in names if _CVE.fullmatch(name)))


def urls(row: Mapping[str, Any]) -> list[str]:
    """The addresses of `see_also` that are some."""
    return web_addresses(row["see_also"])


def web_addresses(texts: Iterable[str]) -> list[str]:
    """Those of the texts that are web addresses."""
    return [text for text in texts if _URL.fullmatch(text)]


def cvss3_vector(row: Mapping[str, Any]) -> str | None:
    """The base vector of CVSS 3; None where there is none, or it is malformed."""
    vector = row["cvss3_vector"] or ""
    return vector if _VECTORS["3"].fullmatch(vector) else None


def cvss2_vector(row: Mapping[str, Any]) -> str | None:
    """The base vector of CVSS 2 without the prefix that Nessus gives it; None where there is none."""
    found = _VECTORS["2.0"].fullmatch(row["cvss_vector"] or "")
    return found[1] if found else None
