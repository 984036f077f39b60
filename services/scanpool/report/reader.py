"""One streaming pass over a report: size and SHA-256 of its bytes, its policy, and its hosts in order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from scanpool.report.errors import LimitExceeded
from scanpool.report.folding import Folding
from scanpool.report.host import HostPart
from scanpool.report.limits import KIB, Limits
from scanpool.report.policy import Policy
from scanpool.report.prologue import check_prologue
from scanpool.report.tree import ReportTree

BLOCK = 256 * KIB


class ReportReader:
    """Reads one report; synchronous, so run it in a thread.

    Whatever pieces the bytes come in, they are parsed in blocks of one size, and the outcome is the same.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._folding = Folding()
        self._tree = ReportTree(self._limits, self._folding)
        self._sha256 = hashlib.sha256()
        self._size_bytes = 0
        self._waiting = bytearray()
        self._begun = False

    @property
    def size_bytes(self) -> int:
        """Of what was fed."""
        return self._size_bytes

    @property
    def sha256(self) -> str:
        """Hex digest of what was fed."""
        return self._sha256.hexdigest()

    @property
    def policy(self) -> Policy:
        """What the report's policy says; complete once the first host is out."""
        return self._tree.policy

    @property
    def report_name(self) -> str:
        """The scan's name by the report; empty until it has been read."""
        return self._tree.report_name

    @property
    def has_report(self) -> bool:
        """Whether there is a Report at all; the export of a policy has none."""
        return self._tree.has_report

    def read(self, pieces: Iterable[bytes]) -> Iterator[HostPart]:
        """Feed all pieces, close, and yield every host.

        Raises:
            ReportError: the report is refused; hosts that came before count for nothing.
        """
        for piece in pieces:
            yield from self.feed(piece)
        yield from self.close()

    def feed(self, piece: bytes) -> Iterator[HostPart]:
        """Take in a piece and yield what it completed; each part is good until the next is asked for.

        Nothing happens before the iterator is advanced, so exhaust it.

        Raises:
            ReportError: the report is refused.
        """
        self._size_bytes += len(piece)
        if self._size_bytes > self._limits.file_bytes:
            raise LimitExceeded("file_bytes", self._limits.file_bytes, "bytes in all")
        self._sha256.update(piece)
        for block in self._blocks(piece):
            yield from self._parse(block, is_last=False)

    def close(self) -> Iterator[HostPart]:
        """Take in that no more pieces follow, and yield what was still under way; exhaust it too.

        Raises:
            ReportError: the report is refused.
        """
        if self._waiting or not self._begun:
            yield from self._parse(bytes(self._waiting), is_last=True)
        self._tree.close()

    def _blocks(self, piece: bytes) -> Iterator[bytes]:
        if not self._waiting and len(piece) == BLOCK:
            yield piece
            return
        self._waiting += piece
        whole = len(self._waiting) - len(self._waiting) % BLOCK
        for start in range(0, whole, BLOCK):
            yield bytes(self._waiting[start : start + BLOCK])
        del self._waiting[:whole]

    def _parse(self, block: bytes, *, is_last: bool) -> Iterator[HostPart]:
        if not self._begun:
            root_at = check_prologue(block, whole=is_last, cap=self._limits.prologue_bytes)
            self._begun = True
            if root_at is not None:
                self._folding.begin(root_at)
        yield from self._tree.feed(block)


def pieces_of(file: BinaryIO) -> Iterator[bytes]:
    """The rest of an open file in pieces of a good size for reading."""
    while piece := file.read(BLOCK):
        yield piece
