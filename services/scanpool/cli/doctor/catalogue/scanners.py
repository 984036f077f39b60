"""What may be wrong with scanners."""

from __future__ import annotations

from scanpool.cli.doctor.catalogue.kind import Finding, Kind

KINDS: tuple[Kind, ...] = (
    Kind(
        section="scanners",
        name="breaker",
        looks_at="the breakers of all scanners",
        findings=(
            Finding(
                "breaker_open",
                "problem",
                "The breaker is not closed: the scanner is not called for scans.",
                "Mend the scanner, then `scanpool breaker probe`; one tripped by hand: `scanpool breaker reset`",
            ),
        ),
    ),
    Kind(
        section="scanners",
        name="seen_by_dispatcher",
        looks_at="how the dispatcher last found the scanner",
        findings=(
            Finding(
                "not_ready_for_dispatcher",
                "problem",
                "The pool's dispatcher does not find the scanner ready, whatever it looks like from here.",
                "Look from the dispatcher's host: its route, its secrets, its certificates.",
            ),
        ),
    ),
    Kind(
        section="scanners",
        name="answer",
        looks_at="whether the scanner answers and is ready",
        findings=(
            Finding(
                "scanner_unreachable",
                "problem",
                "The scanner does not answer, or not as a scanner does.",
                "Start it; check `url`, and the firewall between here and it.",
            ),
            Finding(
                "scanner_not_ready",
                "problem",
                "The scanner is starting, or loads plugins.",
                "Wait, up to half an hour after an update; then look at its own page.",
            ),
        ),
    ),
    Kind(
        section="scanners",
        name="certificate",
        looks_at="the scanner's certificate: trusted, pinned, and for how long",
        findings=(
            Finding(
                "certificate_expired",
                "problem",
                "The certificate has expired: nothing is sent to the scanner.",
                "Renew it on the scanner.",
            ),
            Finding(
                "certificate_untrusted",
                "problem",
                "The certificate is not trusted: nothing is sent to the scanner.",
                "Set `tls.ca_bundle` or `tls.fingerprint` of the scanner.",
            ),
            Finding(
                "certificate_not_pinned",
                "problem",
                "The certificate is another than the pinned one: nothing is sent to the scanner.",
                "If it was renewed, set `tls.fingerprint` to the new one; else find out who answers.",
            ),
            Finding(
                "certificate_expires_soon",
                "warning",
                "The certificate expires within three weeks, or is over and only its pin is checked.",
                "Renew it on the scanner.",
            ),
        ),
    ),
    Kind(
        section="scanners",
        name="sign_in",
        looks_at="whether the scanner accepts the keys or the password",
        findings=(
            Finding(
                "sign_in_failed",
                "problem",
                "The scanner does not accept the keys or the password of the configuration.",
                "Make new keys in the scanner's settings, and put them where the configuration says.",
            ),
        ),
    ),
    Kind(
        section="scanners",
        name="licence",
        looks_at="edition, whether scans may be launched, and how much of the licence is left",
        findings=(
            Finding(
                "may_not_launch",
                "problem",
                "The licence does not let an API client create or launch scans; reading and export work.",
                "Use Nessus Manager, Tenable Vulnerability Management or Tenable Security Center to launch.",
            ),
            Finding(
                "licence_unknown",
                "warning",
                "The scanner does not say whether scans may be launched, or could not be asked.",
                "Look at the licence on the scanner's own page.",
            ),
            Finding("licence_expired", "problem", "The licence is over.", "Renew it."),
            Finding("licence_expires_soon", "warning", "The licence ends within a month.", "Renew it."),
            Finding(
                "licence_used_up",
                "problem",
                "All addresses or agents of the licence are used: new hosts are not scanned.",
                "Extend the licence, or let unused addresses age out.",
            ),
            Finding(
                "licence_nearly_used_up",
                "warning",
                "Nine tenths of the licence's addresses or agents are used.",
                "Extend the licence, or let unused addresses age out.",
            ),
        ),
    ),
    Kind(
        section="scanners",
        name="plugins",
        looks_at="the age of the plugin feed",
        findings=(
            Finding(
                "plugins_old",
                "warning",
                "The plugin feed is older than a week: newer vulnerabilities are not found.",
                "Let the scanner update its plugins.",
            ),
            Finding(
                "plugins_very_old",
                "problem",
                "The plugin feed is older than a month.",
                "Let the scanner update its plugins.",
            ),
        ),
    ),
    Kind(
        section="scanners",
        name="scanner_clock",
        looks_at="the scanner's clock against this host's",
        findings=(
            Finding(
                "scanner_clock_skew",
                "warning",
                "The scanner's clock is more than 30 seconds off: times in its reports are wrong by as much.",
                "Synchronise its clock (NTP).",
            ),
        ),
    ),
)
