"""What a report says about the login on one host: little, whatever the host's size, and no user names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from scanpool.report.host import Item
from scanpool.report.plugins import PLUGINS, Plugin
from scanpool.report.redaction import LONGEST_NAME, names_in, redact
from scanpool.report.scan_info import LOGIN_METHODS, Answer, ScanInfo, read_scan_info
from scanpool.report.texts import clip

_QUOTE_LENGTH = 160
_FAILURE_LENGTH = 4 * _QUOTE_LENGTH + LONGEST_NAME
_MAX_QUOTES = 2
_MESSAGE = re.compile(r"(?im)^[ \t-]*Message[ \t]*:[ \t]*(?:\n[ \t]*)?(\S.*)$")
_USER = re.compile(r"(?im)^[ \t-]*User(?: ?name)?[ \t]*:[ \t]*(\S.*)$")
_PROTOCOL = re.compile(r"(?im)^[ \t-]*Protocol[ \t]*:[ \t]*(\w+)")
_MAX_LOGINS = 64
_PROTOCOLS = LOGIN_METHODS | {"local"}
_NO_USERS = {"guest", "anonymous", "null", ""}


class Evidence(msgspec.Struct, frozen=True, array_like=True):
    """Everything that the verdict on a host is made of."""

    answers: frozenset[Answer] = frozenset()
    """Of the host's 19506 outputs; there may be several."""
    has_scan_info: bool = False
    credentialed_tags: frozenset[bool] = frozenset()
    """Tag Credentialed_Scan; both values only where the host is in the report more than once."""
    local_check_protocols: frozenset[str] = frozenset()
    """Tag local-checks-proto; `local` where the scanner or an agent checked itself."""
    login_tags: frozenset[str] = frozenset()
    """`ssh` and `smb`, where a tag says that a login of that kind was used."""
    plugins: frozenset[Plugin] = frozenset()
    login_ok: frozenset[Plugin] = frozenset()
    """Of the plugins, those that say a login worked, not on the scanner itself."""
    commands_on_localhost: bool = False
    patch_protocols: frozenset[str] = frozenset()
    """Protocols that 117887 names, lower case; `local` as above."""
    quotes: tuple[str, ...] = ()
    """Why a login failed, in the scanner's words."""
    is_dead: bool = False
    is_finished: bool = False
    has_items: bool = False
    is_web: bool = False
    plugins_are_old: bool = False
    is_repeated: bool = False
    """The host is in the report more than once."""

    def merged(self, other: Evidence) -> Evidence:
        """The evidence of both, where the same host is in the report again."""
        return Evidence(
            answers=self.answers | other.answers,
            has_scan_info=self.has_scan_info or other.has_scan_info,
            credentialed_tags=self.credentialed_tags | other.credentialed_tags,
            local_check_protocols=self.local_check_protocols | other.local_check_protocols,
            login_tags=self.login_tags | other.login_tags,
            plugins=self.plugins | other.plugins,
            login_ok=self.login_ok | other.login_ok,
            commands_on_localhost=self.commands_on_localhost or other.commands_on_localhost,
            patch_protocols=self.patch_protocols | other.patch_protocols,
            quotes=tuple(dict.fromkeys(self.quotes + other.quotes))[:_MAX_QUOTES],
            is_dead=self.is_dead or other.is_dead,
            is_finished=self.is_finished and other.is_finished,
            has_items=self.has_items or other.has_items,
            is_web=self.is_web or other.is_web,
            plugins_are_old=self.plugins_are_old or other.plugins_are_old,
            is_repeated=True,
        )


@dataclass(frozen=True, slots=True)
class HostFacts:
    """A host and its evidence."""

    name: str
    address: str
    evidence: Evidence


