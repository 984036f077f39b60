"""The scan and policy templates that the editor offers, and the fields of their credentials."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Template:
    """One template. Clients look it up by `name`; its uuid differs between builds."""

    name: str
    title: str
    desc: str
    uuid: str
    order: int
    unsupported: bool = False
    licensed: bool = True
    is_agent: bool = False
    manager_only: bool = False

    def listed(self) -> dict[str, Any]:
        """The template as the list of templates shows it."""
        return {
            "uuid": self.uuid,
            "name": self.name,
            "title": self.title,
            "desc": self.desc,
            "unsupported": self.unsupported,
            "license_fulfilled": int(self.licensed),
            "order": self.order,
            "subscription_only": not self.licensed,
            "is_agent": self.is_agent or None,
            "is_was": None,
            "dynamic_scan": False,
            "icon": self.name,
            "manager_only": self.manager_only,
            "category": "Vulnerabilities",
            "more_info": "",
        }


TEMPLATES: tuple[Template, ...] = (
    Template(
        name="advanced",
        title="Advanced Scan",
        desc="A scan with every setting open to change.",
        uuid="ad629e16-03b6-8c1d-cef6-ef8c9dd3c658d24bd260ef5f9e66",
        order=1,
    ),
    Template(
        name="basic",
        title="Basic Network Scan",
        desc="A full scan that suits any host.",
        uuid="731a8e52-3ea6-a291-ec0a-d2ff0619c19d7bd788d6be818b65",
        order=2,
    ),
    Template(
        name="discovery",
        title="Host Discovery",
        desc="Finds the hosts that answer, and their open ports.",
        uuid="b1a2c3d4-1000-4e5f-8a9b-0c1d2e3f4a5b6c7d8e9f00112233",
        order=3,
    ),
    Template(
        name="patch_audit",
        title="Credentialed Patch Audit",
        desc="Logs in to hosts and looks for missing updates.",
        uuid="b1a2c3d4-1001-4e5f-8a9b-0c1d2e3f4a5b6c7d8e9f00112234",
        order=4,
    ),
    Template(
        name="malware",
        title="Malware Scan",
        desc="Logs in to hosts and looks for malware.",
        uuid="b1a2c3d4-1002-4e5f-8a9b-0c1d2e3f4a5b6c7d8e9f00112235",
        order=5,
    ),
    Template(
        name="pci",
        title="Internal PCI Network Scan",
        desc="Prepares an internal PCI DSS review.",
        uuid="b1a2c3d4-1003-4e5f-8a9b-0c1d2e3f4a5b6c7d8e9f00112236",
        order=6,
    ),
    Template(
        name="mobile",
        title="Mobile Device Scan",
        desc="Asks a device management system about its devices.",
        uuid="b1a2c3d4-1004-4e5f-8a9b-0c1d2e3f4a5b6c7d8e9f00112237",
        order=7,
        unsupported=True,
    ),
    Template(
        name="asv",
        title="PCI Quarterly External Scan",
        desc="A quarterly scan as PCI asks for.",
        uuid="b1a2c3d4-1005-4e5f-8a9b-0c1d2e3f4a5b6c7d8e9f00112238",
        order=8,
        licensed=False,
    ),
    Template(
        name="agent_advanced",
        title="Advanced Agent Scan",
        desc="A scan that agents run on their own hosts.",
        uuid="b1a2c3d4-1006-4e5f-8a9b-0c1d2e3f4a5b6c7d8e9f00112239",
        order=9,
        is_agent=True,
        manager_only=True,
    ),
)
"""`advanced` and `basic` carry uuids seen on real servers; the others are made up."""


def by_uuid(uuid: str) -> Template | None:
    """The template with this uuid."""
    return next((template for template in TEMPLATES if template.uuid == uuid), None)


_ESCALATIONS = [
    "Nothing",
    "su",
    "sudo",
    "su+sudo",
    "dzdo",
    "pbrun",
    ".k5login",
    "Cisco 'enable'",
    "Checkpoint Gaia 'expert'",
]


def _entry(id_: str, name: str, *, type_: str = "entry", **more: Any) -> dict[str, Any]:
    return {"id": id_, "name": name, "type": type_, "required": False, **more}


SSH_INPUTS: list[dict[str, Any]] = [
    _entry(
        "auth_method",
        "Authentication method",
        type_="ui_radio",
        options=["certificate", "Kerberos", "password", "public key"],
        default="public key",
    ),
    _entry("username", "Username", default="root"),
    _entry("password", "Password (unsafe!)", type_="password"),
    _entry("private_key", "Private key", type_="file"),
    _entry("private_key_passphrase", "Private key passphrase", type_="password"),
    _entry(
        "elevate_privileges_with",
        "Elevate privileges with",
        type_="ui_radio",
        options=_ESCALATIONS,
        default="Nothing",
    ),
    _entry("escalation_account", "Escalation account", default="root"),
    _entry("escalation_password", "Escalation password", type_="password"),
    _entry("su_user", "su user"),
    _entry("bin_directory", "Location of the escalation command (directory)"),
    _entry("custom_password_prompt", "Custom password prompt"),
    _entry("target_priority_list", "Targets to prioritize credentials"),
]

WINDOWS_INPUTS: list[dict[str, Any]] = [
    _entry(
        "auth_method",
        "Authentication method",
        type_="ui_radio",
        options=["Kerberos", "LM Hash", "NTLM Hash", "Password"],
        default="Password",
    ),
    _entry("username", "Username"),
    _entry("password", "Password", type_="password"),
    _entry("domain", "Domain"),
]


def credential_types(instances: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The `credentials` of an editor page: what may be given, and what a scan has, by type."""
    types = (("SSH", SSH_INPUTS, 1000), ("Windows", WINDOWS_INPUTS, 1000))
    return {
        "data": [
            {
                "name": "Host",
                "default_expand": 1,
                "types": [
                    {"name": name, "max": most, "inputs": inputs, "instances": instances.get(name) or []}
                    for name, inputs, most in types
                ],
            }
        ]
    }
