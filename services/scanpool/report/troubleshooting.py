"""What people can do about logins that failed: the likely cause and the next steps, by reason."""

from __future__ import annotations

from collections.abc import Mapping

from scanpool.report.host_verdict import HostReason
from scanpool_schemas.result import Advice

_ADVICE: dict[HostReason, tuple[str, tuple[str, ...]]] = {
    HostReason.BAD_CREDENTIALS: (
        "The account or its password or key was refused, or this kind of login is switched off on the host.",
        (
            "Log in by hand from the scanner's network with the same account and method.",
            "Look for an expired or locked account, and for AllowUsers and the like in sshd_config.",
            "On Windows give the domain, and see that the account may log on over the network.",
        ),
    ),
    HostReason.NO_CREDENTIALS: (
        "The host offers a service to log in to, and the scan had no credentials for it.",
        (
            "Name a credential of that kind (SSH or Windows) in the request.",
            "Scan hosts of different kinds separately, each with its own credential.",
        ),
    ),
    HostReason.UNREACHABLE: (
        "No service to log in to was reached, or the report does not say what went wrong.",
        (
            "See that SSH (22) or SMB (445) is open from the scanner to the host.",
            "See that the scan's port range includes the port that the service listens on.",
        ),
    ),
    HostReason.INSUFFICIENT_PRIVILEGE: (
        "The account logs in, but may not run what the checks need, or its escalation was refused.",
        (
            "Run the escalation by hand: `sudo -l` as that account.",
            "See that the escalation method, its account and its password fit the host.",
        ),
    ),
    HostReason.LIMITED_ACCESS: (
        "The account logs in to Windows without administrative access.",
        (
            "Put the account into the local Administrators group.",
            "Start the Remote Registry service and allow the administrative shares.",
            "For a local account see that remote UAC does not filter its token.",
        ),
    ),
    HostReason.INTERMITTENT: (
        "The host or the network dropped some of the logins.",
        (
            "Look for limits on connections, as MaxStartups or an intrusion prevention system.",
            "Lower the number of checks that run on a host at once.",
        ),
    ),
    HostReason.CHECKS_UNAVAILABLE: (
        "The login works, but the scanner has no local checks for this system or could not start them.",
        (
            "See whether the scanner supports the operating system.",
            "See that the shell gives no banner, menu or restricted command set.",
        ),
    ),
    HostReason.MIXED_ANSWERS: (
        "The host was scanned more than once, and not every run was logged in.",
        ("List each host once in the targets, by name or by address.",),
    ),
    HostReason.NO_SCAN_INFORMATION: (
        "The export leaves out what says whether the login worked, or the scan of the host was cut off.",
        (
            "Export without filters, and keep plugin 19506 enabled in the policy.",
            "See whether the host or the scan ran into a time limit.",
        ),
    ),
}


def advice(reasons: Mapping[str, int]) -> tuple[Advice, ...]:
    """Advice for the reasons that occur, with how many hosts have them; the most frequent first."""
    found = [(reasons.get(reason, 0), reason) for reason in _ADVICE if reasons.get(reason)]
    return tuple(
        Advice(reason=reason.value, hosts=hosts, likely_cause=_ADVICE[reason][0], next_steps=_ADVICE[reason][1])
        for hosts, reason in sorted(found, key=lambda pair: -pair[0])
    )
