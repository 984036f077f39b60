"""Objects that no event names: what is left of stages that were killed, of retries, and of deleted scans."""

from __future__ import annotations

from scanpool.janitor import decide
from scanpool.janitor.census import Censuses
from scanpool.janitor.decide import Entry, Named
from scanpool.janitor.hands import Hands
from scanpool.janitor.parts import JanitorParts
from scanpool.janitor.report import DeletedObject, Round, Unread
from scanpool.runtime.errors import BrokerError
from scanpool.runtime.objects import Objects
from scanpool.runtime.topology.apply import pools_in_nats


class Orphans:
    """Finds and deletes them; an object that might still be named stays.

    Pools that are not served keep theirs in the same buckets, so the events of every pool are read.
    """

    def __init__(self, parts: JanitorParts, censuses: Censuses) -> None:
        self._parts = parts
        self._censuses = censuses

    async def drop(self, done: Round, hands: Hands) -> None:
        """Delete exports and findings that no event of any pool names."""
        try:
            kept, unreadable = await self._kept(done)
        except BrokerError as error:
            done.not_read.append(Unread(pool="", what=f"objects, which pools that were not read may name: {error}"))
            return
        exports = Named(objects={each.export for each in kept if each.export}, unreadable=unreadable)
        done.exports_deleted += await self._dropped(self._parts.exports, exports, done, hands)
        findings = Named(objects={each.findings for each in kept if each.findings}, unreadable=unreadable)
        done.findings_deleted += await self._dropped(self._parts.findings, findings, done, hands)

    async def _dropped(self, objects: Objects, named: Named, done: Round, hands: Hands) -> list[DeletedObject]:
        orphans = decide.orphans(await objects.list(), named, self._parts.retention.orphans, done.at)
        for each in orphans:
            await hands.drop(objects, each.name)
        return [
            DeletedObject(object=each.name, size_bytes=each.size_bytes, stored_at=each.stored_at) for each in orphans
        ]

    async def _kept(self, done: Round) -> tuple[list[Entry], set[str]]:
        """Every scan but those that this round deleted, and the ids of those that cannot be read."""
        gone = {(each.pool, each.id) for each in done.scans_deleted}
        kept, unreadable = list[Entry](), set[str]()
        for pool in await pools_in_nats(self._parts.jetstream):
            census, _problems = await self._censuses.of(self._parts.jetstream, pool, done.at)
            kept += [each for each in census.entries if (pool, each.scan_id) not in gone]
            unreadable |= census.unreadable
        return kept, unreadable
