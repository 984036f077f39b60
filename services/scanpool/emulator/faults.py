"""The faults a test can order at run time: the catalogue, and which are in force. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal, TypeAlias

FaultName: TypeAlias = Literal[
    "down",
    "hang",
    "slow",
    "server_error",
    "garbage",
    "rate_limit",
    "loading",
    "session_expiry",
    "too_many_users",
    "licence",
    "no_features",
    "lost_scan",
    "archived",
    "aborted",
    "canceled",
    "paused",
    "no_hosts",
    "never_starts",
    "never_stops",
    "create_forbidden",
    "launch_forbidden",
    "cut_before_create",
    "cut_after_create",
    "cut_after_launch",
    "export_error",
    "export_never_ready",
    "truncated_export",
    "malformed_export",
    "slow_download",
]


@dataclass(frozen=True)
class Kind:
    """What a fault does, and the parameters it takes with their defaults."""

    does: str
    parameters: Mapping[str, Any]


_OF_A_SCAN: dict[str, Any] = {"match": ""}
_OF_A_REQUEST: dict[str, Any] = {"match": "", "path": "", "method": ""}

CATALOGUE: dict[FaultName, Kind] = {
    "down": Kind("closes every connection without an answer", _OF_A_REQUEST),
    "hang": Kind(
        "takes the request and answers nothing until the faults are cleared; where `done` is true it was carried out",
        {**_OF_A_REQUEST, "done": False},
    ),
    "slow": Kind("waits before it does anything", {**_OF_A_REQUEST, "seconds": 5.0}),
    "server_error": Kind("answers with an error of the server", {**_OF_A_REQUEST, "status": 500}),
    "garbage": Kind("answers 200 with something that is not JSON", {**_OF_A_REQUEST, "html": True}),
    "rate_limit": Kind(
        "answers 429 with Retry-After, in seconds or as a date, once it has let `allowed` requests through in so long",
        {**_OF_A_REQUEST, "retry_after": 1, "date": False, "html": False, "allowed": 0},
    ),
    "loading": Kind(
        "is not ready: status loading, everything else 503 or a cut connection",
        {"progress": 50, "cut": False},
    ),
    "session_expiry": Kind("ends the session that a request comes with", {}),
    "too_many_users": Kind("refuses to open a session", {}),
    "licence": Kind(
        "may not create or launch: 412, with the connection cut before the body where `cut` is true",
        {"cut": False},
    ),
    "no_features": Kind("does not say in its properties what the licence allows", {}),
    "lost_scan": Kind("forgets a scan for good as soon as it is asked for", _OF_A_SCAN),
    "archived": Kind("has archived the results of a scan: its details are empty", _OF_A_SCAN),
    "aborted": Kind("a launched scan gives up after this share of its scanning", {**_OF_A_SCAN, "at": 0.5}),
    "canceled": Kind("somebody stops a launched scan after this share of its scanning", {**_OF_A_SCAN, "at": 0.5}),
    "paused": Kind("somebody pauses a launched scan after this share of its scanning", {**_OF_A_SCAN, "at": 0.5}),
    "no_hosts": Kind("a launched scan completes and has found no host", _OF_A_SCAN),
    "never_starts": Kind("a launched scan stays pending", _OF_A_SCAN),
    "never_stops": Kind("a launched scan that is stopped stays stopping", _OF_A_SCAN),
    "create_forbidden": Kind("refuses to create: 403", _OF_A_SCAN),
    "launch_forbidden": Kind("refuses to launch, as if the scan were disabled: 403", _OF_A_SCAN),
    "cut_before_create": Kind("cuts the connection and creates nothing", _OF_A_SCAN),
    "cut_after_create": Kind("creates the scan, then cuts the connection without an answer", _OF_A_SCAN),
    "cut_after_launch": Kind("launches the scan, then cuts the connection without an answer", _OF_A_SCAN),
    "export_error": Kind("an export ends in error", _OF_A_SCAN),
    "export_never_ready": Kind("an export is never ready", _OF_A_SCAN),
    "truncated_export": Kind(
        "a download ends half-way: well-formed HTTP, or the connection cut where `cut` is true",
        {**_OF_A_SCAN, "cut": False},
    ),
    "malformed_export": Kind("a download holds a control character that XML forbids", _OF_A_SCAN),
    "slow_download": Kind("a download waits before each piece", {**_OF_A_SCAN, "seconds": 0.1}),
}


class BadFaultError(ValueError):
    """The order names no known fault or parameter, or a value of the wrong type."""


@dataclass
class Fault:
    """A fault in force."""

    id: int
    name: FaultName
    parameters: Mapping[str, Any]
    times: int | None
    """How often it still acts; None: until it is cleared."""

    def shown(self) -> dict[str, Any]:
        """The fault as the control interface shows it."""
        return {"id": self.id, "fault": self.name, "times": self.times, **self.parameters}


class Faults:
    """The faults in force, in the order in which they were given."""

    def __init__(self) -> None:
        self._active: list[Fault] = []
        self._ids = count(1)

    def add(self, order: Mapping[str, Any]) -> Fault:
        """Put a fault in force.

        Raises:
            BadFaultError: nothing was put in force.
        """
        given = dict(order)
        name, times = given.pop("fault", None), given.pop("times", None)
        kind = _kind(name)
        if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
            raise BadFaultError("`times` must be a whole number above 0, or null for until it is cleared")
        parameters = {key: _checked(name, kind, key, value) for key, value in given.items()}
        fault = Fault(next(self._ids), name, {**kind.parameters, **parameters}, times)
        self._active.append(fault)
        return fault

    def clear(self) -> None:
        """Take every fault out of force."""
        self._active.clear()

    def active(self) -> tuple[Fault, ...]:
        """The faults in force."""
        return tuple(self._active)

    def look(self, name: FaultName) -> Fault | None:
        """The fault of this name that is in force, without using it up."""
        return next((fault for fault in self._active if fault.name == name), None)

    def take(self, name: FaultName, scan: str = "", path: str = "", method: str = "") -> Fault | None:
        """The fault of this name that applies here, used once."""
        for fault in self._active:
            if fault.name == name and _applies(fault, scan, path, method):
                self._use(fault)
                return fault
        return None

    def _use(self, fault: Fault) -> None:
        if fault.times is not None:
            fault.times -= 1
            if fault.times == 0:
                self._active.remove(fault)


def _applies(fault: Fault, scan: str, path: str, method: str) -> bool:
    wanted = fault.parameters
    return (
        wanted.get("match", "") in scan
        and wanted.get("path", "") in path
        and wanted.get("method", "").upper() in ("", method)
    )


def _kind(name: object) -> Kind:
    for known, kind in CATALOGUE.items():
        if name == known:
            return kind
    raise BadFaultError(f"unknown fault {name!r}")


def _checked(name: str, kind: Kind, key: str, value: Any) -> Any:
    if key not in kind.parameters:
        raise BadFaultError(f"fault {name!r} has no parameter {key!r}")
    wanted = type(kind.parameters[key])
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        raise BadFaultError(f"parameter {key!r} of fault {name!r} must be a {wanted.__name__}")
    return value
