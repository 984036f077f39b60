"""The judgement of what is on this host: the configuration and folders."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scanpool.cli.doctor.check import Check, fine, found, sentence
from scanpool.cli.views.elements import counted
from scanpool.runtime.configuration import Client, Configuration, Problem
from scanpool_schemas.keys import PoolRules

_GIB = 2**30


@dataclass(frozen=True, kw_only=True, slots=True)
class FileFacts:
    """What is known of the configuration file."""

    path: Path
    faults: tuple[Problem, ...] = ()
    """It cannot be used for them."""
    warnings: tuple[Problem, ...] = ()
    unavailable: tuple[Problem, ...] = ()
    """Secrets and bundles that cannot be read."""
    is_open: bool = False
    """Everybody can read it, and it holds secrets."""
    secrets: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderFacts:
    """A folder of this host."""

    path: Path
    free_bytes: int = 0
    unusable: str = ""
    """Why it cannot be written to."""


def absent(why: str) -> Check:
    """No configuration was named, and none found."""
    message = f"{sentence(why)}: no scanner is called, and only NATS is looked at"
    return found("configuration_absent", "", message, "name it with --config FILE or SCANPOOL_CONFIG")


def file(facts: FileFacts) -> list[Check]:
    """What is wrong with the file, and with its secrets."""
    faults = [_problem("configuration_invalid", each) for each in facts.faults]
    if faults:
        return faults
    checks = [_problem("configuration_warning", each) for each in facts.warnings]
    if facts.is_open:
        message = f"{facts.path} holds secrets, and everybody on this host can read it"
        checks.append(found("configuration_open", str(facts.path), message, f"chmod o-rwx {facts.path}"))
    checks = checks or [fine("file", str(facts.path), "good")]
    secrets = [_problem("secret_unavailable", each) for each in facts.unavailable]
    return [
        *checks,
        *(secrets or [fine("secrets", str(facts.path), f"{counted(facts.secrets, 'secret')} can be read")]),
    ]


def rules(
    configured: Mapping[str, str] | None, in_nats: Mapping[str, PoolRules | None], waiting: Mapping[str, int]
) -> list[Check]:
    """The pools of the file and of NATS: `configured` has the digest of each pool's rules, None without a file."""
    return [_rules(pool, configured, each, waiting.get(pool, 0)) for pool, each in in_nats.items()]


def clients(configuration: Configuration) -> list[Check]:
    """Entries for clients that allow nothing."""
    known = {each.id: set(each.pools) for each in configuration.credentials}
    checks = [check for each in configuration.clients for check in _client(each, known)]
    if checks or not configuration.clients:
        return checks
    return [fine("clients", "", f"{counted(len(configuration.clients), 'client')} may do something")]


def work_dir(facts: FolderFacts, needed_bytes: int) -> Check:
    """The folder for reports in hand."""
    place = str(facts.path)
    if facts.unusable:
        message = f"{place} cannot be written to: {sentence(facts.unusable)}"
        return found("work_dir_unusable", place, message, "correct its owner, or name another: SCANPOOL_WORK_DIR")
    return _free(facts, needed_bytes, "work_dir", "work_dir_small", "SCANPOOL_WORK_DIR names another")


def findings_cache(facts: FolderFacts, needed_bytes: int) -> Check:
    """The folder for findings that are read."""
    place = str(facts.path)
    if facts.unusable:
        message = f"{place} cannot be written to: {sentence(facts.unusable)}"
        return found("cache_unusable", place, message, "correct its owner, or name another: XDG_CACHE_HOME")
    return _free(facts, needed_bytes, "findings_cache", "cache_small", "XDG_CACHE_HOME names another")


def _free(facts: FolderFacts, needed_bytes: int, name: str, code: str, other: str) -> Check:
    place, free = str(facts.path), f"{facts.free_bytes / _GIB:.1f} GiB"
    if facts.free_bytes >= needed_bytes:
        return fine(name, place, f"{free} free", free_bytes=facts.free_bytes)
    message = f"{place} has {free} free, and may need {needed_bytes / _GIB:.1f} GiB"
    return found(code, place, message, f"make room there; {other}", free_bytes=facts.free_bytes)


def _problem(code: str, problem: Problem) -> Check:
    where = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
    message = f"{problem.path}: {problem.message}" if problem.path else problem.message
    return found(code, where, sentence(message), problem.remedy)


def _rules(pool: str, configured: Mapping[str, str] | None, known: PoolRules | None, waiting: int) -> Check:
    if known is not None and known.retired:
        message = f"pool {pool} left the configuration, {counted(waiting, 'scan')} of it wait or run"
        remedy = f"once it is empty: nats stream rm KV_pool-{pool}; to keep it, put it into the configuration again"
        return found("pool_retired", pool, message, remedy, waiting=waiting)
    if configured is not None and pool not in configured:
        message = f"NATS has the pool {pool}, and this file has not"
        return found("pool_unconfigured", pool, message, "add it to the file, or name the right file with --config")
    if known is None:
        message = f"no dispatcher has written the rules of pool {pool} yet"
        return found("rules_absent", pool, message, f"scanpool run dispatcher --pools {pool}")
    if configured is not None and configured[pool] != known.digest:
        message = f"the dispatchers of pool {pool} read another configuration than this file"
        remedy = "give them this file, which they read when it changes; or name theirs with --config"
        return found("rules_differ", pool, message, remedy, digest=known.digest, digest_here=configured[pool])
    against = "as this file has them" if configured is not None else "written by its dispatchers"
    return fine("rules", pool, f"its rules are {against}", digest=known.digest)


def _client(client: Client, known: Mapping[str, Collection[str]]) -> Iterator[Check]:
    remedy = "correct its entry under clients, or remove it"
    if not client.networks:
        message = f"client {client.subject} may have no network scanned"
        yield found("client_without_use", client.subject, message, remedy)
    for credential in _useless(client, known):
        message = f"client {client.subject} names the credential {credential}, which none of its pools has"
        yield found("client_without_use", client.subject, message, remedy, credential=credential)


def _useless(client: Client, known: Mapping[str, Collection[str]]) -> Sequence[str]:
    return [each for each in client.credentials if set(client.pools).isdisjoint(known.get(each, ()))]