class HostWitness:
    """Listens to a host's items as they pass by, and says at the host's end what is evidence."""

    def __init__(self) -> None:
        self.scan_info: ScanInfo | None = None
        """The host's first, if it has any."""
        self._answers: set[Answer] = set()
        self._plugins: set[Plugin] = set()
        self._login_ok: set[Plugin] = set()
        self._commands_on_localhost = False
        self._patch_protocols: set[str] = set()
        self._failures: list[str] = []
        self._logins: set[str] = set()
        self._is_dead = False
        self._has_items = False

    def hear(self, item: Item) -> None:
        """Take in an item."""
        self._has_items = True
        plugin = PLUGINS.get(item.plugin_id or 0)
        if plugin is not None:
            self._plugins.add(plugin)
            self._hear_output(plugin, item.output.replace("\r\n", "\n"))

    def _hear_output(self, plugin: Plugin, output: str) -> None:
        match plugin:
            case Plugin.SCAN_INFORMATION:
                self._hear_scan_info(read_scan_info(output))
            case Plugin.PING:
                self._is_dead |= "considered as dead" in " ".join(output.split())
            case Plugin.PACKAGES_BY_LOGIN | Plugin.SOFTWARE_BY_SSH:
                self._commands_on_localhost |= _speaks_of_localhost(output)
            case Plugin.VALID_CREDENTIALS | Plugin.LOGIN_WITHOUT_ISSUES if not _speaks_of_localhost(output):
                self._login_ok.add(plugin)
            case Plugin.PATCH_ASSESSMENT_AVAILABLE:
                self._patch_protocols |= {name.lower() for name in _PROTOCOL.findall(output)} & _PROTOCOLS
            case Plugin.LOGIN_FAILED | Plugin.PATCH_ASSESSMENT_FAILED:
                self._hear_failure(output)
            case _:
                pass

    def _hear_scan_info(self, info: ScanInfo) -> None:
        self.scan_info = self.scan_info or info
        if info.answer is not None:
            self._answers.add(info.answer)
        self._remember_logins([info.user_name])

    def _hear_failure(self, output: str) -> None:
        self._remember_logins(_USER.findall(output))
        messages = _MESSAGE.findall(output) or [line.strip(" \t-") for line in output.splitlines()]
        room = _MAX_QUOTES - len(self._failures)
        self._failures += [message[:_FAILURE_LENGTH] for message in messages if message.strip()][:room]

    def _remember_logins(self, logins: Iterable[str]) -> None:
        for login in logins:
            if login and len(self._logins) < _MAX_LOGINS:
                self._logins.add(clip(login, LONGEST_NAME + 1))

    def testify(self, tags: Mapping[str, str], policy_user_names: Iterable[str], *, is_web: bool) -> Evidence:
        """The evidence, once all of the host has passed by."""
        logins = {kind: tags.get(f"{kind}-login-used", "") for kind in ("ssh", "smb")}
        self._remember_logins(logins.values())
        return Evidence(
            answers=frozenset(self._answers),
            has_scan_info=self.scan_info is not None,
            credentialed_tags=_truth(tags.get("Credentialed_Scan", "")),
            local_check_protocols=frozenset({tags.get("local-checks-proto", "").strip().lower()} & _PROTOCOLS),
            login_tags=frozenset(kind for kind, login in logins.items() if _is_user(login)),
            plugins=frozenset(self._plugins),
            login_ok=frozenset(self._login_ok),
            commands_on_localhost=self._commands_on_localhost,
            patch_protocols=frozenset(self._patch_protocols),
            quotes=self._quotes(policy_user_names),
            is_dead=self._is_dead,
            is_finished="HOST_END" in tags or "HOST_END_TIMESTAMP" in tags,
            has_items=self._has_items,
            is_web=is_web,
            plugins_are_old=self.scan_info is not None and self.scan_info.plugins_are_old,
        )

    def _quotes(self, policy_user_names: Iterable[str]) -> tuple[str, ...]:
        names = frozenset(policy_user_names).union(*(names_in(login) for login in self._logins))
        return tuple(redact(message, names, _QUOTE_LENGTH) for message in self._failures)


def _speaks_of_localhost(output: str) -> bool:
    # Only the scanner's own first sentence counts; what follows quotes the host.
    return "commands on localhost" in " ".join(output.strip().split("\n\n", 1)[0].split())


def _truth(tag: str) -> frozenset[bool]:
    answers = {"true": frozenset({True}), "false": frozenset({False})}
    return answers.get(tag.strip().lower(), frozenset())


def _is_user(login: str) -> bool:
    return login.rpartition("\\")[2].partition("@")[0].strip().lower() not in _NO_USERS
