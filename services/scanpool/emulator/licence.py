"""What each edition may do, and how the server describes itself."""

from dataclasses import dataclass
from typing import Any

from scanpool.emulator.options import Options, Profile

SERVER_VERSION = "10.8.3"
SERVER_BUILD = "20010"
PLUGIN_SET = "202511060226"
SERVER_UUID = "5f1d0c1e-6a0b-4c55-9a0b-1e2d3c4b5a69"


@dataclass(frozen=True, kw_only=True)
class Edition:
    """An edition of Nessus and what its licence allows."""

    nessus_type: str
    licence_type: str
    edition_used: str
    """How report items name it."""
    ips: int
    scan_api: bool
    users: bool
    restricted: bool
    cloud: bool = False
    """Tenable's service in place of a server of one's own."""


EDITIONS: dict[Profile, Edition] = {
    "nessus-manager": Edition(
        nessus_type="Nessus Manager",
        licence_type="manager",
        edition_used="Nessus",
        ips=1024,
        scan_api=True,
        users=True,
        restricted=False,
    ),
    "nessus-professional": Edition(
        nessus_type="Nessus Professional",
        licence_type="professional",
        edition_used="Nessus",
        ips=32767,
        scan_api=False,
        users=False,
        restricted=False,
    ),
    "nessus-essentials": Edition(
        nessus_type="Nessus Essentials",
        licence_type="home",
        edition_used="Nessus Home",
        ips=16,
        scan_api=False,
        users=False,
        restricted=True,
    ),
    "tenable-vm": Edition(
        nessus_type="Tenable Vulnerability Management",
        licence_type="vm",
        edition_used="Nessus",
        ips=65_536,
        scan_api=True,
        users=True,
        restricted=False,
        cloud=True,
    ),
}


def public_properties(edition: Edition, options: Options) -> dict[str, Any]:
    """What the server says of itself to anybody; which keys that are is assumed."""
    return {
        "nessus_type": edition.nessus_type,
        "server_version": SERVER_VERSION,
        "nessus_ui_version": SERVER_VERSION,
        "nessus_ui_build": SERVER_BUILD,
        "server_build": SERVER_BUILD,
        "feed": "HomeFeed" if edition.restricted else "ProfessionalFeed",
        "loaded_plugin_set": options.plugin_set,
        "capabilities": {"multi_scanner": edition.users, "report_email_config": True},
    }


def properties(
    edition: Edition, options: Options, *, scan_api: bool, features: bool, booted_at: float
) -> dict[str, Any]:
    """What the server says of itself to its user; that it counts used addresses, and where, is assumed."""
    used = {} if options.ips_used is None else {"used_ip_count": options.ips_used}
    return {
        **public_properties(edition, options),
        **used,
        "server_uuid": SERVER_UUID,
        "platform": "LINUX",
        "plugin_set": options.plugin_set,
        "expiration": options.licence_expires_at,
        "expiration_time": options.licence_expires_at,
        "idle_timeout": "30",
        "scanner_boottime": int(booted_at),
        "notifications": [],
        "update": {"href": None, "new_version": 0, "restart": 0},
        "license": _licence(edition, options, scan_api=scan_api, features=features),
    }


def _licence(edition: Edition, options: Options, *, scan_api: bool, features: bool) -> dict[str, Any]:
    licence: dict[str, Any] = {
        "type": edition.licence_type,
        "name": edition.nessus_type,
        "ips": edition.ips,
        "agents": 512 if edition.users else 0,
        "agents_used": 0,
        "scanners": 8 if edition.users else 0,
        "scanners_used": 0,
        "restricted": edition.restricted,
        "expiration_date": options.licence_expires_at,
    }
    if features:
        licence["features"] = {
            "api": True,
            "scan_api": scan_api,
            "policies": True,
            "report": True,
            "users": edition.users,
            "vpr": False,
        }
    return licence
