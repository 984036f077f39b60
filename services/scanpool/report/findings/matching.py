"""Which findings of a host are new, gone or changed, by their identities alone. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from scanpool.report.findings.identity import STATE_BITS
from scanpool.report.findings.packing import unpacked_numbers
from scanpool_schemas.result import LoginVerdict

Status = Literal["new", "fixed", "unverified", "changed", "unchanged"]
Reason = Literal["", "host_not_in_scan", "host_not_scanned", "login_less_deep"]
"""Why what is gone does not count as fixed."""

_DEPTH = {
    LoginVerdict.AUTH: 3,
    LoginVerdict.AGENT: 3,
    LoginVerdict.LOCAL: 3,
    LoginVerdict.AUTH_LIMITED: 2,
    LoginVerdict.LOGIN_ONLY: 1,
}
"""How much of a host is seen with such a login; nothing more is seen with any other verdict than from outside."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A finding that is not the same in both scans; None where one of them has not got it."""

    before: int | None
    after: int | None

    @property
    def is_gone(self) -> bool:
        return self.after is None


def moved(before: bytes, after: bytes) -> Iterator[Moved]:
    """What differs between a host's identities in two scans: equal ones aside, the same finding in another state first.

    A finding that a host has several times is matched as often as both scans have it.
    """
    if before == after:
        return
    old, new = Counter(unpacked_numbers("Q", before)), Counter(unpacked_numbers("Q", after))
    # Mostly few differ, and what is alike is found out quickest by sets.
    differing = {number for number, _ in old.items() ^ new.items()}
    old, new = (Counter({number: counted[number] for number in differing}) for counted in (old, new))
    gone, come = _by_finding(old - new), _by_finding(new - old)
    for finding, states in gone.items():
        others = come.get(finding, [])
        for state in states:
            yield Moved(before=state, after=others.pop() if others else None)
    for states in come.values():
        for state in states:
            yield Moved(before=None, after=state)


def why_unverified(before: str, after: str | None) -> Reason:
    """Why what is gone from a host may be there still, by its login verdicts; empty where it is fixed.

    `after` is None where the later scan has no such host.
    """
    if after is None:
        return "host_not_in_scan"
    if after == LoginVerdict.NOT_SCANNED:
        return "host_not_scanned"
    return "login_less_deep" if _depth(after) < _depth(before) else ""


def _depth(verdict: str) -> int:
    return _DEPTH.get(LoginVerdict(verdict), 0)


def _by_finding(counted: Counter[int]) -> dict[int, list[int]]:
    """By the finding, whatever its state: every identity, the highest state last."""
    found: dict[int, list[int]] = {}
    for number in sorted(counted.elements()):
        found.setdefault(number >> STATE_BITS, []).append(number)
    return found
