"""Addresses as bytes that sort as addresses do. No I/O."""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_BYTES = 16


def key_of(address: Address) -> bytes:
    """A byte of IP version, then the address: IPv4 before IPv6, and a network is one range."""
    return bytes([address.version]) + address.packed.rjust(_BYTES, b"\0")


def address_key(text: str) -> bytes | None:
    """The key of the address that the text is; None where it is none."""
    try:
        return key_of(ipaddress.ip_address(text))
    except ValueError:
        return None
