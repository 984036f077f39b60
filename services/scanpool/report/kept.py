"""What is kept of every host until the report has been read: its key and its evidence, in as few bytes as they take."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from scanpool.report.errors import LimitExceeded
from scanpool.report.facts import Evidence, HostFacts
from scanpool.report.limits import Limits
from scanpool_schemas import decoding

_RECENT = 1024
# Sets in one order, so that the same evidence is the same bytes.
_PACKER = msgspec.msgpack.Encoder(order="deterministic")


class KeptHosts:
    """The hosts of a report, in the order in which they first came; those that are alike share their evidence."""

    def __init__(self, limits: Limits) -> None:
        self._allowed_bytes = limits.evidence_bytes
        self._size_bytes = 0
        self._hosts: dict[bytes, bytes] = {}
        self._recent: dict[bytes, bytes] = {}
        """Evidence that another host may share."""

    def add(self, key: tuple[str, str], evidence: Evidence) -> None:
        """Keep a host, or what the report says of it where it comes again.

        Raises:
            LimitExceeded: too much is kept.
        """
        host = _packed_key(*key)
        earlier = self._hosts.get(host)
        if earlier is None:
            self._count(host)
        else:
            evidence = decoding.unpack(earlier, Evidence).merged(evidence)
        packed = _PACKER.encode(evidence)
        if packed != earlier:
            self._hosts[host] = self._shared(packed)

    def __iter__(self) -> Iterator[HostFacts]:
        for host, packed in self._hosts.items():
            yield HostFacts(*_key(host), decoding.unpack(packed, Evidence))

    def _shared(self, packed: bytes) -> bytes:
        known = self._recent.get(packed)
        if known is not None:
            return known
        self._count(packed)
        if len(self._recent) >= _RECENT:
            self._recent.clear()
        self._recent[packed] = packed
        return packed

    def _count(self, kept: bytes) -> None:
        self._size_bytes += len(kept)
        if self._size_bytes > self._allowed_bytes:
            raise LimitExceeded("evidence_bytes", self._allowed_bytes, "bytes of names and evidence of hosts")


# No text of XML has a NUL in it. Most hosts are named by their address, which then stands there once.
def _packed_key(name: str, address: str) -> bytes:
    return (name if address == name else f"{name}\0{address}").encode()


def _key(host: bytes) -> tuple[str, str]:
    name, separator, address = host.decode().partition("\0")
    return name, address if separator else name
