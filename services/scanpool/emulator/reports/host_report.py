"""One host of a report: its properties and its items."""

import time
from collections.abc import Iterator
from itertools import islice

from scanpool.emulator.hosts import OperatingSystem
from scanpool.emulator.login import Accepted, checks_ran, credential_of
from scanpool.emulator.reports.compliance import compliance_items
from scanpool.emulator.reports.inventory import SYSTEM_CPES, SYSTEM_NAMES, dead_host, inventory
from scanpool.emulator.reports.login_items import login_items
from scanpool.emulator.reports.model import HostRun, Item, ScanRun
from scanpool.emulator.reports.scan_information import scan_information
from scanpool.emulator.reports.weaknesses import local_findings, remote_findings

_SEEDS = 97
_LOCAL_FAMILY: dict[OperatingSystem, str] = {
    "linux": "Larch Linux Local Security Checks",
    "windows": "Windows",
    "network": "CISCO",
    "dead": "",
    "silent": "",
}


def items(run: ScanRun, host: HostRun) -> Iterator[Item]:
    """What the run reports on a host; on one it did not finish, the first part of that."""
    if host.host.os == "dead":
        return iter((dead_host(),))
    found = _found(run, host)
    return found if host.finished else islice(found, int(_expected(run, host) * min(host.done, 0.9)))


def _found(run: ScanRun, host: HostRun) -> Iterator[Item]:
    seed = sum(host.address.encode()) % _SEEDS
    yield from inventory(host)
    yield from remote_findings(seed, _remote_number(run, host))
    yield from login_items(host)
    if checks_ran(host.host, host.attempts):
        yield from local_findings(seed, host.host.local_findings, _LOCAL_FAMILY[host.host.os])
        yield from compliance_items(host.host.compliance, windows=host.host.os == "windows")
    yield scan_information(run, host)


def _remote_number(run: ScanRun, host: HostRun) -> int:
    return host.host.findings if run.findings is None else run.findings


def _expected(run: ScanRun, host: HostRun) -> int:
    """About as many items as the host would have had, all but the last of them counted."""
    local = checks_ran(host.host, host.attempts)
    extra = host.host.local_findings + host.host.compliance if local else 0
    return _remote_number(run, host) + extra + 4


def properties(run: ScanRun, host: HostRun) -> dict[str, str]:
    """The properties of a host, in the order in which a report lists them."""
    ended = {
        "HOST_END_TIMESTAMP": str(int(host.ended_at)),
        "HOST_END": _clock(host.ended_at),
    }
    answering = {**_of_the_login(host), "policy-used": run.policy_name, **_of_the_system(host)}
    return {
        **(ended if host.finished or host.host.os == "dead" else {}),
        **({} if host.host.os == "dead" else answering),
        "host-ip": host.address,
        **({"host-fqdn": host.host.name} if host.host.name else {}),
        "HOST_START_TIMESTAMP": str(int(host.started_at)),
        "HOST_START": _clock(host.started_at),
    }


def _of_the_login(host: HostRun) -> dict[str, str]:
    tags = _results(host)
    if host.host.scanner_itself:
        return {**tags, "local-checks-proto": "local"}
    if (credential := credential_of(host.host, host.attempts)) is not None:
        tags["local-checks-proto"] = {"SSH": "ssh", "SMB": "smb"}[credential.protocol]
    for attempt in host.attempts:
        if isinstance(attempt, Accepted):
            tags |= _used(attempt)
    return tags


def _results(host: HostRun) -> dict[str, str]:
    """Whether local checks ran: written at the end of a host, and over SSH as soon as the login worked."""
    ran, when = checks_ran(host.host, host.attempts), str(int(host.ended_at))
    if host.finished:
        last = "LastAuthenticatedResults" if ran else "LastUnauthenticatedResults"
        return {last: when, "Credentialed_Scan": "true" if ran else "false"}
    credential = credential_of(host.host, host.attempts)
    over_ssh = credential is not None and credential.protocol == "SSH"
    return {"Credentialed_Scan": "true"} if over_ssh else {}


def _used(login: Accepted) -> dict[str, str]:
    if login.protocol == "SMB":
        return {"smb-login-used": login.user}
    return {"ssh-login-used": login.user, "ssh-auth-meth": login.method.replace("public key", "publickey")}


def _of_the_system(host: HostRun) -> dict[str, str]:
    kind = host.host.os
    return {
        "os": {"linux": "linux", "windows": "windows"}.get(kind, "other"),
        "cpe": SYSTEM_CPES[kind],
        "operating-system": SYSTEM_NAMES[kind],
        "operating-system-conf": "95",
        "operating-system-method": "SSH",
        "system-type": "router" if kind == "network" else "general-purpose",
        **({"netbios-name": f"WIN-{sum(host.address.encode()):04d}"} if kind == "windows" else {}),
        "traceroute-hop-0": host.address,
    }


def _clock(instant: float) -> str:
    """An instant as a report writes it: C locale, no zone."""
    moment = time.gmtime(instant)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[moment.tm_wday]
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    hour = f"{moment.tm_hour:02d}:{moment.tm_min:02d}:{moment.tm_sec:02d}"
    return f"{day} {months[moment.tm_mon - 1]} {moment.tm_mday:2d} {hour} {moment.tm_year}"
