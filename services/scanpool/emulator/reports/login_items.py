"""The items that tell how the logins on a host went: the evidence a verdict is drawn from."""

from collections.abc import Iterator

from scanpool.emulator.login import (
    Accepted,
    Attempt,
    NotOffered,
    Privilege,
    Rejected,
    checks_ran,
    credential_of,
)
from scanpool.emulator.reports.model import HostRun, Item, Plugin

_STATUS = "Target Credential Status by Authentication Protocol"
_ISSUES = "Target Credential Issues by Authentication Protocol"
_COMMANDS = "\n  - dmidecode\n  - iptables -L -n"
_SERVICE_NAME = {"SSH": "ssh", "SMB": "cifs"}


def _settings(id_: int, name: str, synopsis: str, description: str, *, family: str = "Settings") -> Plugin:
    return Plugin(id=id_, name=name, family=family, synopsis=synopsis, description=description, type="settings")


VALID = _settings(
    141118,
    f"{_STATUS} - Valid Credentials Provided",
    "A credential of the scan opened this host.",
    "At least one login on the protocol named below succeeded with a credential of the scan.",
)
NO_ISSUES = _settings(
    110095,
    f"{_ISSUES} - No Issues Found",
    "Nothing went wrong with the login on this host.",
    "The login worked and no check met a refusal or a later failure on this protocol.",
)
INSUFFICIENT = _settings(
    110385,
    f"{_ISSUES} - Insufficient Privilege",
    "The login worked, and some checks were refused.",
    "The account of the scan may log in, and lacks rights that some checks need. They did not run.",
)
INTERMITTENT = _settings(
    117885,
    f"{_ISSUES} - Intermittent Authentication Failure",
    "The same credential worked at first and failed later.",
    "Logins after the first one were refused although the credential had been right.",
)
FAILURE = _settings(
    104410,
    f"{_STATUS} - Failure for Provided Credentials",
    "No credential of the scan opened this host.",
    "The scan had credentials for the protocol named below, and the host refused every one.",
)
NONE_PROVIDED = _settings(
    110723,
    f"{_STATUS} - No Credentials Provided",
    "There is a service to log in to, and the scan has no credential for it.",
    "The host offers the protocol named below, and the scan was given nothing to log in with.",
)
AVAILABLE = _settings(
    117887,
    "OS Security Patch Assessment Available",
    "Missing updates of the operating system could be looked for.",
    "Local checks ran with the account named below.",
)
NOT_AVAILABLE = _settings(
    117886,
    "OS Security Patch Assessment Not Available",
    "Missing updates of the operating system were not looked for.",
    "Local checks did not run, for a reason other than a failed login.",
)
CHECKS_FAILED = _settings(
    21745,
    "OS Security Patch Assessment Failed",
    "Local checks did not run because of an error.",
    "The login failed or met another error, so that no missing update can be reported.",
)
UNSUPPORTED = _settings(
    110695,
    "OS Security Patch Assessment Checks Not Supported",
    "The login worked, and no local checks exist for this system.",
    "The system that was logged in to is none that local checks are written for.",
)
NEEDS_ESCALATION = _settings(
    102094,
    "SSH Commands Require Privilege Escalation",
    "Commands failed because privileges could not be gained.",
    "The commands listed below were refused, as the account did not gain the privileges they need.",
)
RAN_ESCALATED = _settings(
    102095,
    "SSH Commands Ran With Privilege Escalation",
    "Commands ran with gained privileges.",
    "The commands listed below ran with the privileges that the account gained.",
)
NOT_ADMIN = _settings(
    24786,
    "Nessus Windows Scan Not Performed with Admin Privileges",
    "The administrative share was refused.",
    "The account in use may not read the administrative share, so that file checks did not run.",
)
NO_REGISTRY = _settings(
    26917,
    "Nessus Cannot Access the Windows Registry",
    "The registry could not be read.",
    "The host refused remote access to its registry, so that registry checks did not run.",
    family="Windows",
)
REGISTRY_IN_PART = _settings(
    10428,
    "Microsoft Windows SMB Registry Not Fully Accessible Detection",
    "The registry could be read only in part.",
    "The account of the scan may not read every key that checks look at.",
    family="Windows",
)
SMB_LOGIN = _settings(
    10394,
    "Microsoft Windows SMB Log In Possible",
    "It is possible to log in over SMB.",
    "The host accepts an SMB login of the kind named below.",
    family="Windows",
)
SSH_SYSTEM = _settings(
    97993,
    "OS Identification and Installed Software Enumeration over SSH v2 (Using New SSH Library)",
    "The system and its software were listed after a login.",
    "Commands that were run on the host told its operating system and its installed packages.",
    family="General",
)


