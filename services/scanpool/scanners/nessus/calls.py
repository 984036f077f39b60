"""The calls of the Nessus REST API that we make; there are no others."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """A file that goes up as a form."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request, and what it means if its answer is late, lost or a refusal."""

    operation: str
    """Its name in errors and metrics."""
    method: str
    path: str = field(repr=False)
    body: bytes | Upload | None = field(default=None, repr=False)
    once: bool = False
    """Repeating it would do it twice; with no clear answer its outcome is unknown."""
    scan: int | None = None
    """The scan that does not exist if the scanner answers 404."""
    signed_in: bool = True
    accepts: tuple[int, ...] = ()
    """Statuses beside 2xx that are answers to it, not errors."""
    forbidden: str = ""
    """What else than a permission a 403 may mean, for the error's text."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What it carries that must not come back in an error's text."""


def server_status() -> Call:
    """Whether the server is up; the one call that needs no sign-in."""
    return Call(operation="server_status", method="GET", path="/server/status", signed_in=False, accepts=(503,))


def properties() -> Call:
    """What product and licence it is."""
    return Call(operation="properties", method="GET", path="/server/properties")


def who_am_i() -> Call:
    """Who we are signed in as: tells whether the credentials are accepted."""
    return Call(operation="session", method="GET", path="/session")


def sign_in(username: str, password: str) -> Call:
    """Open a web session. A refusal is an answer: it is remembered, not repeated."""
    body = msgspec.json.encode({"username": username, "password": password})
    return Call(
        operation="sign_in",
        method="POST",
        path="/session",
        body=body,
        signed_in=False,
        accepts=(400, 401, 403),
        secrets=(password,),
    )


def sign_out() -> Call:
    """Close a web session; one that has ended is closed."""
    return Call(operation="sign_out", method="DELETE", path="/session", signed_in=False, accepts=(401,))


def templates() -> Call:
    """The templates that a scan can be made from."""
    return Call(operation="templates", method="GET", path="/editor/scan/templates")


def policies() -> Call:
    """The policies that a scan can be made from."""
    return Call(operation="policies", method="GET", path="/policies")


def scans() -> Call:
    """Every scan, and the folders."""
    return Call(operation="scans", method="GET", path="/scans")


def upload(name: str, content: bytes, *, secrets: tuple[str, ...]) -> Call:
    """Put a file on the scanner, for a scan to refer to."""
    return Call(
        operation="upload",
        method="POST",
        path="/file/upload",
        body=Upload(name=name, content=content),
        secrets=secrets,
    )


def create(body: bytes, *, secrets: tuple[str, ...]) -> Call:
    """Make a scan."""
    return Call(
        operation="create",
        method="POST",
        path="/scans",
        body=body,
        once=True,
        forbidden=" (no permission, or it holds as many scans as it may: 10,000 in Tenable Vulnerability Management)",
        secrets=secrets,
    )


def progress(scan: int) -> Call:
    """Where a scan stands."""
    return Call(operation="progress", method="GET", path=f"/scans/{scan}", scan=scan)


def latest_status(scan: int) -> Call:
    """The status word of a scan's latest run, for a call that may be made often."""
    return Call(operation="progress", method="GET", path=f"/scans/{scan}/latest-status", scan=scan)


def percent(scan: int) -> Call:
    """How far the latest run has come, 0 to 100."""
    return Call(operation="percent", method="GET", path=f"/scans/{scan}/progress", scan=scan)


def history(scan: int) -> Call:
    """How many runs a scan has had; those that only finish an earlier one (rollovers) are not counted."""
    path = f"/scans/{scan}/history?limit=2&offset=0&exclude_rollover=true"
    return Call(operation="history", method="GET", path=path, scan=scan)


def folders() -> Call:
    """The folders: a short answer that needs valid keys."""
    return Call(operation="folders", method="GET", path="/folders")


def template(uuid: str) -> Call:
    """One template with every setting that it takes, and their defaults."""
    return Call(operation="template", method="GET", path=f"/editor/scan/templates/{uuid}")


def launch(scan: int) -> Call:
    """Start a scan."""
    return Call(
        operation="launch",
        method="POST",
        path=f"/scans/{scan}/launch",
        body=b"{}",
        once=True,
        scan=scan,
        forbidden=" (no permission to launch it, or the scan is disabled)",
    )


def stop(scan: int) -> Call:
    """Ask a scan to stop."""
    return Call(operation="stop", method="POST", path=f"/scans/{scan}/stop", scan=scan)


def pause(scan: int) -> Call:
    """Ask a scan that runs to pause; one that is paused answers 409."""
    return Call(operation="pause", method="POST", path=f"/scans/{scan}/pause", scan=scan)


def resume(scan: int) -> Call:
    """Ask a paused scan to go on; one that runs answers 409."""
    return Call(operation="resume", method="POST", path=f"/scans/{scan}/resume", scan=scan)


def delete(scan: int) -> Call:
    """Remove a scan and its results."""
    return Call(operation="delete", method="DELETE", path=f"/scans/{scan}", scan=scan)


def export(scan: int) -> Call:
    """Unfiltered: filters drop the items that tell whether a login worked."""
    body = msgspec.json.encode({"format": "nessus"})
    return Call(operation="export", method="POST", path=f"/scans/{scan}/export", body=body, scan=scan)


def export_status(place: str) -> Call:
    """Whether an export is ready. A failed one answers 500, one that is gone 404."""
    return Call(operation="export_status", method="GET", path=f"{place}/status", accepts=(404, 500))


def download(place: str) -> Call:
    """The export itself, once."""
    return Call(operation="download", method="GET", path=f"{place}/download", accepts=(404,))
