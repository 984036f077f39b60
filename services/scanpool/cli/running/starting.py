"""The configuration with which a process starts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import structlog

from scanpool.runtime.configuration import ConfigurationError, LiveConfiguration, Problem, unavailable

log = structlog.get_logger(__name__)


def starting_configuration(path: Path, environ: Mapping[str, str], pools: Collection[str]) -> LiveConfiguration:
    """The configuration, with every secret in reach that the process needs to serve the pools; none named are all.

    Its warnings are logged.

    Raises:
        ConfigurationError: it is bad, a secret cannot be read, or it has no such pool.
    """
    live = LiveConfiguration(path, environ)
    found = (*live.warnings, *_unknown(pools, live), *unavailable(live.current, path, pools or None))
    if faults := [problem for problem in found if not problem.is_warning]:
        raise ConfigurationError(faults)
    log_warnings(found)
    return live


def log_warnings(problems: Collection[Problem]) -> None:
    """Say each in the log."""
    for problem in problems:
        log.warning("warning of the configuration", problem=str(problem))


def _unknown(pools: Collection[str], live: LiveConfiguration) -> Iterator[Problem]:
    known = live.current.pools
    for name in pools:
        if name not in known:
            remedy = f"name some of: {', '.join(known)}"
            yield Problem(file=str(live.path), path="pools", message=f"there is no pool {name} to serve", remedy=remedy)
