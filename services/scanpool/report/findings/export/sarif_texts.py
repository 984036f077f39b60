"""Texts and places as SARIF writes them. No I/O."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from scanpool.report.findings.export.identifiers import host_name


def message(text: str) -> dict[str, str]:
    """A message that says the text and no more: no placeholder and no link in it is one."""
    return {"text": text.replace("{", "{{").replace("}", "}}").replace("](", "] (")}


def location(row: Mapping[str, Any], port: int, protocol: str) -> dict[str, Any]:
    """The host, and where there is one the port: as a URI for programs, and as a name for people."""
    host = host_name(row)
    where = f"{host}:{port}/{protocol}" if port else host
    kind = "service" if port else "host"
    return {
        "physicalLocation": {"artifactLocation": {"uri": uri(host, port, protocol)}},
        "logicalLocations": [{"name": host, "fullyQualifiedName": where, "kind": kind}],
    }


def uri(host: str, port: int, protocol: str) -> str:
    """`tcp://www.example:443`, of what has no port `host://www.example`; whatever the host is called."""
    scheme = protocol if port and protocol.isascii() and protocol.isalpha() else "host"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = quote(host.encode("utf-8", "backslashreplace"), safe="")
    else:
        name = f"[{address}]".replace("%", "%25") if address.version == 6 else str(address)
    return f"{scheme}://{name}:{port}" if port else f"{scheme}://{name}"
