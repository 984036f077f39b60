"""What a configuration puts into a pool's bucket: its rules, and the places of its scanners."""

from __future__ import annotations

import msgspec
import structlog

from scanpool.runtime.jetstream import JetStream, Write
from scanpool.runtime.keys import change_key, read_key
from scanpool_schemas import subjects
from scanpool_schemas.keys import Load, PoolRules, ScannerRule

log = structlog.get_logger(__name__)


async def register(jetstream: JetStream, pool: str, rules: PoolRules) -> None:
    """Write the pool's rules where they differ, and give each scanner the places that it is to have.

    A lowered capacity takes no place away: no new one is taken until enough are given back.
    """
    subject = subjects.key(pool, subjects.RULES_KEY)
    if await read_rules(jetstream, pool) != rules:
        await jetstream.publish(Write(subject=subject, body=msgspec.json.encode(rules)))
        log.info("rules of the pool written", pool=pool, digest=rules.digest)
    for scanner in rules.scanners:
        await _give_places(jetstream, pool, scanner)


async def retire(jetstream: JetStream, pool: str) -> None:
    """Say in the pool's rules that it left the configuration: it refuses new requests."""
    rules = await read_rules(jetstream, pool)
    if rules is not None and not rules.retired:
        await register(jetstream, pool, msgspec.structs.replace(rules, retired=True))


async def read_rules(jetstream: JetStream, pool: str) -> PoolRules | None:
    """The pool's rules; None until they were first written.

    Raises:
        TopologyMissing: there is no such pool.
    """
    return (await read_key(jetstream, pool, subjects.RULES_KEY, PoolRules)).value


async def _give_places(jetstream: JetStream, pool: str, scanner: ScannerRule) -> None:
    def sized(load: Load | None) -> Load:
        return msgspec.structs.replace(load or Load(capacity=0), capacity=scanner.capacity)

    changed = await change_key(jetstream, pool, subjects.load_key(scanner.name), Load, sized)
    if changed.before != changed.after:
        log.info("places of the scanner set", pool=pool, scanner=scanner.name, capacity=scanner.capacity)
