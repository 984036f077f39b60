"""Codes of what a client of the bridge may not: its policy, `clients` in scanners.yaml, does not allow it."""

from scanpool_schemas.codes.code import Code, Stage

_ADMISSION: tuple[Stage, ...] = ("admission",)

CLIENTS = (
    Code(
        "client_unknown",
        "The client of the bridge has no policy in this pool, and without one it may nothing.",
        "Add its subject to `clients` in scanners.yaml, with this pool.",
        _ADMISSION,
    ),
    Code(
        "client_target_denied",
        "A target lies outside the client's networks, or is excluded from them, protected, or of special use.",
        "Leave it out; or widen `networks` of the client in scanners.yaml. What is protected cannot be allowed.",
        _ADMISSION,
    ),
    Code(
        "client_too_many_hosts",
        "The scan is of more addresses than the client's policy allows.",
        "Split it over several scans, or raise `max_hosts` of the client.",
        _ADMISSION,
    ),
    Code(
        "client_credential_denied",
        "The client's policy does not allow the credential.",
        "Take one that it allows, or add the credential to `credentials` of the client.",
        _ADMISSION,
    ),
    Code(
        "client_intensity_denied",
        "The client's policy allows safe scans only.",
        "Ask with intensity `safe`, or set `intensity: intrusive` for the client.",
        _ADMISSION,
    ),
    Code(
        "client_settings_denied",
        "A client of the bridge gave settings or a policy of the scanner.",
        "Leave them out: what may be chosen has fields of its own, as `intensity` and `template`.",
        _ADMISSION,
    ),
    Code(
        "client_too_many_scans",
        "The client has as many scans that are not over as its policy allows.",
        "Wait until one of them ends, or raise `max_concurrent` of the client.",
        _ADMISSION,
    ),
    Code(
        "client_too_fast",
        "The client had as many scans within the hour as its policy allows.",
        "Submit it again later, or raise `scans_per_hour` of the client.",
        _ADMISSION,
    ),
)
