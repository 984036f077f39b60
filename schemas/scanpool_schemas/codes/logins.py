"""Codes of logins: why a scan's authentication status is what it is, and why a host's verdict is no better."""

from scanpool_schemas.codes.code import Code, Place, Stage

_VALIDATOR: tuple[Stage, ...] = ("validator",)
_RESULT: tuple[Place, ...] = ("result",)
_HOST: tuple[Place, ...] = ("host",)
_HOST_AND_WARNING: tuple[Place, ...] = ("host", "warning")

LOGINS = (
    Code(
        "all_hosts_authenticated",
        "Every host that counts was logged in to and checked.",
        "Nothing.",
        _VALIDATOR,
        _RESULT,
    ),
    Code(
        "only_the_scanner_itself",
        "The scanner checked only itself, which proves nothing about credentials.",
        "Scan other hosts to prove a credential.",
        _VALIDATOR,
        _RESULT,
    ),
    Code(
        "some_hosts_not_authenticated",
        "Some hosts were logged in to, and some were not or it is not known.",
        "Look at the hosts with another verdict than auth, and at `troubleshooting`.",
        _VALIDATOR,
        _RESULT,
    ),
    Code(
        "limited_authentication",
        "Every host was logged in to, some with less access than was asked for.",
        "Look at the hosts with verdict auth_limited or login_only, and at `troubleshooting`.",
        _VALIDATOR,
        _RESULT,
    ),
    Code(
        "scan_ended_early",
        "The hosts in the report were logged in to, but the scan did not run to its end.",
        "Submit the scan again for the hosts that are missing.",
        _VALIDATOR,
        _RESULT,
    ),
    Code(
        "no_host_authenticated",
        "No host was logged in to.",
        "Go through `troubleshooting` in the result.",
        _VALIDATOR,
        _RESULT,
    ),
    Code(
        "no_hosts_to_judge",
        "The report has no host that was scanned.",
        "Check that the scanner reaches the targets and that they are up.",
        _VALIDATOR,
        _RESULT,
    ),
    Code(
        "no_login_information",
        "The report does not say of any host whether the login worked.",
        "See that the template or policy does not switch off the scan information (plugin 19506).",
        _VALIDATOR,
        _RESULT,
    ),
    Code(
        "no_credentials_supplied",
        "The scan was not given credentials.",
        "Name a credential in `credential_ref` and ask for scan_type `authenticated` if you want logins.",
        _VALIDATOR,
        _RESULT,
    ),
    Code(
        "no_sign_of_credentials",
        "No host was logged in to, and nothing shows that credentials were given.",
        "Say with `--credentials yes` or `no` whether they were.",
        _VALIDATOR,
        _RESULT,
    ),
    Code(
        "insufficient_privilege",
        "Logged in, but the escalation failed or commands were refused for lack of rights.",
        "Run the escalation by hand as that account (`sudo -l`), and compare the credential's escalation method.",
        _VALIDATOR,
        _HOST,
    ),
    Code(
        "limited_access",
        "Logged in to Windows, but without the administrative share or the whole registry.",
        "Make the account a local administrator, and start the Remote Registry service.",
        _VALIDATOR,
        _HOST,
    ),
    Code(
        "intermittent_authentication",
        "Logged in, and later logins with the same credentials failed.",
        "Look for limits on connections on the host, and scan fewer checks at once.",
        _VALIDATOR,
        _HOST_AND_WARNING,
    ),
    Code(
        "mixed_answers",
        "The report has the host more than once, and the answers differ.",
        "Scan the host once in a scan: by its name or by its address.",
        _VALIDATOR,
        _HOST_AND_WARNING,
    ),
    Code(
        "local_checks_unavailable",
        "Logged in, but local checks did not run, as on an operating system that is not supported.",
        "See whether the scanner supports the system, and that the shell has no banner or menu.",
        _VALIDATOR,
        _HOST_AND_WARNING,
    ),
    Code(
        "bad_credentials_or_protocol",
        "A login was tried and refused.",
        "Log in by hand with the same account and method from the scanner's network.",
        _VALIDATOR,
        _HOST,
    ),
    Code(
        "no_credentials_for_service",
        "A service to log in to was found, and no credentials for it.",
        "Name a credential of that kind, and scan hosts of different kinds separately.",
        _VALIDATOR,
        _HOST,
    ),
    Code(
        "service_unreachable_or_unknown",
        "Not logged in, and the report does not say why.",
        "See that SSH (22) or SMB (445) is open from the scanner to the host.",
        _VALIDATOR,
        _HOST,
    ),
    Code(
        "no_scan_information",
        "Nothing in the report speaks of the login: filtered out, switched off, or cut off.",
        "Export without filters, and see that plugin 19506 is not switched off.",
        _VALIDATOR,
        _HOST,
    ),
    Code(
        "no_credential_line",
        "The scanner's own information says nothing of the login, as before Nessus 5.",
        "Update the scanner.",
        _VALIDATOR,
        _HOST,
    ),
    Code(
        "dead_host",
        "The scanner found the host dead.",
        "Check that it is up and answers the scanner's pings.",
        _VALIDATOR,
        _HOST,
    ),
    Code(
        "no_items",
        "The report has the host, and nothing about it.",
        "See whether the scan was cut short, or the export was filtered.",
        _VALIDATOR,
        _HOST,
    ),
)
