"""From a scan and one of its runs to what a report is about."""

from scanpool.emulator.credentials import Stored
from scanpool.emulator.licence import EDITIONS
from scanpool.emulator.options import Options
from scanpool.emulator.reports.model import HostRun, Login, ScanRun
from scanpool.emulator.scan import Run, Scan


def report_of(scan: Scan, run: Run, options: Options, policy_name: str, now: float) -> ScanRun:
    """The run as a report made now would tell it."""
    ended = run.ended_at or now
    return ScanRun(
        scan_name=scan.settings.name,
        scan_description=scan.settings.description,
        policy_name=policy_name,
        template_uuid=scan.template.uuid,
        run_uuid=run.uuid,
        text_targets=run.text_targets,
        edition=EDITIONS[options.profile],
        owner=options.username,
        least_privilege="yes" if scan.preferences.get("attempt_least_privilege") == "yes" else "no",
        safe_checks="no" if scan.preferences.get("safe_checks") == "no" else "yes",
        logins=tuple(_login(stored) for stored in scan.credentials if stored.category == "Host"),
        findings=options.findings,
        started_at=run.launched_at,
        ended_at=ended,
        hosts=_hosts(run, ended, now),
    )


def _hosts(run: Run, ended: float, now: float) -> tuple[HostRun, ...]:
    places = {host.id: place for place, host in enumerate(run.hosts)}
    hosts = []
    for host, done in run.seen(now):
        started_at, ended_at = run.host_span(places[host.id])
        hosts.append(
            HostRun(
                label=host.responder.label,
                address=host.responder.address,
                host=host.responder.host,
                attempts=host.attempts,
                done=done,
                started_at=min(started_at, ended),
                ended_at=min(ended_at, ended),
            )
        )
    return tuple(hosts)


def _login(stored: Stored) -> Login:
    fields = {name: value for name, value in stored.fields.items() if isinstance(value, str)}
    match stored.type:
        case "SSH":
            return Login(ssh_user=fields.get("username", ""), escalation_account=fields.get("escalation_account", ""))
        case "Windows":
            return Login(smb_user=fields.get("username", ""), smb_domain=fields.get("domain", ""))
        case _:
            return Login()
