"""What single values of the configuration must keep, beyond their types."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from scanpool.runtime.configuration.model import (
    Client,
    Configuration,
    Escalation,
    Pool,
    Scanner,
    SshKey,
    SshPassword,
    Tls,
    WindowsPassword,
)
from scanpool.runtime.configuration.problems import Finding, item
from scanpool.runtime.configuration.reading import Check
from scanpool.runtime.configuration.secret import Origin, Secret
from scanpool.runtime.configuration.urls import url_findings
from scanpool_schemas.keys import Exclusion
from scanpool_schemas.names import InvalidName, check_credential_id, check_scanner_name
from scanpool_schemas.targets import InvalidTarget, read_scope

_FINGERPRINT = re.compile(r"[0-9A-Fa-f]{64}|[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){31}")
_LOGIN = re.compile(r"[A-Za-z0-9._-]+")
_DIRECTORY = re.compile(r"/[A-Za-z0-9./-]*")
_LONGEST_SUBJECT = 256
"""What a request's field `client` holds."""


def secret_findings(secret: Secret, path: str) -> Iterator[Finding]:
    """That it is not empty, and does not stand in the file."""
    if secret.is_empty:
        yield Finding(path, "the secret is empty", "give it a value")
    elif secret.origin is Origin.LITERAL:
        remedy = "keep it outside: {file: PATH}, {env: NAME} or ${NAME}"
        yield Finding(path, "the secret stands in this file", remedy, is_warning=True)


def _scanner_name(name: str, path: str) -> Iterator[Finding]:
    yield from _name(check_scanner_name, name, path)


def _credential_id(name: str, path: str) -> Iterator[Finding]:
    yield from _name(check_credential_id, name, path)


def _name(check: Callable[[str], str], name: str, path: str) -> Iterator[Finding]:
    try:
        check(name)
    except InvalidName as error:
        yield Finding(path, str(error), "rename it")


def _fingerprint(fingerprint: str | None, path: str) -> Iterator[Finding]:
    if fingerprint is not None and not _FINGERPRINT.fullmatch(fingerprint):
        remedy = "give 64 hex digits, as `openssl x509 -noout -fingerprint -sha256` prints them"
        yield Finding(path, "is no SHA-256 fingerprint", remedy)


def _target(text: str, path: str) -> Iterator[Finding]:
    try:
        read_scope([text])
    except InvalidTarget as error:
        yield Finding(path, f"{text!a}: {error.problem}", error.remedy)


def _targets(texts: Sequence[str], path: str) -> Iterator[Finding]:
    for index, text in enumerate(texts):
        yield from _target(text, item(path, index))


def _scanners(scanners: Sequence[Scanner], path: str) -> Iterator[Finding]:
    if not scanners:
        yield Finding(path, "the pool has no scanner", "add one, or remove the pool")
    elif not any(scanner.enabled for scanner in scanners):
        remedy = "set `enabled: true` on one of them; until then its scans wait"
        yield Finding(path, "every scanner is switched off", remedy, is_warning=True)


def _credential_pools(pools: Sequence[str], path: str) -> Iterator[Finding]:
    if not pools:
        yield Finding(path, "names no pool, so the credential could never be used", "name one")


def _subject(subject: str, path: str) -> Iterator[Finding]:
    if len(subject) > _LONGEST_SUBJECT or not subject.isprintable():
        message = f"is longer than {_LONGEST_SUBJECT} characters, or has some that cannot be printed"
        yield Finding(path, message, "give the subject as the client's tokens carry it")


def _client_pools(pools: Sequence[str], path: str) -> Iterator[Finding]:
    if not pools:
        yield Finding(path, "names no pool, so the client could never scan", "name one")


def _login(login: str | None, path: str) -> Iterator[Finding]:
    # The scan engine drops any other login of su without a word.
    if login is not None and not _LOGIN.fullmatch(login):
        message = f"{login!a} has other characters than letters, digits, '.', '_' and '-'"
        yield Finding(path, message, "name an account in these characters")


def _directory(directory: str | None, path: str) -> Iterator[Finding]:
    # The scan engine drops any other directory without a word.
    if directory is not None and not _DIRECTORY.fullmatch(directory):
        message = f"{directory!a} is no absolute path of letters, digits, '.', '/' and '-'"
        yield Finding(path, message, "name the directory as '/usr/local/bin'")


FIELD_CHECKS: Mapping[tuple[type, str], Check] = {
    (Scanner, "instance_id"): _scanner_name,
    (Scanner, "url"): url_findings,
    (Tls, "fingerprint"): _fingerprint,
    (Pool, "allow"): _targets,
    (Pool, "scanners"): _scanners,
    (Exclusion, "target"): _target,
    (Client, "subject"): _subject,
    (Client, "pools"): _client_pools,
    (Client, "networks"): _targets,
    (Client, "exclude"): _targets,
    (Configuration, "protected"): _targets,
    (Escalation, "account"): _login,
    (Escalation, "su_user"): _login,
    (Escalation, "bin_directory"): _directory,
    **{(kind, "id"): _credential_id for kind in (SshPassword, SshKey, WindowsPassword)},
    **{(kind, "pools"): _credential_pools for kind in (SshPassword, SshKey, WindowsPassword)},
    **{(kind, "targets"): _targets for kind in (SshPassword, SshKey, WindowsPassword)},
}
