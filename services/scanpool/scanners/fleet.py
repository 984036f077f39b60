"""The scanners that the configuration gives a process, each made once and kept while it stays the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta

from scanpool.runtime import configuration
from scanpool.runtime.configuration import Configuration, SecretUnavailable
from scanpool.scanners.errors import SignInFailed
from scanpool.scanners.nessus import (
    ApiKeys,
    ExportLimits,
    NessusScanner,
    NessusSettings,
    Sessions,
    SignIn,
    Tls,
    UserPassword,
)
from scanpool.scanners.scanner import Scanner

Observe = Callable[[str, str, str, float], None]
"""Told each call: scanner instance, operation, outcome, seconds."""
Guard = Callable[[str, str, Scanner], Scanner]
"""Puts the scanner of a pool and name behind its breaker."""
_CONNECTIONS = {"nessus": 8, "tenable-vm": 4}
"""Requests under way at once: Tenable asks that its cloud be called with few of them."""


class Fleet:
    """All scanners of the pools that this process serves.

    A scanner that left the configuration is kept until the process ends: scans that run on it are followed, and a
    pool that left it is served until it is empty.
    """

    def __init__(
        self,
        current: Callable[[], Configuration],
        *,
        pools: Collection[str],
        timeout: timedelta,
        exports: ExportLimits,
        observe: Observe,
        guard: Guard,
    ) -> None:
        self._current = current
        self._pools = pools
        self._timeout = timeout
        self._exports = exports
        self._observe = observe
        self._guard = guard
        self._sessions = Sessions()
        self._made: dict[tuple[str, str], tuple[configuration.Scanner, Scanner]] = {}
        self._replaced: list[Scanner] = []
        self._retired: dict[str, configuration.Pool] = {}

    def pools(self) -> tuple[str, ...]:
        """The pools of the configuration that this process serves."""
        known = (*self._current().pools, *self._retired)
        return tuple(dict.fromkeys(name for name in known if not self._pools or name in self._pools))

    def names(self, pool: str) -> Sequence[tuple[str, bool]]:
        """Every scanner of the pool, and whether it is enabled."""
        configured = self._current().pools.get(pool) or self._retired.get(pool)
        return [(each.instance_id, each.enabled) for each in configured.scanners] if configured else []

    def retire(self, pool: str, last: configuration.Pool) -> None:
        """The pool left the configuration: what it has left to do is done by its last one."""
        self._retired[pool] = last

    def get(self, pool: str, name: str) -> Scanner | None:
        """The scanner, by its newest configuration; None for one that this process never had or serves not.

        Raises:
            SignInFailed: its keys or password cannot be read.
        """
        if self._pools and pool not in self._pools:
            return None
        wanted = self._configured(pool, name)
        known = self._made.get((pool, name))
        if wanted is None or (known is not None and known[0] == wanted):
            return known[1] if known else None
        try:
            settings = nessus_settings(pool, wanted, self._timeout, self._exports)
        except SecretUnavailable as error:
            raise SignInFailed(f"{pool}.{name}", "sign in", str(error)) from error
        if known is not None:
            self._replaced.append(known[1])
        bare = NessusScanner(settings, sessions=self._sessions, observe=self._observed(pool, name))
        made = self._guard(pool, name, bare)
        self._made[pool, name] = (wanted, made)
        return made

    async def close(self) -> None:
        """Sign out of all scanners and close their connections."""
        made = [scanner for _, scanner in self._made.values()]
        await asyncio.gather(*(scanner.close() for scanner in (*made, *self._replaced)))

    def _configured(self, pool: str, name: str) -> configuration.Scanner | None:
        of = self._current().pools.get(pool) or self._retired.get(pool)
        return next((each for each in of.scanners if each.instance_id == name), None) if of else None

    def _observed(self, pool: str, name: str) -> Callable[[str, str, float], None]:
        instance = f"{pool}.{name}"
        return lambda operation, outcome, seconds: self._observe(instance, operation, outcome, seconds)


def nessus_settings(
    pool: str, scanner: configuration.Scanner, timeout: timedelta, exports: ExportLimits
) -> NessusSettings:
    """What it takes to talk to the scanner.

    Raises:
        SecretUnavailable: its keys or password cannot be read.
    """
    return NessusSettings(
        scanner_instance=f"{pool}.{scanner.instance_id}",
        url=scanner.url,
        kind=scanner.kind,
        network_scanner=scanner.network_scanner,
        max_connections=_CONNECTIONS[scanner.kind],
        sign_in=_sign_in(scanner),
        tls=tls_of(scanner),
        request_timeout=timeout,
        export=exports,
    )


def tls_of(scanner: configuration.Scanner) -> Tls:
    """What makes the scanner's certificate trusted."""
    return Tls(verify=scanner.tls.verify, ca_bundle=scanner.tls.ca_bundle, fingerprint=scanner.tls.pin)


def _sign_in(scanner: configuration.Scanner) -> SignIn:
    if scanner.access_key is not None and scanner.secret_key is not None:
        return ApiKeys(access_key=scanner.access_key.reveal(), secret_key=scanner.secret_key.reveal())
    if scanner.username is not None and scanner.password is not None:
        return UserPassword(username=scanner.username, password=scanner.password.reveal())
    raise SecretUnavailable(
        f"scanner {scanner.instance_id} has neither keys nor user and password", "give it one of them"
    )
