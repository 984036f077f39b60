"""What plugins printed, block by block: read for some ranks, and searched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from scanpool.report.findings.errors import NotAFindingsFile
from scanpool.report.findings.filters import folded
from scanpool.report.findings.spans import Spans
from scanpool.report.findings.store import Store

_BLOCK = "SELECT first_rank, texts FROM outputs WHERE first_rank <= ? ORDER BY first_rank DESC LIMIT 1"
_NEXT = "SELECT MIN(first_rank) FROM outputs WHERE first_rank > ?"
_texts = msgspec.msgpack.Decoder(list[str | None]).decode


@dataclass(frozen=True, slots=True)
class Search:
    """A text that is looked for in what plugins printed."""

    text: str
    named: Spans = field(default_factory=lambda: Spans(()))
    """Ranks that fit whatever was printed: the text stands in the plugin's name."""


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


def with_texts(store: Store, ranks: Iterable[int], searches: Sequence[Search]) -> Iterator[int]:
    """Of these ranks, ascending, the ones that fit all the searches; letters A to Z in either case."""
    wanted = [folded(each.text) for each in searches]
    following, fitting = 0, frozenset[int]()
    for rank in ranks:
        if rank >= following:
            block = _block(store, rank)
            following = store.value(_NEXT, (block.first,)) or store.counts.findings + 1
            hits = zip(searches, _hits(store, block, wanted), strict=True)
            fitting = frozenset.intersection(*(found | _named(each, block.first, following) for each, found in hits))
        if rank in fitting:
            yield rank


def _named(search: Search, first: int, following: int) -> frozenset[int]:
    """The ranks of a block that fit by their plugin's name."""
    if not len(search.named):
        return frozenset()
    return frozenset(rank for rank in range(first, following) if rank in search.named)


def _hits(store: Store, block: _Block, wanted: Sequence[str]) -> list[frozenset[int]]:
    """For each text the ranks of the block in whose output it stands."""
    raw = store.unpacked(block.packed)
    small = raw.lower()
    # What stands in a text stands in the block; most blocks are done with here.
    likely = [each.encode() in small for each in wanted]
    if not any(likely):
        return [frozenset()] * len(wanted)
    texts = [folded(each or "") for each in _decoded(store, raw)]
    return [_ranks(block, texts, each) if maybe else frozenset() for each, maybe in zip(wanted, likely, strict=True)]


def _ranks(block: _Block, texts: Sequence[str], wanted: str) -> frozenset[int]:
    return frozenset(rank for rank, text in enumerate(texts, start=block.first) if wanted in text)


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
