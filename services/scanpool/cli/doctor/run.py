"""One run of `scanpool doctor`: connect, look at everything, conclude."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nats.aio.client import Client

from scanpool.cli.doctor.catalogue import Section
from scanpool.cli.doctor.check import Check, fine, found, sentence, unseen
from scanpool.cli.doctor.examine import Told, concluded, examine
from scanpool.cli.doctor.gather import local
from scanpool.cli.doctor.units import Patient, chosen, needs_nats, units
from scanpool.runtime.connection import connect
from scanpool.runtime.errors import BrokerError, ServerUnsuitable
from scanpool.runtime.jetstream import JetStream
from scanpool.runtime.settings import Settings
from scanpool.runtime.topology.apply import pools_in_nats
from scanpool_schemas.names import nearest

CONNECT_S = 4.0
_NATS: Section = "nats"


class PoolUnknown(Exception):
    """Neither NATS nor the configuration has the pool."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a person asked for."""

    settings: Settings
    config: Path | None
    environ: Mapping[str, str]
    cwd: Path
    pool: str | None
    only: frozenset[str]
    within_s: float
    repair: bool


async def run(wish: Wish, now: Callable[[], datetime], told: Told) -> list[Check]:
    """Everything that was asked for, in order.

    Raises:
        PoolUnknown: the pool that is named is nowhere.
    """
    configured = local.configuration(wish.config, wish.environ, wish.cwd, wish.pool)
    async with AsyncExitStack() as stack:
        jetstream, checks = await _connected(wish.settings, stack) if needs_nats(wish.only) else (None, [])
        in_nats = await _pools(jetstream, checks)
        pools = _pools_meant(wish.pool, configured, in_nats)
        if jetstream is None and wish.pool is not None and wish.pool not in pools:
            pools = (wish.pool,)
        patient = Patient(
            jetstream=jetstream,
            settings=wish.settings,
            environ=wish.environ,
            found=configured,
            pools=pools,
            in_nats=frozenset(in_nats).intersection(pools),
            now=now,
            within_s=wish.within_s,
            repair=wish.repair,
        )
        checks += await examine(chosen(units(patient), wish.only), wish.within_s, told)
    return concluded(checks, wish.only)


async def _connected(settings: Settings, stack: AsyncExitStack) -> tuple[JetStream | None, list[Check]]:
    place = settings.nats.shown
    try:
        client = await connect(settings.nats, name="scanpool doctor", timeout_s=CONNECT_S)
    except ServerUnsuitable as error:
        return None, [
            _refused("nats_unsuitable", place, error, "update NATS, or enable jetstream {} in its configuration")
        ]
    except BrokerError as error:
        remedy = "start NATS; or name yours with --nats or SCANPOOL_NATS_URL, and check user and password"
        return None, [_refused("nats_unreachable", place, error, remedy)]
    stack.push_async_callback(_closed, client)
    told = client.connected_server_version
    version = f"{told.major}.{told.minor}.{told.patch}"
    message = f"NATS {version} answers, with JetStream"
    return JetStream(client), [fine("connection", place, message, version=version)]


async def _closed(client: Client) -> None:
    await (client.drain() if client.is_connected else client.close())


def _refused(code: str, place: str, error: BrokerError, remedy: str) -> Check:
    return found(code, place, sentence(str(error).partition(";")[0]), remedy)


async def _pools(jetstream: JetStream | None, checks: list[Check]) -> tuple[str, ...]:
    if jetstream is None:
        return ()
    try:
        return await pools_in_nats(jetstream)
    except BrokerError as error:
        message = f"the pools cannot be listed: {sentence(str(error))}"
        checks.append(unseen("check_failed", _NATS, "", message, "sign in to NATS with the rights of an operator"))
        return ()


def _pools_meant(pool: str | None, configured: local.Found, in_nats: tuple[str, ...]) -> tuple[str, ...]:
    ours = tuple(configured.configuration.pools) if configured.configuration else ()
    known = tuple(dict.fromkeys((*ours, *in_nats)))
    if pool is None:
        return known
    if known and pool not in known:
        close = nearest(pool, known)
        hint = f"did you mean {close!r}?" if close else f"there are: {', '.join(known)}"
        raise PoolUnknown(f"there is no pool {pool!r}; {hint}")
    return (pool,) if pool in known else ()
