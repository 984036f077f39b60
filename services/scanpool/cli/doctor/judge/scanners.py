"""The judgement of one scanner, by its certificate and by what it said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from scanpool.cli.doctor.check import Check, fine, found, sentence
from scanpool.cli.views.elements import when
from scanpool.scanners.nessus.certificate import Certificate
from scanpool.scanners.nessus.examination import Examination, LicenceFacts

CERTIFICATE_SOON = timedelta(days=21)
LICENCE_SOON = timedelta(days=30)
NEARLY = 0.9
PLUGINS_OLD = timedelta(days=7)
PLUGINS_VERY_OLD = timedelta(days=30)
CLOCK_S = 30.0
_FEED = "%Y%m%d%H%M"
_FEED_LENGTH = 12
_LAUNCH_ELSEWHERE = (
    "launch with Nessus Manager, Tenable Vulnerability Management or Tenable Security Center; "
    "reading and exporting scans here works on"
)


def certificate(instance: str, shown: Certificate, now: datetime) -> Check | None:
    """The certificate; None where none was reached, or there is none to show."""
    remedy = "renew it on the scanner"
    match shown.verdict:
        case "unreachable":
            return None
        case "not encrypted":
            return fine("certificate", instance, "none: its url is http")
        case "expired":
            return found("certificate_expired", instance, "its certificate has expired; nothing is sent to it", remedy)
        case "untrusted":
            message = f"its certificate is not trusted ({sentence(shown.why)}); nothing is sent to it"
            return found("certificate_untrusted", instance, message, "set tls.ca_bundle or tls.fingerprint of it")
        case "not pinned":
            message = (
                f"it shows a certificate with SHA-256 fingerprint {shown.fingerprint}, which is not the pinned one"
            )
            pin = "if its certificate was renewed, set tls.fingerprint to that; else find out who answers there"
            return found("certificate_not_pinned", instance, message, pin, fingerprint=shown.fingerprint)
        case "trusted":
            return _validity(instance, shown, now)


def answer(instance: str, shown: Certificate, told: Examination | None) -> Check:
    """Whether it answers and is ready; `told` None where it was not asked."""
    why = shown.why if shown.verdict == "unreachable" else told.unreachable if told else ""
    if why:
        remedy = "start it; check its url, and the firewall between here and it"
        return found("scanner_unreachable", instance, f"{instance} does not answer: {sentence(why)}", remedy)
    if told and told.not_ready:
        remedy = "wait: loading plugins takes up to half an hour; then look at its own page"
        return found("scanner_not_ready", instance, f"{instance} is not ready: {sentence(told.not_ready)}", remedy)
    return fine("answer", instance, "answers and is ready")


def sign_in(instance: str, told: Examination) -> Check | None:
    """Whether it accepts us; None where it could not be asked."""
    if told.refused:
        message = f"{instance} does not accept the keys or password: {sentence(told.refused)}"
        remedy = "make new keys in its settings, and put them where the configuration keeps its secrets"
        return found("sign_in_failed", instance, message, remedy)
    return fine("sign_in", instance, "signed in") if told.licence or told.failed else None


def licence(instance: str, told: Examination, now: datetime) -> list[Check]:
    """Edition, permission to launch, use and end of the licence."""
    if told.failed:
        remedy = "look at its licence on its own page"
        return [found("licence_unknown", instance, f"it does not tell its licence: {sentence(told.failed)}", remedy)]
    if told.licence is None:
        return []
    facts = told.licence
    troubles = [*_launching(instance, facts), *_ending(instance, facts, now), *_used(instance, facts)]
    if troubles:
        return troubles
    end = f", until {facts.expires:%Y-%m-%d}" if facts.expires else ""
    message = f"{_product(facts)} may launch scans{_use(facts)}{end}"
    return [fine("licence", instance, message, **_shown(facts))]


def plugins(instance: str, told: Examination, now: datetime) -> Check | None:
    """The age of the feed; None where it does not say which it has."""
    loaded = feed_time(told.licence.plugin_set) if told.licence else None
    if loaded is None:
        return None
    age = now - loaded
    days = max(0, age.days)
    message = f"its plugin feed is {days} days old ({told.licence.plugin_set if told.licence else ''})"
    if age <= PLUGINS_OLD:
        return fine("plugins", instance, message, plugins_age_days=days)
    code = "plugins_very_old" if age > PLUGINS_VERY_OLD else "plugins_old"
    remedy = "let it update its plugins: its settings, Software Update"
    return found(code, instance, message, remedy, plugins_age_days=days)


def clock(instance: str, told: Examination) -> Check | None:
    """Its clock against ours; None where it does not say."""
    ahead_s = told.clock_ahead_s
    if ahead_s is None:
        return None
    if abs(ahead_s) <= CLOCK_S:
        return fine(
            "scanner_clock", instance, f"within {max(1.0, abs(ahead_s)):.0f} s of ours", ahead_s=round(ahead_s, 1)
        )
    way = "ahead of" if ahead_s > 0 else "behind"
    message = f"the clock of {instance} is {abs(ahead_s):.0f} s {way} this host's"
    remedy = "synchronise its clock with NTP"
    return found("scanner_clock_skew", instance, message, remedy, ahead_s=round(ahead_s, 1))


def feed_time(plugin_set: str) -> datetime | None:
    """When a plugin feed was made, by its name YYYYMMDDhhmm; None for one that is named otherwise."""
    if len(plugin_set) != _FEED_LENGTH:
        return None
    try:
        return datetime.strptime(plugin_set, _FEED).replace(tzinfo=UTC)
    except ValueError:
        return None


def _validity(instance: str, shown: Certificate, now: datetime) -> Check:
    remedy = "renew it on the scanner"
    if shown.is_over or (shown.expires is not None and shown.expires <= now):
        message = "its certificate has expired; it is trusted all the same, since only its pin is checked, or nothing"
        return found("certificate_expires_soon", instance, message, remedy)
    if shown.expires is None:
        return fine("certificate", instance, "trusted", fingerprint=shown.fingerprint)
    days = (shown.expires - now).days
    facts = {"expires": when(shown.expires), "days_left": days, "fingerprint": shown.fingerprint}
    if shown.expires - now < CERTIFICATE_SOON:
        message = f"its certificate expires in {days} days, on {when(shown.expires)}"
        return found("certificate_expires_soon", instance, message, remedy, **facts)
    return fine("certificate", instance, f"trusted, expires in {days} days", **facts)


def _launching(instance: str, facts: LicenceFacts) -> Iterator[Check]:
    if facts.can_launch is False:
        message = f"{instance} ({_product(facts)}) may not launch scans through its API: {facts.evidence}"
        yield found("may_not_launch", instance, message, _LAUNCH_ELSEWHERE, **_shown(facts))
    elif facts.can_launch is None:
        message = f"it is not known whether {instance} may launch scans: {facts.evidence}"
        yield found("licence_unknown", instance, message, "look at its licence on its own page", **_shown(facts))


def _ending(instance: str, facts: LicenceFacts, now: datetime) -> Iterator[Check]:
    if facts.expires is None or facts.expires - now > LICENCE_SOON:
        return
    over = facts.expires <= now
    code = "licence_expired" if over else "licence_expires_soon"
    message = f"its licence {'ended' if over else 'ends'} on {facts.expires:%Y-%m-%d}"
    yield found(code, instance, message, "renew the licence", expires=when(facts.expires))


def _used(instance: str, facts: LicenceFacts) -> Iterator[Check]:
    for what, used, most in (("addresses", facts.ips_used, facts.ips), ("agents", facts.agents_used, facts.agents)):
        if used is None or not most or used / most < NEARLY:
            continue
        code = "licence_used_up" if used >= most else "licence_nearly_used_up"
        message = f"{used:,} of the {most:,} {what} of its licence are used"
        yield found(code, instance, message, "extend the licence, or let unused ones age out", used=used, most=most)


def _product(facts: LicenceFacts) -> str:
    return " ".join(filter(None, (facts.edition or "a Nessus of unknown edition", facts.version)))


def _use(facts: LicenceFacts) -> str:
    if not facts.ips:
        return ""
    used = "" if facts.ips_used is None else f"{facts.ips_used:,} of "
    return f", {used}{facts.ips:,} addresses"


def _shown(facts: LicenceFacts) -> dict[str, object]:
    return {
        "edition": facts.edition,
        "version": facts.version,
        "can_launch": facts.can_launch,
        "ips": facts.ips,
        "ips_used": facts.ips_used,
    }
