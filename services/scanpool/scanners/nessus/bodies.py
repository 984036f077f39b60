"""The body of a new scan: settings, targets and credentials as the API spells them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from scanpool.scanners.scanner import Escalation, Login, ScanSpec, SshKey, SshPassword, WindowsPassword

Json = dict[str, object]

DEFAULTS = {"attempt_least_privilege": "no", "always_report_ssh_cmds": "no", "ssh_port": "22"}
"""Sent unless the request says otherwise; the API takes every setting's value as a string."""
RESERVED = frozenset(
    {
        "name",
        "description",
        "text_targets",
        "file_targets",
        "policy_id",
        "folder_id",
        "scanner_id",
        "agent_group_id",
        "tag_targets",
        "enabled",
        "launch",
        "launch_now",
        "rrules",
        "starttime",
        "timezone",
        "emails",
        "acls",
    }
)
"""What a request cannot set: it has its own field, or would launch, schedule or share the scan."""

SU_LOGIN = re.compile(r"[A-Za-z0-9._-]+")
"""The scan engine drops any other su login without a word."""
BIN_DIRECTORY = re.compile(r"[A-Za-z0-9./-]+")
"""The scan engine drops any other path of sudo without a word."""
DEFAULT_ACCOUNT = "root"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Method:
    """Which fields a way of gaining privileges takes."""

    account: bool = False
    password: bool = False
    su_user: bool = False
    bin_directory: bool = False


METHODS = {
    "Nothing": _Method(),
    "sudo": _Method(account=True, password=True, bin_directory=True),
    "su": _Method(account=True, password=True, bin_directory=True),
    "su+sudo": _Method(account=True, password=True, bin_directory=True, su_user=True),
    "pbrun": _Method(account=True, password=True, bin_directory=True),
    "dzdo": _Method(account=True, password=True, bin_directory=True),
    ".k5login": _Method(account=True),
    "Cisco 'enable'": _Method(password=True),
    "Checkpoint Gaia 'expert'": _Method(password=True),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """What the scanner calls the things that the request names."""

    uuid: str
    policy_id: int | None = None
    folder_id: int | None = None
    scanner_id: str | None = None
    """Which of its scanners scans, where it has several."""
    defaults: Mapping[str, object] = field(default_factory=dict)
    """Settings of the template that are sent because nothing else applies them."""


def problem(spec: ScanSpec) -> str | None:
    """Why the scanner would refuse this scan, or silently scan something else; None if nothing is wrong."""
    return next(_problems(spec), None)


def _problems(spec: ScanSpec) -> Iterator[str]:
    if not spec.name.strip():
        yield "the scan has no name"
    if not spec.targets:
        yield "the scan has no targets"
    for target in spec.targets:
        if not target.strip() or re.search(r"[,\s]", target.strip()) or not target.isprintable():
            yield f"target {target!r} is empty or holds a comma or white space: the scanner would split it"
    for key in sorted(RESERVED & spec.settings.keys()):
        yield f"setting {key!r} cannot be set by a request"
    if spec.login is not None:
        yield from _login_problems(spec.login)


def _login_problems(login: Login) -> Iterator[str]:
    if not login.username:
        yield "the credential has no username"
    if isinstance(login, SshKey) and not login.private_key.strip():
        yield "the credential has no private key"
    if any("\ud800" <= character <= "\udfff" for secret in secrets(login) for character in secret):
        yield "the credential's value is not text in UTF-8"
    if not isinstance(login, WindowsPassword) and login.escalation is not None:
        yield from _escalation_problems(login.escalation)


def _escalation_problems(escalation: Escalation) -> Iterator[str]:
    method = METHODS.get(escalation.method)
    if method is None:
        yield f"escalation method {escalation.method!r} is unknown; known are: {', '.join(METHODS)}"
        return
    for name in ("account", "password", "su_user", "bin_directory"):
        if getattr(escalation, name) and not getattr(method, name):
            yield f"escalation method {escalation.method!r} takes no {name}"
    if method.su_user and not escalation.su_user:
        yield f"escalation method {escalation.method!r} needs su_user"
    login = escalation.account if escalation.method == "su" else escalation.su_user
    if login and not SU_LOGIN.fullmatch(login):
        yield f"su login {login!r} has characters other than A-Z a-z 0-9 . _ -: the scanner would ignore it"
    if not escalation.account.isprintable() or re.search(r"\s", escalation.account):
        yield f"escalation account {escalation.account!r} holds white space or control characters"
    if escalation.bin_directory and not BIN_DIRECTORY.fullmatch(escalation.bin_directory):
        yield (
            f"bin_directory {escalation.bin_directory!r} has characters other than A-Z a-z 0-9 . / -: "
            "the scanner would ignore it"
        )


def scan(spec: ScanSpec, base: Base, key_file: str | None = None) -> Json:
    """The body of `POST /scans`; the scan is neither launched nor scheduled."""
    settings: Json = {
        **DEFAULTS,
        **base.defaults,
        **spec.settings,
        "name": spec.name,
        "description": spec.description,
        "enabled": False,
        "launch": "ON_DEMAND",
        "launch_now": False,
        "text_targets": ",".join(target.strip() for target in spec.targets),
    }
    if base.policy_id is not None:
        settings["policy_id"] = base.policy_id
    if base.folder_id is not None:
        settings["folder_id"] = base.folder_id
    if base.scanner_id is not None:
        settings["scanner_id"] = base.scanner_id
    body: Json = {"uuid": base.uuid, "settings": settings}
    if spec.login is not None:
        body["credentials"] = {
            "add": {"Host": credential(spec.login, key_file)},
            "edit": {},
            "delete": [],
        }
    return body


def credential(login: Login, key_file: str | None) -> Json:
    """The credential under the name of its kind; a private key is the name of its uploaded file."""
    match login:
        case SshPassword():
            ssh: Json = {"auth_method": "password", "username": login.username, "password": login.password}
            return {"SSH": [ssh | escalation(login.escalation)]}
        case SshKey():
            assert key_file is not None
            ssh = {"auth_method": "public key", "username": login.username, "private_key": key_file}
            if login.passphrase:
                ssh["private_key_passphrase"] = login.passphrase
            return {"SSH": [ssh | escalation(login.escalation)]}
        case WindowsPassword():
            windows: Json = {
                "auth_method": "Password",
                "username": login.username,
                "password": login.password,
                "domain": login.domain,
            }
            return {"Windows": [windows]}


def escalation(chosen: Escalation | None) -> Json:
    """The fields by which an SSH login gains privileges; the account is root unless another is named."""
    if chosen is None:
        return {"elevate_privileges_with": "Nothing"}
    fields: Json = {"elevate_privileges_with": chosen.method}
    if METHODS[chosen.method].account:
        fields["escalation_account"] = chosen.account or DEFAULT_ACCOUNT
    if chosen.password:
        fields["escalation_password"] = chosen.password
    if chosen.su_user:
        fields["su_user"] = chosen.su_user
    if chosen.bin_directory:
        fields["bin_directory"] = chosen.bin_directory
    return fields


def secrets(login: Login | None) -> tuple[str, ...]:
    """The values of a credential that must never be repeated."""
    match login:
        case None:
            return ()
        case WindowsPassword():
            return (login.password,)
        case SshPassword():
            return (login.password, login.escalation.password if login.escalation else "")
        case SshKey():
            return (
                login.private_key,
                login.passphrase,
                login.escalation.password if login.escalation else "",
            )
