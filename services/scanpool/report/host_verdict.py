"""Whether the login on a host worked: the rules, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum

from scanpool.report.facts import Evidence, HostFacts
from scanpool.report.plugins import ACCESS_LIMITED, ESCALATION_FAILED, Plugin
from scanpool.report.scan_info import LOCALHOST, LOGIN_METHODS, Answer
from scanpool.report.texts import clip
from scanpool_schemas.result import HostVerdict, LoginVerdict


class HostReason(StrEnum):
    """Why a host's verdict is no better than it is."""

    NONE = ""
    INSUFFICIENT_PRIVILEGE = "insufficient_privilege"
    """Logged in, but escalation failed or commands were refused for lack of rights."""
    LIMITED_ACCESS = "limited_access"
    """Logged in to Windows, but without the administrative share or the whole registry."""
    INTERMITTENT = "intermittent_authentication"
    """Logged in, and later logins with the same credentials failed."""
    MIXED_ANSWERS = "mixed_answers"
    """The report has the host more than once, and the answers differ."""
    CHECKS_UNAVAILABLE = "local_checks_unavailable"
    """Logged in, but local checks did not run, as on an operating system that is not supported."""
    BAD_CREDENTIALS = "bad_credentials_or_protocol"
    """A login was tried and refused."""
    NO_CREDENTIALS = "no_credentials_for_service"
    """A service to log in to was found, and no credentials for it."""
    UNREACHABLE = "service_unreachable_or_unknown"
    """Not logged in, and the report does not say why."""
    NO_SCAN_INFORMATION = "no_scan_information"
    """Nothing in the report speaks of the login: filtered out, switched off, or cut off."""
    NO_CREDENTIAL_LINE = "no_credential_line"
    """The scanner's own information says nothing of the login, as before Nessus 5."""
    DEAD = "dead_host"
    NO_ITEMS = "no_items"


# Limits that only matter where escalated privileges were asked for.
PRIVILEGE_REASONS = frozenset({HostReason.INSUFFICIENT_PRIVILEGE, HostReason.LIMITED_ACCESS})
_NAME_LENGTH = 128
_EVIDENCE_LENGTH = 400


@dataclass(frozen=True, slots=True)
class _Ruling:
    verdict: LoginVerdict
    evidence: str = ""
    reason: HostReason = HostReason.NONE
    method: str = ""


def judge_host(facts: HostFacts, *, privileged: bool) -> HostVerdict:
    """The verdict on a host; `privileged` says that escalated privileges were asked for."""
    ruling = _ruling(facts.evidence)
    return HostVerdict(
        host=clip(facts.name, _NAME_LENGTH),
        address=clip(facts.address, _NAME_LENGTH),
        verdict=ruling.verdict,
        authenticated=_is_authenticated(ruling, privileged=privileged),
        reason=ruling.reason.value,
        evidence=clip(ruling.evidence, _EVIDENCE_LENGTH),
        method=ruling.method,
    )


def _is_authenticated(ruling: _Ruling, *, privileged: bool) -> bool:
    match ruling.verdict:
        case LoginVerdict.AUTH | LoginVerdict.AGENT:
            return True
        case LoginVerdict.AUTH_LIMITED:
            return ruling.reason in PRIVILEGE_REASONS and not privileged
        case _:
            return False


def _ruling(evidence: Evidence) -> _Ruling:
    return (
        _by_answers(evidence)
        or _by_tag(evidence)
        or _by_plugins(evidence)
        or _by_login_tag(evidence)
        or _undecided(evidence)
    )


def _by_answers(evidence: Evidence) -> _Ruling | None:
    yes = sorted((answer for answer in evidence.answers if answer.yes), key=lambda answer: answer.line)
    if not evidence.answers:
        return None
    if not yes:
        return _not_logged_in(evidence, "plugin 19506: Credentialed checks : no", may_have_login=True)
    if len(yes) < len(evidence.answers):
        method = next((answer.method for answer in yes if not _is_local(answer, evidence)), LOCALHOST)
        text = f"plugin 19506, more than once: Credentialed checks : no; {yes[-1].line}"
        return _Ruling(LoginVerdict.AUTH_LIMITED, text, HostReason.MIXED_ANSWERS, method)
    return _by_yes(evidence, yes)


def _by_yes(evidence: Evidence, yes: list[Answer]) -> _Ruling:
    if any(answer.by_agent for answer in yes):
        return _Ruling(LoginVerdict.AGENT, f"plugin 19506: scan type Agent, {yes[-1].line}", method="agent")
    remote = [answer for answer in yes if not _is_local(answer, evidence)]
    if not remote:
        return _Ruling(LoginVerdict.LOCAL, f"plugin 19506: {yes[-1].line}{_why_local(yes[-1])}", method=LOCALHOST)
    best = remote[-1]
    method = best.method or _protocol(evidence.local_check_protocols | evidence.patch_protocols)
    return _logged_in(evidence, f"plugin 19506: {best.line}", method)


def _is_local(answer: Answer, evidence: Evidence) -> bool:
    if answer.method:
        return answer.method == LOCALHOST
    return "local" in evidence.local_check_protocols or evidence.commands_on_localhost


