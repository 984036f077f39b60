"""Codes of reports: why one is refused or does not count, and what a person should know beside."""

from scanpool_schemas.codes.code import Code, Place, Stage

_VALIDATOR: tuple[Stage, ...] = ("validator",)
_REFUSED: tuple[Place, ...] = ("error", "result")
_WARNING: tuple[Place, ...] = ("warning",)

REPORTS = (
    Code(
        "report_refused",
        "The report cannot be believed, for a reason that has no code of its own.",
        "Export the scan again and look at the message.",
        _VALIDATOR,
        _REFUSED,
    ),
    Code(
        "report_not_nessus",
        "The file is something else than a Nessus report.",
        "Export the scan from the scanner in the Nessus format (.nessus).",
        _VALIDATOR,
        _REFUSED,
    ),
    Code(
        "report_nessus_v1",
        "The report is in the format of Nessus 4.0 and older, which says nothing of logins.",
        "Export the scan in the Nessus v2 format, which every scanner since 4.2 writes.",
        _VALIDATOR,
        _REFUSED,
    ),
    Code(
        "report_truncated",
        "The report ends before its last element is closed.",
        "Submit the scan again, or export the report again: the transfer was cut short.",
        _VALIDATOR,
        _REFUSED,
    ),
    Code(
        "report_malformed",
        "The report is not well-formed XML, or its elements stand where they must not.",
        "Export the report again from the scanner; do not edit or convert it.",
        _VALIDATOR,
        _REFUSED,
    ),
    Code(
        "report_encoding",
        "The report declares an encoding that is not read.",
        "Export the report again; scanners write UTF-8.",
        _VALIDATOR,
        _REFUSED,
    ),
    Code(
        "report_doctype",
        "The report declares a document type, in which entities could be hidden.",
        "Find out where the file comes from, since no scanner writes one, and export it again.",
        _VALIDATOR,
        _REFUSED,
    ),
    Code(
        "report_limit",
        "The report is larger or deeper than the limits allow.",
        "Split the scan into smaller ones.",
        _VALIDATOR,
        _REFUSED,
    ),
    Code(
        "empty_scan",
        "No host answered the scan, so that no login was tried.",
        "Check that the scanner reaches the targets and that they are up, then submit the scan again.",
        _VALIDATOR,
    ),
    Code(
        "auth_failed",
        "Credentials were given, and no login worked on any host.",
        "Go through `troubleshooting` in the result; then correct the credential or the hosts.",
        _VALIDATOR,
    ),
    Code(
        "auth_unknown",
        "Credentials were given, and the report does not say whether any login worked.",
        "See that the template or policy does not switch off the scan information (plugin 19506).",
        _VALIDATOR,
    ),
    Code(
        "auth_coverage_low",
        "The share of hosts that were authenticated is below the request's `require_auth`.",
        "Look at `hosts` in the result, which is kept; correct the logins, or ask for a lower share.",
        _VALIDATOR,
    ),
)

WARNINGS = (
    Code(
        "escalation_failed",
        "Escalated privileges were asked for, and on some hosts could not be had.",
        "Go through `troubleshooting` under insufficient_privilege.",
        _VALIDATOR,
        _WARNING,
    ),
    Code(
        "limited_privilege",
        "Some checks on some hosts lacked the rights to run.",
        "Give the account more rights, or ask for scan_type `authenticated_privileged` with an escalation.",
        _VALIDATOR,
        _WARNING,
    ),
    Code(
        "other_protocol_failed",
        "Some hosts were logged in to over one protocol and refused another.",
        "Give a credential for the other protocol too, or none.",
        _VALIDATOR,
        _WARNING,
    ),
    Code(
        "only_the_scanner",
        "The scanner checked only itself.",
        "Scan other hosts to prove a credential.",
        _VALIDATOR,
        _WARNING,
    ),
    Code(
        "credentials_from_policy",
        "Credentials were used that the request did not give: they come from the policy.",
        "Take them out of the policy on the scanner, or ask for scan_type `authenticated`.",
        _VALIDATOR,
        _WARNING,
    ),
    Code(
        "scan_canceled",
        "The scan was stopped on the scanner before its end; hosts may be missing.",
        "Scan again for the hosts that are missing.",
        _VALIDATOR,
        _WARNING,
    ),
    Code(
        "no_report",
        "The file holds a policy or nothing at all, but no scan.",
        "Export the scan itself.",
        _VALIDATOR,
        _WARNING,
    ),
    Code(
        "no_hosts",
        "The report has no host.",
        "Check that the scanner reaches the targets and that they are up.",
        _VALIDATOR,
        _WARNING,
    ),
    Code(
        "fewer_hosts_than_targets",
        "Fewer hosts are in the report than were asked for; the scanner leaves out hosts that are down.",
        "Check the missing ones; ask the scanner to list unreachable hosts if you need to see them.",
        _VALIDATOR,
        _WARNING,
    ),
    Code(
        "hosts_not_scanned",
        "Some hosts are dead or have no item.",
        "Check that they are up and answer the scanner's pings.",
        _VALIDATOR,
        _WARNING,
    ),
    Code(
        "hosts_not_finished",
        "Of some hosts the report has no time at which they ended.",
        "See whether the scan was cut short, and scan these hosts again.",
        _VALIDATOR,
        _WARNING,
    ),
    Code(
        "repeated_hosts",
        "Some hosts are in the report more than once, and were taken together.",
        "Give each host once: by its name or by its address.",
        _VALIDATOR,
        _WARNING,
    ),
    Code(
        "plugins_are_old",
        "The scanner's plugins had not been updated for long.",
        "Update the scanner's plugins, and scan again.",
        _VALIDATOR,
        _WARNING,
    ),
    Code(
        "items_without_severity",
        "Some items have neither a severity nor a risk factor that means one.",
        "Nothing; they are counted as unrated.",
        _VALIDATOR,
        _WARNING,
    ),
)
