"""What of a configuration may be shown and handed on: never a secret."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from scanpool.runtime.configuration.model import Client, Configuration, Credential, Scanner
from scanpool.runtime.configuration.secret import Secret
from scanpool.runtime.configuration.urls import host_of
from scanpool_schemas.keys import ClientRule, CredentialRule, PoolRules, ScannerRule

HIDDEN = "***"


def shown(configuration: Configuration) -> dict[str, Any]:
    """The whole configuration with its defaults. A secret kept elsewhere shows where, any other `***`."""
    document: dict[str, Any] = msgspec.to_builtins(configuration, enc_hook=_encodable)
    return document


def digest(configuration: Configuration) -> str:
    """Hex SHA-256 of what is shown: equal for configurations that differ in secrets alone."""
    return _digest(shown(configuration))


def rules_of(pool: str, configuration: Configuration) -> PoolRules:
    """What processes that do not read the file need to know of a pool of it."""
    of = configuration.pools[pool]
    rules = PoolRules(
        allow=of.allow,
        exclude=of.exclude,
        templates=msgspec.to_builtins(of.templates),
        expose_url=of.expose_url,
        default=configuration.default_pool == pool,
        scanners=tuple(_scanner_rule(each, expose_url=of.expose_url) for each in of.scanners),
        credentials=tuple(_credential_rule(each) for each in configuration.credentials if pool in each.pools),
        clients=tuple(_client_rule(each) for each in configuration.clients if pool in each.pools),
        protected=_protected(configuration),
    )
    return replace(rules, digest=_digest(rules))


def _scanner_rule(scanner: Scanner, *, expose_url: bool) -> ScannerRule:
    return ScannerRule(
        name=scanner.instance_id,
        kind=scanner.kind,
        capacity=scanner.max_concurrent_scans,
        enabled=scanner.enabled,
        url=scanner.url if expose_url else "",
        address=scanner.url,
    )


def _credential_rule(credential: Credential) -> CredentialRule:
    return CredentialRule(id=credential.id, kind=credential.kind, label=credential.label, targets=credential.targets)


def _client_rule(client: Client) -> ClientRule:
    return ClientRule(**{name: getattr(client, name) for name in ClientRule.__struct_fields__})


def _protected(configuration: Configuration) -> tuple[str, ...]:
    """What is named as protected, and the scanners of all pools: one pool may reach the scanners of another."""
    scanners = (host_of(scanner.url) for pool in configuration.pools.values() for scanner in pool.scanners)
    return tuple(dict.fromkeys((*configuration.protected, *scanners)))


def _digest(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()


def _encodable(value: object) -> object:
    match value:
        case Secret():
            return value.source or HIDDEN
        case Path():
            return str(value)
        case _:
            raise NotImplementedError(f"{type(value).__name__} is no part of a configuration")
