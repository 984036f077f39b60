"""The policy part of a report: what was asked of the scan. User names stand in clear, secrets are empty."""

from collections.abc import Iterator, Sequence

from scanpool.emulator.licence import PLUGIN_SET
from scanpool.emulator.reports.model import Login, ScanRun
from scanpool.emulator.reports.xml import element, text
from scanpool.emulator.targets import split

_FAMILIES = (
    "General",
    "Misc.",
    "Policy Compliance",
    "Port scanners",
    "Service detection",
    "Settings",
    "Web Servers",
    "Windows",
)
_MAX_ADDITIONAL = 5


def policy(run: ScanRun) -> str:
    """The whole Policy element."""
    server = "".join(
        f"<preference>{element('name', name)}{element('value', value)}</preference>\n"
        for name, value in _server_preferences(run)
    )
    families = "".join(
        f"<FamilyItem>{element('FamilyName', name)}{element('Status', 'enabled')}</FamilyItem>\n" for name in _FAMILIES
    )
    return (
        f"<Policy><policyName>{text(run.policy_name)}</policyName>\n"
        f"<Preferences><ServerPreferences>{server}</ServerPreferences>\n"
        f"<PluginsPreferences>{''.join(_plugin_preferences(run.logins))}</PluginsPreferences>\n"
        f"</Preferences>\n<FamilySelection>{families}</FamilySelection>\n"
        "<IndividualPluginSelection></IndividualPluginSelection>\n</Policy>\n"
    )


def _server_preferences(run: ScanRun) -> Iterator[tuple[str, str]]:
    yield "plugin_set", ";".join(str(number) for number in range(10_000, 10_400, 7))
    yield "TARGET", ",".join(split(run.text_targets))
    yield "scan_name", run.scan_name
    yield "scan_description", run.scan_description
    yield "name", run.policy_name
    yield "whoami", run.owner
    yield "report_task_id", run.run_uuid
    yield "wizard_uuid", run.template_uuid
    yield "loaded_plugin_set", PLUGIN_SET
    yield "feed_type", "HomeFeed" if run.edition.restricted else "ProfessionalFeed"
    yield "max_hosts", "30"
    yield "max_checks", "4"
    yield "safe_checks", run.safe_checks
    yield "port_range", "default"
    yield "plugins_timeout", "320"
    yield "allow_post_scan_editing", "yes"
    yield "severity_basis", "cvss_v3"
    yield "scan_start_timestamp", str(int(run.started_at))
    yield "scan_end_timestamp", str(int(run.ended_at))


def _plugin_preferences(logins: Sequence[Login]) -> Iterator[str]:
    ssh = [login for login in logins if login.ssh_user]
    smb = [login for login in logins if login.smb_user]
    yield from _ssh_preferences(ssh)
    yield from _smb_preferences(smb)


def _ssh_preferences(logins: Sequence[Login]) -> Iterator[str]:
    first = logins[0] if logins else Login(ssh_user="root")
    yield _ssh("entry", "SSH user name :", "root", first.ssh_user)
    yield _ssh("password", "SSH password (unsafe!) :")
    yield _ssh("file", "SSH private key to use :")
    yield _ssh("password", "Passphrase for SSH key :")
    ways = "Nothing;sudo;su;su+sudo;dzdo;pbrun;Cisco 'enable'"
    yield _ssh("radio", "Elevate privileges with :", ways, ways)
    yield _ssh("entry", "Escalation account :", "root", first.escalation_account or "root")
    yield _ssh("password", "Escalation password :")
    yield _ssh("entry", "Preferred SSH port :", "22", "22")
    for number in range(1, _MAX_ADDITIONAL + 1):
        user = logins[number].ssh_user if number < len(logins) else ""
        yield _ssh("entry", f"Additional SSH user name ({number}) :", "", user)
        yield _ssh("password", f"Additional SSH password ({number}) :")


def _smb_preferences(logins: Sequence[Login]) -> Iterator[str]:
    first = logins[0] if logins else Login()
    yield _smb("entry", "SMB account :", first.smb_user)
    yield _smb("password", "SMB password :")
    yield _smb("entry", "SMB domain (optional) :", first.smb_domain)
    for number in range(1, 4):
        login = logins[number] if number < len(logins) else Login()
        yield _smb("entry", f"Additional SMB account ({number}) :", login.smb_user)
        yield _smb("password", f"Additional SMB password ({number}) :")
        yield _smb("entry", f"Additional SMB domain (optional) ({number}) :", login.smb_domain)


def _ssh(kind: str, name: str, values: str = "", selected: str = "") -> str:
    return _preference("SSH settings", 14273, kind, name, values, selected)


def _smb(kind: str, name: str, selected: str = "") -> str:
    return _preference("Login configurations", 10870, kind, name, "", selected)


def _preference(plugin: str, plugin_id: int, kind: str, name: str, values: str, selected: str) -> str:
    return (
        "<item>"
        + element("pluginName", plugin)
        + element("pluginId", str(plugin_id))
        + element("fullName", f"{plugin}[{kind}]:{name}")
        + element("preferenceName", name)
        + element("preferenceType", kind)
        + element("preferenceValues", values)
        + element("selectedValue", selected)
        + "</item>\n"
    )
