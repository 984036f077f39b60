"""Codes of scans that were admitted and did not get to a report: ends on the way, and faults of scanners."""

from scanpool_schemas.codes.code import Code

SCANS = (
    Code(
        "cancelled",
        "Somebody asked that the scan be cancelled.",
        "Submit it again if it is still wanted; the message says who cancelled it and why.",
        ("admission", "poller"),
    ),
    Code(
        "approval_denied",
        "The scan waited for a person's approval, and an operator rejected it.",
        "Ask for less, or ask the operator; the message says who rejected it and why.",
        ("operator",),
    ),
    Code(
        "max_wait_exceeded",
        "The scan waited in the queue, or for a person's approval, for longer than its `max_wait_s`.",
        "Look with `scanpool scanners` for scanners that are full or down; give it more time or a higher priority.",
        ("dispatcher", "janitor"),
    ),
    Code(
        "max_duration_exceeded",
        "The scan was on the scanner for longer than it may be, and was stopped there.",
        "Raise `max_duration_s`, or split the targets over several scans.",
        ("poller", "janitor"),
    ),
    Code(
        "paused_too_long",
        "Somebody paused the scan on the scanner and did not resume it in time; it was stopped.",
        "Submit it again, and leave it alone in the scanner's own interface.",
        ("poller",),
    ),
    Code(
        "launched_twice",
        "The scanner's history shows that the scan ran more than once; it was stopped.",
        "Look for somebody who launches scans in the scanner's own interface, and for processes whose clocks stand "
        "still; then submit it again.",
        ("poller",),
    ),
    Code(
        "scan_canceled_on_scanner",
        "Somebody stopped the scan on the scanner.",
        "Submit it again; cancel scans with `scanpool cancel`, which says who and why.",
        ("poller",),
    ),
    Code(
        "scan_aborted",
        "The scanner aborted the scan.",
        "Look into the scanner's own messages (disk, memory, restart), then submit the scan again.",
        ("poller", "validator"),
        ("error", "warning"),
    ),
    Code(
        "launch_given_up",
        "Launches were begun as often as is allowed, and none got a scan made on the scanner.",
        "Look for dispatchers that die or cannot reach the scanner in time; then retry the dead scan.",
        ("dispatcher",),
    ),
    Code(
        "credential_unusable",
        "The credential's value cannot be had where the scan is launched.",
        "Check that this dispatcher's configuration has the credential, and its file or variable.",
        ("dispatcher",),
    ),
    Code(
        "export_unreadable",
        "The exported report cannot be read back from the object store as it was written.",
        "Look at bucket scan-exports and the disks under it; then retry the dead scan.",
        ("validator",),
    ),
)

SCANNERS = (
    Code(
        "scanner_error",
        "A call to the scanner failed in a way that has no code of its own.",
        "Look at the message and the scanner's own log.",
        ("dispatcher", "poller"),
    ),
    Code(
        "scanner_unavailable",
        "The scanner does not answer, or says that it cannot now.",
        "Check that it runs and is reached from the process that serves its pool (URL, firewall, TLS).",
        ("dispatcher", "poller"),
    ),
    Code(
        "scanner_not_ready",
        "The scanner answers, but is starting or loading its plugins.",
        "Wait; if it stays so, look at its plugin update and its disk.",
        ("dispatcher", "poller"),
    ),
    Code(
        "scanner_rate_limited",
        "The scanner takes no more calls for now (429), or as many scans run on it as it allows.",
        "Nothing: it is left alone for as long as it asked for. If it recurs, lower its max_concurrent_scans.",
        ("dispatcher", "poller"),
    ),
    Code(
        "scanner_breaker_open",
        "The scanner was not called: its breaker is open, since it failed too often or a person tripped it.",
        "Look at the scanner; when it answers again its breaker closes by itself.",
        ("dispatcher", "poller"),
    ),
    Code(
        "scanner_outcome_unknown",
        "The connection broke while the scanner may have been carrying out the call.",
        "Nothing at first: it is looked at again before anything is repeated. If it recurs, check the network.",
        ("dispatcher", "poller"),
    ),
    Code(
        "scanner_refused",
        "The scanner refuses the call and will refuse it again.",
        "Look at the message: it is the scanner's own.",
        ("dispatcher", "poller"),
    ),
    Code(
        "scanner_sign_in_failed",
        "The scanner does not accept scanpool's keys or password.",
        "Make new keys for the account on the scanner and put them where scanners.yaml takes them from.",
        ("dispatcher", "poller"),
    ),
    Code(
        "scan_api_not_licensed",
        "The scanner's licence does not let an API client create or launch scans.",
        "Use a scanner whose edition has the scan API, as Nessus Manager or Tenable Vulnerability Management; "
        "this one can still list and export.",
        ("dispatcher",),
    ),
    Code(
        "template_unknown",
        "The scanner has no template, policy or folder of the name.",
        "Correct `template`, `policy` or `folder`, or the pool's `templates` in scanners.yaml.",
        ("dispatcher",),
    ),
    Code(
        "scanner_permission_denied",
        "The account that scanpool signs in with may not do this on the scanner.",
        "Give the account the role that the message asks for, Standard at least.",
        ("dispatcher", "poller"),
    ),
    Code(
        "scanner_rejected_request",
        "The scanner understood the request and will not have it.",
        "Look at the scanner's words in the message, often about one of `settings` or the targets.",
        ("dispatcher", "poller"),
    ),
    Code(
        "scanner_lost_scan",
        "The scan is no longer on the scanner.",
        "Somebody deleted it there, or the scanner lost its data; submit the scan again.",
        ("dispatcher", "poller"),
    ),
    Code(
        "scanner_conflict",
        "The scan on the scanner is not in a state for what was asked.",
        "Look at the scan in the scanner's own interface: somebody else may be acting on it.",
        ("dispatcher", "poller"),
    ),
    Code(
        "export_failed",
        "The scanner could not write the report, or it broke off on its way.",
        "Look at the scanner's disk and the network to it; then retry the dead scan.",
        ("poller",),
    ),
    Code(
        "export_not_ready",
        "The scanner did not make the export in the time that it may take, as often as it was asked.",
        "Look at the scanner's load and disk, or allow more (SCANPOOL_EXPORT_READY_S); then retry the dead scan.",
        ("poller",),
    ),
    Code(
        "export_too_large",
        "The report is larger than SCANPOOL_MAX_REPORT_BYTES allows.",
        "Split the targets over several scans, or raise the limit.",
        ("poller",),
    ),
    Code(
        "fingerprint_mismatch",
        "The scanner's certificate is not the one that scanners.yaml pins; nothing was sent to it.",
        "Find out whether its certificate was renewed; only then pin the new fingerprint.",
        ("dispatcher", "poller"),
    ),
)
