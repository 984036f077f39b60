"""What a rule and a finding are called in every format: the same in every scan, whatever was printed. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from scanpool.report.findings.identity import STATE_BITS, check_identity, finding_identity

_BYTES = 16


def plugin_rule(row: Mapping[str, Any]) -> str:
    """The plugin's number; of a plugin without one a digest of its name."""
    number = row["plugin_id"]
    return f"unnumbered-{digest(row['plugin_name'])[:16]}" if number is None else str(number)


def check_rule(row: Mapping[str, Any]) -> str:
    """The audit's plugin and the check's own id, else a digest of its name."""
    plugin = "unnumbered" if row["plugin_id"] is None else str(row["plugin_id"])
    return f"{plugin}/{row['check_id'] or digest(row['check_name'])[:16]}"


def finding_fingerprint(row: Mapping[str, Any]) -> str:
    """32 hex digits of host, plugin, port and protocol: severity and output may change."""
    number = finding_identity(row["plugin_id"], row["port"], row["protocol"], None) >> STATE_BITS
    return digest("finding", host_name(row), str(number), plugin_rule(row))


def result_fingerprint(row: Mapping[str, Any]) -> str:
    """32 hex digits of host and check: the result and its values may change."""
    number = check_identity(row["plugin_id"], row["check_id"], row["check_name"], "") >> STATE_BITS
    return digest("compliance", host_name(row), str(number))


def host_name(row: Mapping[str, Any]) -> str:
    """The host as the report names it, else its address."""
    name: str = row["host"] or row["host_ip"]
    return name


def digest(*texts: str) -> str:
    """32 hex digits of the texts."""
    hashed = hashlib.blake2b(digest_size=_BYTES)
    for text in texts:
        content = text.encode("utf-8", "surrogatepass")
        hashed.update(len(content).to_bytes(8, "big") + content)
    return hashed.hexdigest()
