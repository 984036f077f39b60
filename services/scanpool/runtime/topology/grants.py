"""Rights of a user of NATS, put together from what a service does: it takes deliveries, commits states, reads streams.

What NATS cannot tell apart: whoever may read a message of a stream may read all of that stream, and whoever may
write to a stream that takes rollups may empty it (docs: explanation/security).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scanpool.runtime.topology.definitions import Consumer, topology
from scanpool_schemas import subjects
from scanpool_schemas.scan import StateName

_API = "$JS.API."


@dataclass(frozen=True, kw_only=True, slots=True)
class Rights:
    """Subjects, as NATS writes them; what is not among them is refused."""

    publish: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    """Of what `publish` allows, what is not allowed all the same."""
    subscribe: frozenset[str] = frozenset()
    answers: bool = False
    """May answer, once, whoever asks it."""

    def __or__(self, other: Rights) -> Rights:
        return Rights(
            publish=self.publish | other.publish,
            refused=self.refused | other.refused,
            subscribe=self.subscribe | other.subscribe,
            answers=self.answers or other.answers,
        )


def service(pools: Sequence[str]) -> Rights:
    """What each service reads: whether NATS is set up, and its pools for the metrics."""
    return joined(verifies(pools), *(reads(subjects.pool_stream(pool)) for pool in pools))


def verifies(pools: Sequence[str]) -> Rights:
    return joined(asks(), measures(pools), reads(subjects.SCAN_TICKS))


def measures(pools: Sequence[str]) -> Rights:
    """What the server says of the streams and consumers: how they are set, and the numbers for the metrics."""
    wanted = topology(pools)
    return joined(
        told(*(stream["name"] for stream in wanted.streams)),
        api(*(f"CONSUMER.INFO.{each.stream}.{each.name}" for each in wanted.consumers)),
    )


def asks() -> Rights:
    """What every connection begins with: is there JetStream, and which pools has it."""
    return api("INFO", "STREAM.NAMES")


def cleans(pools: Sequence[str]) -> Rights:
    """A round of the janitor, by itself or on an operator's word."""
    put_right = (subjects.load_key("*"), subjects.REPAIR_KEY)
    return joined(
        *(lists(bucket) | stores(bucket) for bucket in (subjects.EXPORTS_BUCKET, subjects.FINDINGS_BUCKET)),
        *(sweeps(pool, f"scan.{pool}.>", subjects.key(pool, ">")) for pool in pools),
        *(purges(subjects.pool_stream(pool)) for pool in pools),
        *(counts(subjects.pool_stream(pool), subjects.ACTED_ON) for pool in pools),
        *(commits(pool, *subjects.ACTED_ON, "failed") for pool in pools),  # what NATS lost is told again
        *(keys(pool, *put_right) for pool in pools),
        *(publishes((subjects.scanner_event(pool, "*", "*"),)) for pool in pools),
    )


def takes(stream: str, consumers: Iterable[str]) -> Rights:
    """Pulls and settles the deliveries of durable consumers."""
    named = tuple(consumers)
    return joined(
        counts(stream, named),
        api(*(f"CONSUMER.MSG.NEXT.{stream}.{each}" for each in named)),
        publishes(f"$JS.ACK.{stream}.{each}.>" for each in named),
    )


def sweeps(pool: str, *filters: str) -> Rights:
    """Reads the pool through consumers of a moment: by any name, and never the services' own consumers."""
    stream = subjects.pool_stream(pool)
    own = [each.name for each in consumers_of(pool)]
    return Rights(
        publish=told(stream).publish
        | api(*(f"CONSUMER.CREATE.{stream}.*.{each}" for each in filters)).publish
        | api(f"CONSUMER.MSG.NEXT.{stream}.*", f"CONSUMER.DELETE.{stream}.*").publish,
        refused=api(
            *(f"CONSUMER.CREATE.{stream}.{each}.>" for each in own),
            *(f"CONSUMER.{verb}.{stream}.{each}" for verb in ("MSG.NEXT", "DELETE") for each in own),
        ).publish,
    )


def consumers_of(pool: str) -> list[Consumer]:
    return [each for each in topology((pool,)).consumers if each.stream == subjects.pool_stream(pool)]


def stores(bucket: str) -> Rights:
    """Puts objects in and takes them out again, and reads none."""
    stream = f"OBJ_{bucket}"
    return told(stream) | publishes((f"$O.{bucket}.C.*", f"$O.{bucket}.M.*")) | purges(stream)


def fetches(bucket: str) -> Rights:
    return told(f"OBJ_{bucket}") | reads(f"OBJ_{bucket}")


def lists(bucket: str) -> Rights:
    """Names and sizes; nats-py reads them with a push consumer of its own."""
    stream = f"OBJ_{bucket}"
    creates = (
        f"CONSUMER.CREATE.{stream}",
        f"CONSUMER.CREATE.{stream}.*.$O.{bucket}.M.>",
        f"CONSUMER.DELETE.{stream}.*",
    )
    return fetches(bucket) | api(*creates) | publishes((f"$JS.FC.{stream}.>",))


def commits(pool: str, *states: StateName) -> Rights:
    return publishes(subjects.event(pool, state, "*") for state in states)


def keys(pool: str, *names: str) -> Rights:
    return publishes(subjects.key(pool, name) for name in names)


def dead_letters(pool: str, stages: Iterable[str]) -> list[str]:
    return [f"dlq.{pool}.{stage}.*.*" for stage in stages]


def counts(stream: str, consumers: Iterable[str]) -> Rights:
    return api(*(f"CONSUMER.INFO.{stream}.{each}" for each in consumers))


def told(*streams: str) -> Rights:
    return api(*(f"STREAM.INFO.{stream}" for stream in streams))


def reads(stream: str) -> Rights:
    return api(f"STREAM.MSG.GET.{stream}")


def purges(stream: str) -> Rights:
    return api(f"STREAM.PURGE.{stream}")


def api(*operations: str) -> Rights:
    return publishes(f"{_API}{each}" for each in operations)


def publishes(allowed: Iterable[str]) -> Rights:
    return Rights(publish=frozenset(allowed))


def hears(allowed: Iterable[str]) -> Rights:
    return Rights(subscribe=frozenset(allowed))


def joined(first: Rights, *others: Rights) -> Rights:
    for each in others:
        first |= each
    return first
