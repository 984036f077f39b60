"""The keys of a pool's bucket: what its scanners carry, how they are, whom it admitted, and what its rules say.

A key is read and written as KV (`$KV.pool-<pool>.<key>`) and is JSON, one struct a key.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from scanpool_schemas.instants import Instant
from scanpool_schemas.request import Intensity


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """Key `load.<scanner>`: who holds a place on the scanner. Written by the commits of scans."""

    capacity: int
    """Places: the most scans of ours that may be on the scanner at once."""
    holders: tuple[str, ...] = ()
    """Ids of the scans that hold a place; a place is held until the scan is over on the scanner."""
    last_used: Instant | None = None
    """When a place was last taken; ties between scanners go to the least recently used."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Key `health.<scanner>`: what the scanner last said of itself. Written by the dispatcher."""

    ready: bool
    """It answers, its plugins are loaded and its sign-in works."""
    reason: str = ""
    """Why it is not ready, or why it may not launch, in one sentence; empty when all is well."""
    checked_at: Instant
    last_seen: Instant | None = None
    """When it last answered a readiness check."""
    can_launch: bool | None = None
    """Whether its licence lets an API client create and launch scans; null while unknown."""
    edition: str = ""
    version: str = ""
    plugin_set: str = ""


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """Who may ask a scanner whether it is well again."""

    by: str
    """The process."""
    until: Instant
    """When another process may take the probe."""


class Breaker(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Key `breaker.<scanner>`: whether the scanner is called for scans. Written by whoever calls it."""

    state: Literal["closed", "open", "half-open"] = "closed"
    failures: int = 0
    """In a row."""
    operation: str = ""
    """What failed last; an answer to the same starts the count anew."""
    successes: int = 0
    """Of probes in a row, while it is half-open."""
    since: Instant | None = None
    """When the state began; null where it has always been closed."""
    until: Instant | None = None
    """When an open breaker lets one process probe the scanner; null is when a person resets it."""
    probe: Probe | None = None
    reason: str = ""
    """The last failure, or what the person said."""
    by: str = ""
    """The person who tripped or reset it; empty where it changed by itself."""
    opened: int = 0
    """How often it has opened."""


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """That something is held back by hand."""

    by: str
    reason: str = ""
    since: Instant
    until: Instant | None = None
    """When it ends by itself; null is when a person ends it."""

    def holds(self, now: datetime) -> bool:
        """Whether it has not ended yet."""
        return self.until is None or now < self.until


class Control(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Key `control`: what people hold back in the pool. Written by hand, through the CLI."""

    paused: Hold | None = None
    """No scan of the pool is placed; those that run go on."""
    cordoned: dict[str, Hold] = {}
    """By scanner: it is given no scan; those that run on it go on."""


class Space(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Key `space`: whether NATS has room for more scans of the pool. Written by the janitor."""

    low: bool
    """Nothing is admitted and no scan is placed; those on scanners go on."""
    why: str = ""
    """What is nearly full, and how much is left of how much."""
    since: Instant
    """When it became so."""
    at: Instant
    """When it was last measured and written down."""
    until: Instant
    """While nobody measures, it ends by itself."""

    def holds_back(self, now: datetime) -> bool:
        """Whether scans wait for room."""
        return self.low and now < self.until

    @property
    def sentence(self) -> str:
        """Why scans wait."""
        return f"NATS has no room for more scans: {self.why}"


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """Key `repair`: the last place that was put right by `scanpool janitor --once --repair`."""

    scanner: str
    scan_id: str
    did: Literal["given back", "given"]
    """A place that no event spoke of was given back; a scan was given the place that its event speaks of."""
    event_sequence: int
    """Of the scan's last event when it was repaired; 0 where it had none."""
    at: Instant


class LastAdmitted(msgspec.Struct, frozen=True, kw_only=True):
    """Key `client.<client>`: which scan of a client of the bridge was admitted last. Written by admission with the
    scan's first event, if it has not moved since the client's scans were counted; gone an hour later."""

    client: str
    """The subject of its identity; in the key it stands as a digest where it is longer or less plain than a name."""
    scan_id: str
    at: Instant
    """When it was admitted."""


class Exclusion(msgspec.Struct, frozen=True, kw_only=True):
    """Targets that a pool never scans."""

    target: str
    until: date | None = None
    """The last day (UTC) on which it holds; null is for ever."""
    reason: str = ""


class ScannerRule(msgspec.Struct, frozen=True, kw_only=True):
    """One scanner of a pool, as processes without its credentials may know it."""

    name: str
    kind: str
    capacity: int
    enabled: bool = True
    url: str = ""
    """Where it answers; empty unless its pool says `expose_url`."""
    address: str = ""
    """Where it answers, whatever its pool says; outward faces tell operators alone."""


class CredentialRule(msgspec.Struct, frozen=True, kw_only=True):
    """A credential that requests to the pool may name; never its value."""

    id: str
    kind: str
    label: str = ""
    targets: tuple[str, ...] = ()
    """Targets it may be used for; empty is all that the pool allows."""


class ClientRule(msgspec.Struct, frozen=True, kw_only=True):
    """What a client of the bridge may ask of a pool; what no rule allows is denied."""

    subject: str
    """The subject of its identity, or a glob of such with `*`."""
    networks: tuple[str, ...] = ()
    """Networks, addresses and host globs that it may have scanned, within what the pool allows; empty is none."""
    exclude: tuple[str, ...] = ()
    """What it may not, whatever its networks say."""
    credentials: tuple[str, ...] = ()
    """Ids of the credentials that it may name."""
    intensity: Intensity = "safe"
    """The most that it may ask for."""
    max_hosts: int = 256
    """Addresses in one scan."""
    confirm_above_hosts: int | None = None
    """A scan of more addresses waits for a person's confirmation; null is never."""
    confirm_intrusive: bool = True
    """Whether an intrusive scan waits for a person's confirmation."""
    max_concurrent: int = 4
    """Scans of it in the pool that are not over yet."""
    scans_per_hour: int = 20
    """Scans of it that the pool admits within an hour."""


class PoolRules(msgspec.Struct, frozen=True, kw_only=True):
    """Key `rules`: what other processes need of the pool's configuration. Holds no secret."""

    allow: tuple[str, ...] = ()
    """Networks, addresses and host globs that may be scanned; empty allows any target."""
    exclude: tuple[Exclusion, ...] = ()
    templates: dict[str, str] = {}
    """Scan type to the name of the scanner's template."""
    expose_url: bool = False
    scanners: tuple[ScannerRule, ...] = ()
    credentials: tuple[CredentialRule, ...] = ()
    clients: tuple[ClientRule, ...] = ()
    """Rules of the clients of the bridge that may use the pool; a client without one may nothing."""
    protected: tuple[str, ...] = ()
    """What no client of the bridge may have scanned: the scanners, and what else the configuration names."""
    default: bool = False
    """Scans that name no pool come here."""
    digest: str = ""
    """Of everything above: processes whose digests differ read different configurations."""
    retired: bool = False
    """The pool left the configuration: served until empty, refuses new requests."""
