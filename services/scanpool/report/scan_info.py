"""The output of plugin 19506: what the scanner says of its own run on a host.

Scan and policy names are in it too, and users choose them: lines are matched whole from their beginning,
and of several answers the last counts, since the names come before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from scanpool.report.texts import clip

LOGIN_METHODS = frozenset({"ssh", "smb", "telnet", "rsh", "rexec", "rlogin", "snmp", "https"})
LOCALHOST = "localhost"

_ANSWER = re.compile(r"(?im)^[ \t]*Credentialed checks[ \t]*:[ \t]*(yes|no)\b(.*)$")
_AS_USER = re.compile(r",?[ \t]*\(?as '(.*)' via ([^\s)]+)", re.IGNORECASE)
_VIA = re.compile(r",?[ \t]*via ([^\s)]+)", re.IGNORECASE)
_ON_LOCALHOST = re.compile(r",?[ \t]*\(on the localhost\)", re.IGNORECASE)
_AGENT = re.compile(r"(?im)^[ \t]*Scan type[ \t]*:[ \t]*\w+ Agent\b")
_VERSION = re.compile(r"(?im)^[ \t]*Nessus version[ \t]*:[ \t]*(\S+)")
_FEED = re.compile(r"(?im)^[ \t]*Plugin feed version[ \t]*:[ \t]*(\d+)")
_POLICY = re.compile(r"(?im)^[ \t]*Scan policy used[ \t]*:[ \t]*(.+)$")
_NOT_UPDATED = re.compile(r"(?im)^[ \t]*ERROR: Your plugins have not been updated since")


class Answer(NamedTuple):
    """Whether local checks ran on the host, by the scanner's own line."""

    yes: bool
    method: str = ""
    """One of `LOGIN_METHODS`, `LOCALHOST`, or empty where the line names none."""
    by_agent: bool = False

    @property
    def line(self) -> str:
        """The line that was read, without the user's name."""
        if not self.yes:
            return "Credentialed checks : no"
        how = " (on the localhost)" if self.method == LOCALHOST else f" via {self.method}" if self.method else ""
        return f"Credentialed checks : yes{how}"


@dataclass(frozen=True, slots=True)
class ScanInfo:
    """What is kept of one output."""

    answer: Answer | None
    """None where the output has no such line, as before Nessus 5."""
    user_name: str
    """For striking it out of quotations; for nothing else."""
    scanner_version: str
    plugin_feed: str
    policy_name: str
    plugins_are_old: bool


def read_scan_info(output: str) -> ScanInfo:
    """Read an output of plugin 19506."""
    text = output.replace("\r\n", "\n")
    answer, user_name = _answer(text)
    return ScanInfo(
        answer=answer,
        user_name=user_name,
        scanner_version=_first(_VERSION, text),
        plugin_feed=_first(_FEED, text),
        policy_name=_first(_POLICY, text),
        plugins_are_old=_NOT_UPDATED.search(text) is not None,
    )


def _answer(text: str) -> tuple[Answer | None, str]:
    lines = _ANSWER.findall(text)
    if not lines:
        return None, ""
    word, rest = lines[-1]
    yes = word.lower() == "yes"
    method, user_name = _method(rest) if yes else ("", "")
    return Answer(yes, method, by_agent=_AGENT.search(text) is not None), user_name


def _method(rest: str) -> tuple[str, str]:
    if as_user := _AS_USER.match(rest):
        return _known(as_user.group(2)), as_user.group(1)
    if via := _VIA.match(rest):
        return _known(via.group(1)), ""
    return (LOCALHOST if _ON_LOCALHOST.match(rest) else ""), ""


def _known(method: str) -> str:
    return method.lower() if method.lower() in LOGIN_METHODS else ""


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return clip(found.group(1), 100) if found else ""
