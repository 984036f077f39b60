"""The judgement of NATS: its copies, limits, topology, clocks and room."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from scanpool.cli.doctor.check import Check, fine, found
from scanpool.cli.views.elements import counted
from scanpool.runtime.topology.difference import Difference
from scanpool_schemas.keys import Space

NEAR = 0.9
"""Share of a limit from which on it is told."""
SKEW_S = 2.0
"""What launches are safe against (docs: explanation/lifecycle)."""
DRIFT_S = 0.5
SILENT_S = 10.0
"""Servers of a cluster hear of one another every second."""
_Of = Callable[["Peer"], bool]
_NAMED = 3
"""Of many streams, how many a sentence names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """A server that holds a copy of a stream."""

    server: str
    current: bool
    offline: bool = False
    """It said that it ends; of one that was killed the others do not say so."""
    heard_s: float | None = None
    """How long ago the leader heard of it last; None where it has not since it leads."""

    @property
    def is_gone(self) -> bool:
        """Whether it is not only behind."""
        return self.offline or (not self.current and (self.heard_s is None or self.heard_s > SILENT_S))


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamStanding:
    """How a stream stands."""

    name: str
    copies: int = 1
    cluster: str = ""
    """Name of the servers' cluster; empty of a server alone."""
    leader: str = ""
    peers: tuple[Peer, ...] = ()
    """Beside the leader."""
    silent: str = ""
    """Why nothing is known of it."""
    ahead_s: float | None = None
    """How far its server's clock is ahead of ours; None where it did not say."""
    unsure_s: float = 0.0
    """By how much that may be wrong: half the time that the question took."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """How much of a limit of the account is used."""

    what: str
    used: int
    most: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomFacts:
    """What is known of the room that a pool's scans have."""

    pool: str
    space: Space | None
    """As the janitor wrote it down."""
    short: tuple[str, ...]
    """What is short by the limits that are seen from here."""


def replicas(streams: Sequence[StreamStanding]) -> list[Check]:
    """One check for each trouble, however many streams share it."""
    known = [each for each in streams if not each.silent]
    troubles = [*_leaderless(streams), *_offline(known), *_behind(known), *_alone(known)]
    if troubles or not streams:
        return troubles
    copies = sorted({each.copies for each in known})
    shown = " or ".join(map(str, copies))
    message = (
        f"{counted(len(known), 'stream')} with {shown} {'copy' if copies == [1] else 'copies'} each, all up to date"
    )
    return [fine("replicas", "", message, streams=len(known), leaders=_leaders(known))]


def account(limits: Iterable[Limit]) -> list[Check]:
    """What of the account's limits is used; those without a limit are left out."""
    given = [each for each in limits if each.most > 0]
    troubles = [check for each in given if (check := _limit(each)) is not None]
    return troubles or [fine("account", "", _limits(given), limits={each.what: each.most for each in given})]


def topology(differences: Sequence[Difference], pools: Sequence[str], *, configured: bool) -> list[Check]:
    """What is missing or set otherwise; how often jobs tick is for whoever applied the topology."""
    remedy = "scanpool topology apply" + ("" if configured else f" --pools {','.join(pools)}")
    checks = [
        found(
            "topology_missing" if each.missing else "topology_differs",
            f"{each.kind} {each.name}",
            str(each),
            remedy,
            changes=list(each.fields),
        )
        for each in differences
        if each.missing or each.kind != "schedule"
    ]
    return checks or [fine("topology", "", f"as needed for {_pools(pools)}", pools=list(pools))]


def clocks(streams: Sequence[StreamStanding]) -> list[Check]:
    """One check for each server, by the surest of its answers."""
    surest: dict[str, StreamStanding] = {}
    for each in sorted((each for each in streams if each.ahead_s is not None), key=lambda each: each.unsure_s):
        surest.setdefault(each.leader, each)
    return [_clock(server, each.ahead_s or 0.0, each.unsure_s) for server, each in surest.items()]


