"""Read `bridge.yaml` into the bridge's settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from scanpool.bridge.caller import Caller
from scanpool.bridge.configuration.checks import CHECKS, KEY_BYTES, expiry_findings, key_of
from scanpool.bridge.configuration.model import BridgeFile
from scanpool.bridge.configuration.settings import BridgeSettings
from scanpool.runtime.configuration import ConfigurationError, Problem, Secret, SecretUnavailable
from scanpool.runtime.configuration.document import Document
from scanpool.runtime.configuration.files import FileKind, read_file
from scanpool.runtime.configuration.loading import bundle_findings
from scanpool.runtime.configuration.problems import Finding, item

VARIABLE = "SCANPOOL_BRIDGE_CONFIG"
_BRIDGE = FileKind(
    model=BridgeFile,
    checks=CHECKS,
    absent=f"name one with --bridge-config or {VARIABLE}",
    empty="write your settings into it, or leave --bridge-config out",
)


def find(explicit: Path | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """The file that is named; None where none is."""
    named = explicit or environ.get(VARIABLE)
    return cwd / named if named else None


def load(path: Path, environ: Mapping[str, str], now: datetime) -> tuple[BridgeSettings, tuple[Problem, ...]]:
    """The settings that the file holds, and what a person should know of them.

    Raises:
        ConfigurationError: with everything that is wrong with the file, keys that cannot be read among it.
    """
    file, problems = read_file(_BRIDGE, path, environ)
    if file is None or not all(problem.is_warning for problem in problems):
        raise ConfigurationError([problem for problem in problems if not problem.is_warning])
    document = Document(str(path))
    keys, faults = _keys(file.keys)
    faults += bundle_findings(file.jwt.ca_bundle if file.jwt else None, "jwt.ca_bundle")
    if faults:
        raise ConfigurationError(map(document.problem, faults))
    expired = map(document.problem, expiry_findings(file, now))
    return settings_of(file, keys), (*problems, *expired)


def settings_of(file: BridgeFile, keys: Sequence[bytes] = ()) -> BridgeSettings:
    """The settings that the file's words stand for."""
    return BridgeSettings(
        name=file.name,
        public_url=file.public_url,
        allowed_hosts=file.allowed_hosts,
        allowed_origins=file.allowed_origins,
        keys=tuple(keys),
        tokens=file.tokens,
        jwt=file.jwt,
        local=Caller(subject=file.local.subject, scopes=frozenset(file.local.scopes)),
        required_scopes=file.required_scopes,
        requests_per_minute=file.requests_per_minute,
        submits_per_minute=file.submits_per_minute,
    )


def _keys(secrets: Sequence[Secret]) -> tuple[list[bytes], list[Finding]]:
    keys: list[bytes] = []
    faults: list[Finding] = []
    for index, secret in enumerate(secrets):
        try:
            key = key_of(secret.reveal())
        except SecretUnavailable as error:
            faults.append(Finding(item("keys", index), error.message, error.remedy))
            continue
        if key is None:
            faults.append(_no_key(index))
        else:
            keys.append(key)
    return keys, faults


def _no_key(index: int) -> Finding:
    return Finding(item("keys", index), f"is no key of {KEY_BYTES} bytes", "make one with: openssl rand -hex 32")
