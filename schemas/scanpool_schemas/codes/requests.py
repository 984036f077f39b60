"""Codes of requests that are refused: nothing was scanned, and the request as it is never will be."""

from scanpool_schemas.codes.code import Code

REQUESTS = (
    Code(
        "invalid_request",
        "The body is no valid request, or its subject has a pool or id that is no name.",
        "Correct the field that the message names and publish again; `scanpool schema requested` prints the form.",
        ("admission",),
        ("dead letter",),
    ),
    Code(
        "unknown_pool",
        "There is no pool of the name in the subject.",
        "Publish to one of the pools that `scanpool pools` lists, or add the pool to scanners.yaml and run "
        "`scanpool topology apply`.",
        ("admission",),
        ("dead letter",),
    ),
    Code(
        "id_conflict",
        "A scan of this id exists already and was asked for differently.",
        "Take another id, or another idempotency key, for a different scan; the message names the fields that differ.",
        ("admission",),
        ("dead letter",),
    ),
    Code(
        "unknown_scan",
        "A cancel or an order names a scan that the pool does not have.",
        "Check pool and id with `scanpool list`; a scan that ended is gone after its retention.",
        ("admission", "poller"),
        ("answer", "dead letter"),
    ),
    Code(
        "bad_subject",
        "A message lies on a subject that no scan can have.",
        "Find out who publishes there: only scanpool may write to the pools' streams.",
        ("dispatcher", "poller", "validator"),
        ("dead letter",),
    ),
    Code(
        "undecodable_event",
        "An event of a scan is not what its subject says.",
        "Find out who published it: only scanpool may write to the pools' streams. The dead letter keeps the body.",
        ("dispatcher", "poller", "validator"),
        ("answer", "dead letter"),
    ),
    Code(
        "pool_retired",
        "The pool left the configuration; its scans end, and it takes no new ones.",
        "Submit to another pool, or put the pool back into scanners.yaml.",
        ("admission",),
    ),
    Code(
        "invalid_target",
        "A target, or something to exclude, is malformed, or the list of them is too much.",
        "Correct the entry that the message names, or split the targets over several scans.",
        ("admission",),
    ),
    Code(
        "nothing_to_scan",
        "The request excludes every one of its targets.",
        "Check `exclude` against `targets`.",
        ("admission",),
    ),
    Code(
        "hostname_unresolved",
        "A hostname has no address, and the pool's rules speak of addresses.",
        "Check the name; or give its address as `name[10.0.0.1]`.",
        ("admission",),
    ),
    Code(
        "request_too_large",
        "With its targets normalised and pinned, the request takes more room than an event has for it.",
        "Name fewer or larger targets, as networks instead of addresses, or split them over several scans.",
        ("admission",),
    ),
    Code(
        "impossible_target",
        "A target contains addresses at which no host can be, as multicast or 0.0.0.0.",
        "Leave these addresses out.",
        ("admission",),
    ),
    Code(
        "target_not_allowed",
        "A target lies outside what the pool allows, or in addresses of special use that it does not name.",
        "Submit to a pool that reaches the target, or add it to the pool's `allow` in scanners.yaml.",
        ("admission",),
    ),
    Code(
        "target_excluded",
        "A target is excluded from the pool.",
        "Leave it out, or wait until the exclusion ends; the message says until when and why it holds.",
        ("admission",),
    ),
    Code(
        "unknown_scanner",
        "The pool has no scanner of the name, or none at all.",
        "Take a name that `scanpool scanners` lists, or leave `scanner` out so that any scanner may run the scan.",
        ("admission", "dispatcher"),
    ),
    Code(
        "scanner_disabled",
        "The request names a scanner that is disabled.",
        "Enable it in scanners.yaml, name another, or leave `scanner` out.",
        ("admission",),
    ),
    Code(
        "unknown_credential",
        "The pool has no credential of the id in `credential_ref`.",
        "Take an id from `credentials:` in scanners.yaml whose `pools` include this one.",
        ("admission",),
    ),
    Code(
        "credential_not_allowed",
        "The credential may not be used for some of the targets.",
        "Leave these targets out, or widen `targets` of the credential in scanners.yaml.",
        ("admission",),
    ),
)
