"""The policy that a report carries: what was asked for. User names are recognised and never kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lxml import etree

from scanpool.report.redaction import names_in
from scanpool.report.texts import clip, head_and_tail
from scanpool_schemas.targets import InvalidTarget, parse

# Settings that log in to the scanned hosts themselves; logins to databases, patch management and cloud
# services say nothing about them.
_HOST_LOGINS = (
    "SSH settings",
    "Cleartext protocols settings",
    "SNMP settings",
    "Kerberos configuration",
    "Palo Alto Networks PAN-OS Settings",
    "Citrix NITRO API Settings",
    "F5 Settings",
    "IBM iSeries Credentials",
    "Netapp API Settings",
    "Nutanix Settings",
    "VMware SOAP API Settings",
    "VMware vCenter SOAP API Settings",
)
# One setting for FTP, mail and SMB logins; every policy has an anonymous FTP account in it.
_MIXED_LOGINS = "Login configurations"
_USER_NAME = re.compile(r"\b(?:user ?name|account|login|user)\b", re.IGNORECASE)
_SECRETS = {"password", "file"}
# Scanners write this name into every policy, so it is no sign of a login.
_DEFAULT_SSH_USER = ("SSH user name :", "root")
_DEFAULT_ACCOUNTS = {"root", "anonymous"}
_MAX_NAMES = 256


@dataclass(slots=True)
class Policy:
    """What the report's policy says, as far as it has been read."""

    name: str = ""
    scan_name: str = ""
    targets: int | None = None
    """How many addresses and hostnames were asked for; None where the list is absent or not understood."""
    has_host_login: bool = False
    """Credentials for the scanned hosts were configured, beyond what every policy contains."""
    _user_names: set[str] = field(default_factory=set, repr=False)

    def read_preference(self, preference: etree._Element) -> None:
        """Take in one `preference` of the server's settings."""
        name = _text(preference, "name")
        if name == "TARGET":
            self.targets = _count(_text(preference, "value"))
        elif name == "scan_name":
            self.scan_name = clip(_text(preference, "value"), 200)

    def read_plugin_setting(self, item: etree._Element) -> None:
        """Take in one `item` of the plugins' settings."""
        value = _text(item, "selectedValue")
        if not value:
            return
        setting, kind = _text(item, "preferenceName"), _text(item, "preferenceType")
        if kind == "entry" and _USER_NAME.search(setting):
            self._remember_user_name(value)
        if not self.has_host_login and _logs_in_to_hosts(_text(item, "pluginName"), setting):
            self.has_host_login = _is_configured(setting, value, kind)

    def user_names(self) -> frozenset[str]:
        """Names to strike out of quotations, as `redact` takes them; for nothing else."""
        return frozenset(self._user_names)

    def _remember_user_name(self, name: str) -> None:
        if name.lower() not in _DEFAULT_ACCOUNTS and len(self._user_names) < _MAX_NAMES:
            self._user_names |= names_in(name)


def _text(parent: etree._Element, tag: str) -> str:
    child = next(parent.iterchildren(tag), None)
    return "" if child is None else (child.text or "").strip()


def _logs_in_to_hosts(plugin_name: str, setting: str) -> bool:
    if plugin_name == _MIXED_LOGINS:
        return "SMB" in setting
    return plugin_name in _HOST_LOGINS


def _is_configured(setting: str, value: str, kind: str) -> bool:
    if kind in _SECRETS:
        return "known_hosts" not in setting
    return (
        kind == "entry"
        and _USER_NAME.search(setting) is not None
        and not setting.startswith("Escalation")
        and (setting, value) != _DEFAULT_SSH_USER
    )


def _count(targets: str) -> int | None:
    expressions = [text for text in re.split(r"[,\s]+", head_and_tail(targets, 1_000_000)) if text]
    if not expressions:
        return None
    try:
        return parse(expressions).address_count
    except InvalidTarget:
        return None
