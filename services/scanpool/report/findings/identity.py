"""What makes a finding the same in two scans: plugin, port and protocol on its host, and not what was printed."""

from __future__ import annotations

import hashlib
import zlib

_PROTOCOLS = {"": 0, "tcp": 1, "udp": 2, "icmp": 3}
_RESULTS = {"": 0, "PASSED": 1, "FAILED": 2, "WARNING": 3, "ERROR": 4, "SKIPPED": 5}
UNRATED, _OTHER = 7, 6
STATE_BITS = 3
"""The lowest bits of an identity: severity or result, which may change while the finding stays the same."""
STATE = (1 << STATE_BITS) - 1
"""Those bits: a severity, or `UNRATED`."""


def finding_identity(plugin_id: int | None, port: int, protocol: str, severity: int | None) -> int:
    """64 bits: two findings of one host are the same where all but the lowest three are."""
    state = UNRATED if severity is None else severity
    return (plugin_id or 0) << 24 | (port & 0xFFFF) << 8 | protocol_bits(protocol) | state


def plugin_of(identity: int) -> int:
    """The plugin's number in a finding's identity; 0 where it has none."""
    return identity >> 24


def protocol_bits(protocol: str) -> int:
    """The bits that say the protocol."""
    code = _PROTOCOLS.get(protocol)
    if code is None:
        code = len(_PROTOCOLS) + zlib.crc32(protocol.encode()) % (32 - len(_PROTOCOLS))
    return code << STATE_BITS


def check_identity(plugin_id: int | None, check_id: str, name: str, result: str) -> int:
    """64 bits of a compliance result: the check by its id, where it has one, else by its name."""
    text = f"{plugin_id}\0{check_id or name}".encode()
    digest = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")
    return digest >> STATE_BITS << STATE_BITS | _RESULTS.get(result, _OTHER)