def room(facts: RoomFacts, now: datetime) -> Check:
    """Whether the pool's scans have room in NATS."""
    space = facts.space
    remedy = "raise that limit or lower SCANPOOL_KEEP_COMPLETED_S and its like; clean up now: scanpool janitor --once"
    if space is not None and space.holds_back(now):
        return found("nats_nearly_full", facts.pool, f"no scan is admitted or placed: {space.why}", remedy)
    if facts.short:
        message = f"no scan is admitted or placed once the janitor has seen it: {'; '.join(facts.short)}"
        return found("nats_nearly_full", facts.pool, message, remedy)
    return fine("room", facts.pool, "NATS has room")


def _leaderless(streams: Iterable[StreamStanding]) -> Iterator[Check]:
    for each in streams:
        if each.silent:
            why = each.silent
        elif each.cluster and not each.leader:
            why = "it has no leader"
        else:
            continue
        remedy = "start the servers again that hold its copies; nats server report jetstream shows them"
        yield found(
            "stream_without_leader", f"stream {each.name}", f"stream {each.name} does not answer: {why}", remedy
        )


def _offline(streams: Sequence[StreamStanding]) -> Iterator[Check]:
    for server, names in _by_server(streams, lambda peer: peer.is_gone).items():
        message = f"server {server} is gone: {_streams(names)} lack a copy"
        remedy = f"start the nats-server {server} again"
        yield found("server_offline", f"server {server}", message, remedy, streams=names)


def _behind(streams: Sequence[StreamStanding]) -> Iterator[Check]:
    for server, names in _by_server(streams, lambda peer: not peer.is_gone and not peer.current).items():
        message = f"server {server} is behind with {_streams(names)}"
        remedy = "look again in a minute; if it stays so, look at that server's disk and network"
        yield found("replica_behind", f"server {server}", message, remedy, streams=names)


def _alone(streams: Sequence[StreamStanding]) -> Iterator[Check]:
    names = [each.name for each in streams if each.cluster and each.copies == 1]
    if names:
        message = f"the servers are a cluster, and {_streams(names)} have one copy"
        yield found("single_copy", "", message, "scanpool topology apply --replicas 3", streams=names)


def _by_server(streams: Sequence[StreamStanding], is_so: _Of) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for stream in streams:
        for peer in stream.peers:
            if is_so(peer):
                found.setdefault(peer.server, []).append(stream.name)
    return found


def _leaders(streams: Iterable[StreamStanding]) -> dict[str, str]:
    return {each.name: each.leader for each in streams if each.leader}


def _limit(limit: Limit) -> Check | None:
    share = limit.used / limit.most
    if share < NEAR:
        return None
    code = "account_limit_reached" if share >= 1 else "account_limit_near"
    message = f"{limit.used:,} of {limit.most:,} {limit.what} that the account may have are used"
    remedy = f"raise max_{limit.what} of the account in the server's configuration"
    return found(code, limit.what, message, remedy, used=limit.used, most=limit.most)


def _limits(limits: Sequence[Limit]) -> str:
    if not limits:
        return "the account has no limit of streams and consumers"
    return ", ".join(f"{each.used:,} of {each.most:,} {each.what} are used" for each in limits)


def _clock(server: str, ahead_s: float, unsure_s: float) -> Check:
    apart_s = max(0.0, abs(ahead_s) - unsure_s)
    place = f"server {server}" if server else "NATS"
    way = "ahead of" if ahead_s > 0 else "behind"
    facts: Mapping[str, object] = {"ahead_s": round(ahead_s, 3), "unsure_s": round(unsure_s, 3)}
    if apart_s <= DRIFT_S:
        return fine("clock", place, f"agrees with this host's to {max(0.01, abs(ahead_s)):.2f} s", **facts)
    code = "clock_skew" if apart_s > SKEW_S else "clock_drifts"
    message = f"the clock of {place} is {abs(ahead_s):.1f} s {way} this host's"
    return found(code, place, message, "synchronise both with NTP; launches are safe up to 2 s", **facts)


def _streams(names: Sequence[str]) -> str:
    named = ", ".join(names[:_NAMED])
    return named if len(names) <= _NAMED else f"{named} and {len(names) - _NAMED} more streams"


def _pools(pools: Sequence[str]) -> str:
    return f"pools {', '.join(pools)}" if pools else "no pool"
