"""What plugins printed, block by block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from scanpool.report.findings.errors import NotAFindingsFile
from scanpool.report.findings.store import Store

_BLOCK = "SELECT first_rank, texts FROM outputs WHERE first_rank <= ? ORDER BY first_rank DESC LIMIT 1"
_texts = msgspec.msgpack.Decoder(list[str | None]).decode


def outputs(store: Store, ranks: Iterable[int]) -> Iterator[str | None]:
    """The output of each rank, in their order; None where nothing was printed. Ranks ascend."""
    texts: list[str | None] = []
    first = 0
    for rank in ranks:
        if not first <= rank < first + len(texts):
            first, packed = _block(store, rank)
            texts = _decoded(store, store.unpacked(packed))
        yield texts[rank - first] if rank - first < len(texts) else None


def _block(store: Store, rank: int) -> tuple[int, bytes]:
    """Its first rank, and its texts."""
    for first, packed in store.rows(_BLOCK, (rank,)):
        return first, packed
    raise NotAFindingsFile(f"{store.path}: damaged: no output of rank {rank}")


def _decoded(store: Store, raw: bytes) -> list[str | None]:
    try:
        return _texts(raw)
    except msgspec.MsgspecError as error:
        raise NotAFindingsFile(f"{store.path}: damaged: {error}") from error
