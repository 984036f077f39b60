"""Plugin 19506, the report's own account of the scan of one host."""

import time

from scanpool.emulator.licence import PLUGIN_SET, SERVER_BUILD, SERVER_VERSION
from scanpool.emulator.login import Accepted, credential_of
from scanpool.emulator.reports.model import HostRun, Item, Plugin, ScanRun

SCANNER_ADDRESS = "127.0.0.1"

_PLUGIN = Plugin(
    id=19506,
    name="Nessus Scan Information",
    family="Settings",
    type="summary",
    synopsis="Tells how the scan of this host was done.",
    description=(
        "Lists, for this host, the version of the scanner and of its plugins, the policy that was used,\n"
        "whether local checks ran with a login, and when the scan began and how long it took."
    ),
    published="2005/08/26",
)


def scan_information(run: ScanRun, host: HostRun) -> Item:
    """The item, in the line grammar that readers rely on."""
    begun = time.gmtime(host.started_at)
    start = f"{begun.tm_year}/{begun.tm_mon}/{begun.tm_mday} {begun.tm_hour}:{begun.tm_min:02d} UTC"
    lines = [
        "Information about this scan : ",
        "",
        f"Nessus version : {SERVER_VERSION}",
        f"Nessus build : {SERVER_BUILD}",
        f"Plugin feed version : {PLUGIN_SET}",
        f"Scanner edition used : {run.edition.edition_used}",
        "Scanner OS : LINUX",
        "Scan type : Normal",
        f"Scan name : {run.scan_name}",
        f"Scan policy used : {run.policy_name}",
        f"Scanner IP : {SCANNER_ADDRESS}",
        "Port scanner(s) : nessus_syn_scanner ",
        "Port range : default",
        "Ping RTT : 1.204 ms",
        "Thorough tests : no",
        "Experimental tests : no",
        "Paranoia level : 1",
        "Report verbosity : 1",
        "Safe checks : yes",
        "Optimize the test : yes",
        *_credentialed_checks(run, host),
        "Patch management checks : None",
        "Display superseded patches : yes (supersedence plugin did not launch)",
        "CGI scanning : disabled",
        "Web application tests : disabled",
        "Max hosts : 30",
        "Max checks : 4",
        "Recv timeout : 5",
        "Backports : None",
        "Allow post-scan editing : Yes",
        f"Scan Start Date : {start}",
        f"Scan duration : {max(1, round(host.ended_at - host.started_at))} sec",
        "Scan for malware : no",
    ]
    return Item(_PLUGIN, "\n".join(lines) + "\n")


def _credentialed_checks(run: ScanRun, host: HostRun) -> list[str]:
    if host.host.scanner_itself:
        return ["Credentialed checks : yes (on the localhost)", "Attempt Least Privilege : no"]
    match credential_of(host.host, host.attempts):
        case None:
            return ["Credentialed checks : no"]
        case Accepted(protocol="SMB", user=user):
            return [f"Credentialed checks : yes, as '{user}' via SMB"]
        case Accepted(user=user):
            return [
                f"Credentialed checks : yes, as '{user}' via ssh",
                f"Attempt Least Privilege : {run.least_privilege}",
            ]
