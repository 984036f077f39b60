"""What plugins printed, block by block: read for some ranks, and searched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from scanpool.report.findings.errors import NotAFindingsFile
from scanpool.report.findings.filters import folded
from scanpool.report.findings.store import Store

_BLOCK = "SELECT first_rank, texts FROM outputs WHERE first_rank <= ? ORDER BY first_rank DESC LIMIT 1"
_NEXT = "SELECT MIN(first_rank) FROM outputs WHERE first_rank > ?"
_texts = msgspec.msgpack.Decoder(list[str | None]).decode


@dataclass(frozen=True, slots=True)
class _Block:
    first: int
    packed: bytes


def outputs(store: Store, ranks: Iterable[int]) -> Iterator[str | None]:
    """The output of each rank, in their order; None where nothing was printed. Ranks ascend."""
    texts: list[str | None] = []
    first = 0
    for rank in ranks:
        if not first <= rank < first + len(texts):
            block = _block(store, rank)
            first, texts = block.first, _decoded(store, store.unpacked(block.packed))
        yield texts[rank - first] if rank - first < len(texts) else None


def with_texts(store: Store, ranks: Iterable[int], needles: Sequence[str]) -> Iterator[int]:
    """Of these ranks, ascending, the ones in whose output all the texts stand; letters A to Z in either case."""
    wanted = [folded(each) for each in needles]
    following, hits = 0, frozenset[int]()
    for rank in ranks:
        if rank >= following:
            block = _block(store, rank)
            hits = frozenset(_hits(store, block, wanted))
            following = store.value(_NEXT, (block.first,)) or store.counts.findings + 1
        if rank in hits:
            yield rank


def _hits(store: Store, block: _Block, wanted: Sequence[str]) -> Iterator[int]:
    raw = store.unpacked(block.packed)
    small = raw.lower()
    # What stands in a text stands in the block; most blocks are done with here.
    if not all(each.encode() in small for each in wanted):
        return
    for rank, text in enumerate(_decoded(store, raw), start=block.first):
        if text is not None:
            in_lower_case = folded(text)
            if all(each in in_lower_case for each in wanted):
                yield rank


def _block(store: Store, rank: int) -> _Block:
    row = next(store.rows(_BLOCK, (rank,)), None)
    if row is None:
        raise NotAFindingsFile(f"{store.path}: damaged: no output of rank {rank}")
    return _Block(*row)


def _decoded(store: Store, raw: bytes) -> list[str | None]:
    try:
        return _texts(raw)
    except msgspec.MsgspecError as error:
        raise NotAFindingsFile(f"{store.path}: damaged: {error}") from error