def login_items(host: HostRun) -> Iterator[Item]:
    """The items of every login on a host, and whether local checks ran."""
    if host.host.scanner_itself:
        yield from _of_the_scanner_itself()
        return
    ran = checks_ran(host.host, host.attempts)
    for attempt in host.attempts:
        match attempt:
            case Accepted():
                yield from _accepted(host, attempt)
            case Rejected():
                yield from _rejected(attempt)
            case NotOffered():
                yield from _not_offered(attempt, ran=ran)
    yield from _local_checks(host)


def _of_the_scanner_itself() -> Iterator[Item]:
    done = "The scanner runs its commands on localhost by itself.\n"
    yield Item(SSH_SYSTEM, done)
    yield Item(VALID, done)
    yield Item(NO_ISSUES, done)
    yield Item(AVAILABLE, "Account  : root\nProtocol : LOCAL\n")


def _accepted(host: HostRun, login: Accepted) -> Iterator[Item]:
    yield _on(login, VALID, f"Login as '{login.user}' with method '{login.method}' succeeded.")
    troubles = list(_troubles(host, login))
    yield from troubles
    if not troubles:
        yield _on(login, NO_ISSUES, f"No failure was met as '{login.user}'.")
    if login.privilege is Privilege.GAINED:
        commands = f"Gained with {login.escalation} as '{login.user}' :\n  - id\n  - dmidecode\n  - iptables -L -n"
        yield _on(login, RAN_ESCALATED, commands)
    if login.protocol == "SMB":
        yield _on(login, SMB_LOGIN, f"- The SMB tests will be done as {login.user}/******")
    elif host.host.patch_checks:
        yield _on(
            login,
            SSH_SYSTEM,
            f"It was possible to log into the remote host via SSH using '{login.method}' authentication.",
        )


def _troubles(host: HostRun, login: Accepted) -> Iterator[Item]:
    if login.privilege is Privilege.REFUSED:
        yield _on(login, INSUFFICIENT, f"'{login.user}' could not use {login.escalation}; see plugin 102094.")
        yield _on(login, NEEDS_ESCALATION, f"Refused to '{login.user}' :{_COMMANDS}")
    if login.rights == "limited":
        yield _on(login, INSUFFICIENT, "Plugin 10428 : Permission was denied while reading the registry.")
        yield _on(login, REGISTRY_IN_PART, "HKLM\\SOFTWARE could be read, HKLM\\SYSTEM could not.")
    if login.rights == "none":
        yield _on(login, INSUFFICIENT, "Plugin 24786 : Permission was denied while opening a share.")
        yield _on(login, NOT_ADMIN, f"'{login.user}' may not open ADMIN$.")
        yield _on(login, NO_REGISTRY, "The service that gives remote access refused the account.")
    if host.host.intermittent:
        yield _on(login, INTERMITTENT, f"3 of 41 later logins as '{login.user}' failed.")


def _rejected(login: Rejected) -> Iterator[Item]:
    lines = "".join(f"\n  - User    : {user}\n    Message : The host refused this login.\n" for user in login.users)
    yield _on(login, FAILURE, f"Every login failed :{lines}")
    yield Item(
        CHECKS_FAILED,
        f"The following went wrong :\n\n  - Protocol : {login.protocol}\n"
        "    Message  : Local checks did not run, as no login on this protocol worked.\n",
    )


def _not_offered(service: NotOffered, *, ran: bool) -> Iterator[Item]:
    if not ran:
        yield _on(service, NONE_PROVIDED, "The scan has no credential for this protocol.")
    if service.protocol == "SMB" and not ran:
        yield _on(service, SMB_LOGIN, "- NULL sessions are enabled on the remote host.")
        yield _on(service, NOT_ADMIN, "A NULL session may not open ADMIN$.")
        yield _on(service, NO_REGISTRY, "The service that gives remote access is not running.")


def _local_checks(host: HostRun) -> Iterator[Item]:
    credential = credential_of(host.host, host.attempts)
    if credential is not None:
        yield Item(AVAILABLE, f"Account  : {credential.user}\nProtocol : {credential.protocol}\n")
    elif any(isinstance(one, Accepted) for one in host.attempts) and not host.host.patch_checks:
        yield Item(UNSUPPORTED, "The login worked. No local checks exist for this appliance.\n")
    elif not any(isinstance(one, Rejected) for one in host.attempts):
        yield Item(NOT_AVAILABLE, "No credential of the scan led to local checks on this host.\n")


def _on(attempt: Attempt, plugin: Plugin, output: str) -> Item:
    heading = f"Protocol : {attempt.protocol}\nPort     : {attempt.port}\n\n"
    return Item(plugin, f"{heading}{output}\n", attempt.port, "tcp", _SERVICE_NAME[attempt.protocol])
