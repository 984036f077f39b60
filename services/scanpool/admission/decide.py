"""Whether a request is admitted, and as what; what a cancel does to a scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import msgspec

from scanpool.coordination import transitions
from scanpool.coordination.transitions import Change, Mark
from scanpool_schemas.keys import CredentialRule, PoolRules
from scanpool_schemas.names import nearest
from scanpool_schemas.request import CancelRequest, ScanRequest
from scanpool_schemas.scan import (
    AnyScan,
    Completed,
    Dead,
    Failed,
    Launching,
    Running,
    ScanError,
    Stop,
    Stopping,
)
from scanpool_schemas.targets import (
    Cause,
    InvalidTarget,
    TargetRules,
    Targets,
    parse,
    read_rules,
    read_scope,
    refusals,
    subtract,
)

Addresses: TypeAlias = Mapping[str, Sequence[str]]
"""Hostname to the addresses that it resolved to."""

_SHOWN = 3
_CODES: Mapping[Cause, str] = {
    Cause.IMPOSSIBLE: "impossible_target",
    Cause.SPECIAL_USE: "target_not_allowed",
    Cause.NOT_ALLOWED: "target_not_allowed",
    Cause.EXCLUDED: "target_excluded",
}


class Refused(Exception):
    """The request cannot be carried out."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.error = ScanError(code=code, message=message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A request whose targets were read, before names were looked up."""

    targets: Targets
    rules: TargetRules

    @property
    def to_resolve(self) -> tuple[str, ...]:
        """Hostnames whose addresses have to be known before the pool's rules can judge them."""
        return self.targets.hostnames if self.rules.speak_of_addresses else ()


def read_targets(request: ScanRequest, rules: PoolRules) -> Reading:
    """Read the request's targets, what it excludes taken off.

    Raises:
        Refused: they are malformed, or nothing is left of them.
    """
    if rules.retired:
        raise Refused("pool_retired", "the pool left the configuration and takes no new scans")
    try:
        targets = subtract(parse(request.targets), read_scope(request.exclude))
        pool_rules = read_rules(rules.allow, rules.exclude)
    except InvalidTarget as error:
        raise Refused("invalid_target", str(error)) from error
    if targets.is_empty:
        raise Refused("nothing_to_scan", "the request excludes every one of its targets")
    return Reading(targets=targets, rules=pool_rules)


def admit(request: ScanRequest, rules: PoolRules, reading: Reading, resolved: Addresses, now: datetime) -> ScanRequest:
    """The request as it is carried out: targets normalised and pinned, the template chosen.

    Raises:
        Refused: the pool does not allow it, or has not what it names.
    """
    targets = reading.targets.pinned(resolved)
    found = refusals(targets, reading.rules, now, resolved=tuple(resolved))
    if found:
        more = f" (and {len(found) - _SHOWN} more)" if len(found) > _SHOWN else ""
        raise Refused(_CODES[found[0].cause], "; ".join(each.reason for each in found[:_SHOWN]) + more)
    _check_scanner(request, rules)
    _check_credential(request, rules, targets)
    template = request.template or rules.templates.get(request.scan_type, "advanced")
    return msgspec.structs.replace(request, targets=targets.texts, template=template)


def cancelled(scan: AnyScan, request: CancelRequest, mark: Mark) -> Change | None:
    """What a cancel commits; None where the scan is over or is stopping already."""
    why = f"cancelled by {request.by}" if request.by else "cancelled"
    why = f"{why}: {request.reason}" if request.reason else why
    match scan:
        case Completed() | Failed() | Dead() | Stopping():
            return None
        case Launching() | Running():
            stop = Stop(
                cause="cancel",
                code="cancelled",
                why=why,
                by=request.by or "unknown",
                at=mark.at,
                was="running" if isinstance(scan, Running) else "launching",
            )
            return transitions.stopping(scan, stop, mark)
        case _:
            error = ScanError(code="cancelled", message=why, retryable=True)
            return transitions.failed(scan, error, mark, end="cancelled")


def _check_scanner(request: ScanRequest, rules: PoolRules) -> None:
    wanted = request.scanner
    if wanted is None:
        return
    names = [each.name for each in rules.scanners]
    if wanted not in names:
        raise Refused("unknown_scanner", f"the pool has no scanner {wanted!r}{_meant(wanted, names)}")
    if not any(each.enabled for each in rules.scanners if each.name == wanted):
        raise Refused("scanner_disabled", f"scanner {wanted!r} is disabled in the configuration")


def _check_credential(request: ScanRequest, rules: PoolRules, targets: Targets) -> None:
    wanted = request.credential_ref
    if wanted is None:
        return
    names = [each.id for each in rules.credentials]
    rule = next((each for each in rules.credentials if each.id == wanted), None)
    if rule is None:
        raise Refused("unknown_credential", f"the pool has no credential {wanted!r}{_meant(wanted, names)}")
    _check_reach(rule, targets)


def _check_reach(rule: CredentialRule, targets: Targets) -> None:
    if not rule.targets:
        return
    reach = read_rules(rule.targets, ())
    outside = [
        target.text
        for target in targets.items
        if not (target.hostname and reach.allow.names(target.hostname))
        and (target.addresses.is_empty or not reach.allow.addresses.covers(target.addresses))
    ]
    if outside:
        shown = ", ".join(outside[:_SHOWN])
        raise Refused("credential_not_allowed", f"credential {rule.id!r} may not be used for {shown}")


def _meant(wanted: str, names: Sequence[str]) -> str:
    close = nearest(wanted, names)
    if close:
        return f"; did you mean {close!r}?"
    return f"; it has {', '.join(names)}" if names else "; it has none"
