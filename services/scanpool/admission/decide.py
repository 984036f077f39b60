"""Whether a request is admitted, and as what; what a cancel does to a scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from scanpool.coordination import transitions
from scanpool.coordination.client_policy import Allowed, Confirm, Decision, Denied, at_first_sight
from scanpool.coordination.client_targets import REFUSAL_CODES, Addresses
from scanpool.coordination.transitions import Change, Mark, Submission
from scanpool_schemas.keys import PoolRules
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
    InvalidTarget,
    Scope,
    TargetRules,
    Targets,
    outside,
    parse,
    read_rules,
    read_scope,
    refusals,
    subtract,
)

MAX_ADMITTED_BYTES = 320 * 1024
"""Of a request as it is carried out; the rest of an event's 512 KiB is for its timeline and result."""
_SHOWN = 3


class Refused(Exception):
    """The request cannot be carried out."""

    def __init__(self, code: str, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.error = ScanError(code=code, message=message, retryable=retryable)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A request whose targets were read, before names were looked up."""

    targets: Targets
    rules: TargetRules
    exclude: Scope
    """What the request itself leaves out."""
    credential_reach: Scope
    """What the credential that it names may be used for; empty sets no bounds."""
    of_client: bool
    """A client of the bridge asks, whose policy speaks of addresses."""

    @property
    def to_resolve(self) -> tuple[str, ...]:
        """Hostnames whose addresses have to be known before they can be judged."""
        judged_by_address = (
            self.of_client
            or self.rules.speak_of_addresses
            or not self.exclude.addresses.is_empty
            or not self.credential_reach.addresses.is_empty
        )
        return self.targets.hostnames if judged_by_address else ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Admitted:
    """A request that the pool takes."""

    request: ScanRequest
    """As it is carried out."""
    targets: Targets
    """Its targets, read."""
    resolved: Addresses
    """What its hostnames resolved to, where that counts."""


def check_at_first_sight(request: ScanRequest, rules: PoolRules) -> None:
    """Refuse what a client of the bridge may not whatever its targets are, before any name is looked up.

    Raises:
        Refused: it may not.
    """
    if (found := at_first_sight(request, rules)) is not None:
        raise denied(found)


def read_targets(request: ScanRequest, rules: PoolRules) -> Reading:
    """Read the request's targets, what it excludes taken off.

    Raises:
        Refused: they are malformed, or nothing is left of them.
    """
    if rules.retired:
        raise Refused("pool_retired", "the pool left the configuration and takes no new scans")
    try:
        exclude = read_scope(request.exclude)
        reading = Reading(
            targets=subtract(parse(request.targets), exclude),
            rules=read_rules(rules.allow, rules.exclude),
            exclude=exclude,
            credential_reach=_reach(request, rules),
            of_client=request.client is not None,
        )
    except InvalidTarget as error:
        raise Refused("invalid_target", str(error)) from error
    _refuse_nothing(reading.targets)
    return reading


def admit(request: ScanRequest, rules: PoolRules, reading: Reading, resolved: Addresses, now: datetime) -> Admitted:
    """The request as it is carried out: targets normalised and pinned, the template chosen, a client's scan safe
    unless it says otherwise.

    Raises:
        Refused: the pool does not allow it, or has not what it names.
    """
    _refuse_unknown(resolved)
    targets = _pinned(reading, resolved)
    found = refusals(targets, reading.rules, now, resolved=tuple(resolved))
    if found:
        more = f" (and {len(found) - _SHOWN} more)" if len(found) > _SHOWN else ""
        raise Refused(REFUSAL_CODES[found[0].cause], "; ".join(each.reason for each in found[:_SHOWN]) + more)
    _check_scanner(request, rules)
    _check_credential(request, rules)
    _check_reach(request, targets, reading.credential_reach, resolved)
    template = request.template or rules.templates.get(request.scan_type, "advanced")
    intensity = request.intensity or ("safe" if request.client is not None else None)
    carried_out = msgspec.structs.replace(request, targets=targets.texts, template=template, intensity=intensity)
    return Admitted(request=carried_out, targets=targets, resolved=resolved)


def of_client(decision: Decision, submission: Submission, mark: Mark, counted_at: int) -> Change:
    """The first event of what a client of the bridge asks for; `submission` has the request as it is carried out.

    What is refused stands whatever the client is counted to have by now, and moves no key.
    """
    confirmed = submission.request.confirmed
    match decision:
        case Allowed():
            change = transitions.admitted(submission, mark)
        case Confirm(why) if confirmed is None:
            change = transitions.put_off(submission, why, mark)
        case Confirm(why):
            change = transitions.admitted(submission, mark, why=f"admitted: {why}; confirmed by {confirmed}")
        case Denied():
            return transitions.refused(submission, denied(decision).error, mark)
    return replace(change, counted_at=counted_at)


def denied(denial: Denied) -> Refused:
    """The refusal of what a client may not."""
    return Refused(denial.code, f"{denial.sentence}; {denial.hint}", retryable=denial.retryable)


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


def _refuse_unknown(resolved: Addresses) -> None:
    unknown = [name for name, addresses in resolved.items() if not addresses]
    if unknown:
        raise Refused("hostname_unresolved", f"no address is known for {', '.join(unknown[:5])}")


def _pinned(reading: Reading, resolved: Addresses) -> Targets:
    """The targets at the addresses that their names have, what is excluded taken off once more."""
    try:
        targets = subtract(reading.targets.pinned(resolved), reading.exclude)
    except InvalidTarget as error:
        raise Refused("hostname_unresolved", f"a name resolves to what cannot be scanned: {error}") from error
    _refuse_nothing(targets)
    return targets


def _refuse_nothing(targets: Targets) -> None:
    if targets.is_empty:
        raise Refused("nothing_to_scan", "the request excludes every one of its targets")


def _check_credential(request: ScanRequest, rules: PoolRules) -> None:
    wanted = request.credential_ref
    names = [each.id for each in rules.credentials]
    if wanted is not None and wanted not in names:
        raise Refused("unknown_credential", f"the pool has no credential {wanted!r}{_meant(wanted, names)}")


def _reach(request: ScanRequest, rules: PoolRules) -> Scope:
    named = (each for each in rules.credentials if each.id == request.credential_ref)
    return read_scope([text for each in named for text in each.targets], field="credentials.targets")


def _check_reach(request: ScanRequest, targets: Targets, reach: Scope, resolved: Addresses) -> None:
    """A name counts only where admission resolved it: a publisher's own `name[address]` is its address."""
    if reach.is_empty:
        return
    beyond = outside(targets, reach, resolved=tuple(resolved))
    if beyond:
        shown = ", ".join(each.text for each in beyond[:_SHOWN])
        message = f"credential {request.credential_ref!r} may not be used for {shown}"
        raise Refused("credential_not_allowed", message)


def _meant(wanted: str, names: Sequence[str]) -> str:
    close = nearest(wanted, names)
    if close:
        return f"; did you mean {close!r}?"
    return f"; it has {', '.join(names)}" if names else "; it has none"
