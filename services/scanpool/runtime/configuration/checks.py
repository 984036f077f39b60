"""What structs of the configuration must keep: fields that need or contradict one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scanpool.runtime.configuration.fieldchecks import FIELD_CHECKS, secret_findings
from scanpool.runtime.configuration.model import Client, Escalation, EscalationMethod, Scanner, Tls
from scanpool.runtime.configuration.problems import Finding, child
from scanpool.runtime.configuration.reading import Checks
from scanpool.runtime.configuration.secret import Secret

MAX_ACTIVE_IN_CLOUD = 25
"""How many active scans a container of Tenable Vulnerability Management has; another launch is refused with 429."""
_ACCOUNT, _PASSWORD, _SU_USER, _BIN = "account", "password", "su_user", "bin_directory"
_TAKES: Mapping[EscalationMethod, frozenset[str]] = {
    EscalationMethod.NONE: frozenset(),
    EscalationMethod.SUDO: frozenset({_ACCOUNT, _PASSWORD, _BIN}),
    EscalationMethod.SU: frozenset({_ACCOUNT, _PASSWORD, _BIN}),
    EscalationMethod.SU_SUDO: frozenset({_SU_USER, _ACCOUNT, _PASSWORD, _BIN}),
    EscalationMethod.PBRUN: frozenset({_ACCOUNT, _PASSWORD, _BIN}),
    EscalationMethod.DZDO: frozenset({_ACCOUNT, _PASSWORD, _BIN}),
    EscalationMethod.K5LOGIN: frozenset({_ACCOUNT}),
    EscalationMethod.CISCO_ENABLE: frozenset({_PASSWORD}),
    EscalationMethod.CHECKPOINT_GAIA: frozenset({_PASSWORD}),
}
_NEEDS: Mapping[EscalationMethod, frozenset[str]] = {
    EscalationMethod.SU: frozenset({_PASSWORD}),
    EscalationMethod.SU_SUDO: frozenset({_SU_USER}),
    EscalationMethod.CISCO_ENABLE: frozenset({_PASSWORD}),
    EscalationMethod.CHECKPOINT_GAIA: frozenset({_PASSWORD}),
}


def _scanner(scanner: Scanner, path: str) -> Iterator[Finding]:
    yield from _cloud(scanner, path) if scanner.kind == "tenable-vm" else _onsite(scanner, path)
    if scanner.url.lower().startswith("http://") and scanner.tls != Tls():
        remedy = "use https, or remove the tls settings"
        yield Finding(child(path, "tls"), "has no effect on an http URL", remedy)


def _onsite(scanner: Scanner, path: str) -> Iterator[Finding]:
    yield from _sign_in(scanner, path)
    if scanner.network_scanner is not None:
        place = child(path, "network_scanner")
        yield Finding(place, "a Nessus scans by itself", "remove it, or set `kind: tenable-vm`")


def _cloud(scanner: Scanner, path: str) -> Iterator[Finding]:
    product = "Tenable Vulnerability Management"
    for name in ("username", "password"):
        if getattr(scanner, name) is not None:
            yield Finding(child(path, name), f"{product} takes API keys only", "give access_key and secret_key instead")
    for name in ("access_key", "secret_key"):
        if getattr(scanner, name) is None:
            yield Finding(child(path, name), f"missing: {product} takes API keys only", "add it")
    if scanner.max_concurrent_scans > MAX_ACTIVE_IN_CLOUD:
        message = f"{product} runs {MAX_ACTIVE_IN_CLOUD} scans at once at most, those of others included"
        place = child(path, "max_concurrent_scans")
        yield Finding(place, message, f"set {MAX_ACTIVE_IN_CLOUD} or fewer")


def _sign_in(scanner: Scanner, path: str) -> Iterator[Finding]:
    keys = {"access_key": scanner.access_key, "secret_key": scanner.secret_key}
    login = {"username": scanner.username, "password": scanner.password}
    given = {name for name, value in {**keys, **login}.items() if value is not None}
    if not given:
        remedy = "give access_key and secret_key (preferred), or username and password"
        yield Finding(path, "has no way to sign in", remedy)
    elif given & keys.keys() and given & login.keys():
        remedy = "keep access_key and secret_key, or username and password"
        yield Finding(path, "has two ways to sign in", remedy)
    elif len(given) == 1:
        (there,) = given
        (absent,) = (keys.keys() if there in keys else login.keys()) - given
        yield Finding(child(path, absent), f"missing beside {there}", "add it")


def _tls(tls: Tls, path: str) -> Iterator[Finding]:
    if tls.verify:
        return
    if tls.ca_bundle is not None:
        message = "a bundle is given, but verification is switched off"
        yield Finding(child(path, "ca_bundle"), message, "remove `verify: false`, or the bundle")
    if tls.fingerprint is None:
        message = "the scanner's certificate is not verified: anybody on the way may pose as it"
        remedy = "give its ca_bundle or its fingerprint instead"
        yield Finding(child(path, "verify"), message, remedy, is_warning=True)


def _escalation(escalation: Escalation, path: str) -> Iterator[Finding]:
    given = {name for name in (_ACCOUNT, _PASSWORD, _SU_USER, _BIN) if getattr(escalation, name) is not None}
    method = escalation.method
    for name in sorted(given - _TAKES[method]):
        yield Finding(child(path, name), f"method {method.value} takes no {name}", "remove it")
    for name in sorted(_NEEDS.get(method, frozenset()) - given):
        yield Finding(child(path, name), f"method {method.value} needs {name}", "add it")


def _client(client: Client, path: str) -> Iterator[Finding]:
    if client.confirm_above_hosts is not None and client.confirm_above_hosts >= client.max_hosts:
        message = f"has no effect: scans of more than {client.max_hosts} addresses (max_hosts) are denied"
        place = child(path, "confirm_above_hosts")
        yield Finding(place, message, "lower it, or raise max_hosts", is_warning=True)


CHECKS = Checks(
    of_fields=FIELD_CHECKS,
    of_types={Client: _client, Scanner: _scanner, Tls: _tls, Escalation: _escalation, Secret: secret_findings},
)
"""Every check of the model."""