def _why_local(answer: Answer) -> str:
    return "" if answer.method == LOCALHOST else ", and its checks ran on the scanner itself"


def _logged_in(evidence: Evidence, text: str, method: str) -> _Ruling:
    limits = (
        ({Plugin.INTERMITTENT_FAILURE}, HostReason.INTERMITTENT),
        (ESCALATION_FAILED, HostReason.INSUFFICIENT_PRIVILEGE),
        (ACCESS_LIMITED, HostReason.LIMITED_ACCESS),
    )
    for plugins, reason in limits:
        found = evidence.plugins & plugins
        if found:
            return _Ruling(LoginVerdict.AUTH_LIMITED, f"{text}; {_listed(found)}", reason, method)
    return _Ruling(LoginVerdict.AUTH, text, method=method)


def _by_tag(evidence: Evidence) -> _Ruling | None:
    method = _protocol(evidence.local_check_protocols | evidence.patch_protocols)
    match sorted(evidence.credentialed_tags):
        case [False, True]:
            text = "tag Credentialed_Scan: both true and false"
            return _Ruling(LoginVerdict.AUTH_LIMITED, text, HostReason.MIXED_ANSWERS, method)
        case [True] if "local" in evidence.local_check_protocols:
            text = "tag Credentialed_Scan: true, tag local-checks-proto: local"
            return _Ruling(LoginVerdict.LOCAL, text, method=LOCALHOST)
        case [True]:
            return _logged_in(evidence, "tag Credentialed_Scan: true", method)
        case [False]:
            return _not_logged_in(evidence, "tag Credentialed_Scan: false", may_have_login=False)
        case _:
            return None


def _by_plugins(evidence: Evidence) -> _Ruling | None:
    if Plugin.PATCH_ASSESSMENT_AVAILABLE in evidence.plugins:
        text = _listed({Plugin.PATCH_ASSESSMENT_AVAILABLE})
        if evidence.patch_protocols == {"local"}:
            return _Ruling(LoginVerdict.LOCAL, f"{text}, protocol LOCAL", method=LOCALHOST)
        return _logged_in(evidence, text, _protocol(evidence.patch_protocols))
    if Plugin.LOGIN_FAILED in evidence.plugins and Plugin.VALID_CREDENTIALS not in evidence.plugins:
        return _not_logged_in(evidence, "", may_have_login=False)
    return None


def _by_login_tag(evidence: Evidence) -> _Ruling | None:
    method = _protocol(evidence.local_check_protocols)
    if not (method and evidence.login_tags):
        return None
    text = f"tags local-checks-proto: {method} and {sorted(evidence.login_tags)[0]}-login-used"
    return _Ruling(LoginVerdict.LOGIN_ONLY, text, HostReason.CHECKS_UNAVAILABLE, method)


def _not_logged_in(evidence: Evidence, text: str, *, may_have_login: bool) -> _Ruling:
    logged_in = evidence.login_ok | (evidence.plugins & {Plugin.CHECKS_NOT_SUPPORTED})
    if may_have_login and logged_in:
        return _Ruling(LoginVerdict.LOGIN_ONLY, f"{text}; {_listed(logged_in)}", HostReason.CHECKS_UNAVAILABLE)
    failed = evidence.plugins & {Plugin.LOGIN_FAILED, Plugin.PATCH_ASSESSMENT_FAILED}
    if failed:
        said = "".join(f', saying "{quote}"' for quote in evidence.quotes)
        parts = [part for part in (text, f"{_listed(failed)}{said}") if part]
        return _Ruling(LoginVerdict.NOAUTH, "; ".join(parts), HostReason.BAD_CREDENTIALS)
    if Plugin.NO_CREDENTIALS in evidence.plugins:
        found = _listed({Plugin.NO_CREDENTIALS})
        return _Ruling(LoginVerdict.NOAUTH, f"{text}; {found}", HostReason.NO_CREDENTIALS)
    return _Ruling(LoginVerdict.NOAUTH, text, HostReason.UNREACHABLE)


def _undecided(evidence: Evidence) -> _Ruling:
    if evidence.is_dead:
        return _Ruling(LoginVerdict.NOT_SCANNED, "plugin 10180: considered as dead", HostReason.DEAD)
    if not evidence.has_items and not evidence.is_web:
        return _Ruling(LoginVerdict.NOT_SCANNED, "the report has no item of it", HostReason.NO_ITEMS)
    if evidence.has_scan_info:
        text = "plugin 19506 without a line on credentialed checks"
        return _Ruling(LoginVerdict.UNKNOWN, text, HostReason.NO_CREDENTIAL_LINE)
    text = "neither plugin 19506 nor a tag" + ("" if evidence.is_finished else "; the host has no end time")
    return _Ruling(LoginVerdict.UNKNOWN, text, HostReason.NO_SCAN_INFORMATION)


def _protocol(protocols: Set[str]) -> str:
    return min(protocols & LOGIN_METHODS, default="")


def _listed(plugins: Set[Plugin]) -> str:
    return ", ".join(f"plugin {plugin.value} ({_words(plugin)})" for plugin in sorted(plugins))


def _words(plugin: Plugin) -> str:
    return plugin.name.replace("_", " ").lower()
