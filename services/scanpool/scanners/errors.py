"""What can go wrong with a scanner, ordered by what a caller can do about it.

ScannerError
├── ScannerUnavailable       may succeed later; the call was not carried out, or repeating it does no harm
│   ├── ScannerNotReady      it answers, but is loading plugins or starting
│   ├── RateLimited          it has had enough calls for now: 429, or not called while its wait lasts
│   └── BreakerOpen          it was not called: it failed too often just now
├── OutcomeUnknown           the call may have been carried out: look before asking again
├── ScannerRefused           will not succeed if asked again
│   ├── SignInFailed         the scanner does not accept our keys or password
│   ├── ScanApiNotLicensed   its licence does not let an API client create or launch scans
│   ├── TemplateUnknown      it has no such template, policy or folder
│   ├── PermissionDenied     signed in, but not allowed to
│   └── RequestRejected      it understood the request and will not have it (400, 405, 413, 415)
├── ScanNotFound             the scanner answered that it has no such scan
├── ScanConflict             the scan is not in a state for this: read its progress
├── ExportFailed             this export came to nothing or came out broken: start a new one
│   ├── ExportNotReady       it was waited for as long as may be
│   └── ExportTooLarge       over the configured limit; another try will not help
└── FingerprintMismatch      the certificate is not the pinned one; nothing was sent
"""

from __future__ import annotations


class ScannerError(Exception):
    """A call to a scanner did not do what was asked."""

    code: str = "scanner_error"
    """The catalogue's code for it, the same in events, logs and the CLI."""

    def __init__(self, scanner: str, operation: str, message: str) -> None:
        super().__init__(f"{scanner}: {operation}: {message}")
        self.scanner = scanner
        self.operation = operation
        self.message = message


class ScannerUnavailable(ScannerError):
    """May succeed later; the call was certainly not carried out, or repeating it does no harm.

    The latter are reads, stop, pause, resume, delete and export. Create and launch raise it only if not carried out.
    """

    code = "scanner_unavailable"

    def __init__(self, scanner: str, operation: str, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(scanner, operation, message)
        self.retry_after_s = retry_after_s
        """Seconds that the scanner asked for, capped; None when it named none."""


class ScannerNotReady(ScannerUnavailable):
    """It answers, but is loading plugins or starting."""

    code = "scanner_not_ready"


class RateLimited(ScannerUnavailable):
    """It takes no more calls for now and said so, or was not called because its wait is not over: nothing was done."""

    code = "scanner_rate_limited"


class BreakerOpen(ScannerUnavailable):
    """It was not called, since it failed too often just now."""

    code = "scanner_breaker_open"


class OutcomeUnknown(ScannerError):
    """The call may have been carried out: look before asking again."""

    code = "scanner_outcome_unknown"


class ScannerRefused(ScannerError):
    """Will not succeed if asked again."""

    code = "scanner_refused"


class SignInFailed(ScannerRefused):
    """The scanner does not accept our keys or password."""

    code = "scanner_sign_in_failed"


class ScanApiNotLicensed(ScannerRefused):
    """The scanner's licence does not let an API client create or launch scans."""

    code = "scan_api_not_licensed"


class TemplateUnknown(ScannerRefused):
    """The scanner has no such template, policy or folder."""

    code = "template_unknown"


class PermissionDenied(ScannerRefused):
    """Signed in, but not allowed to."""

    code = "scanner_permission_denied"


class RequestRejected(ScannerRefused):
    """The scanner understood the request and will not have it."""

    code = "scanner_rejected_request"


class ScanNotFound(ScannerError):
    """The scanner answered that it has no such scan."""

    code = "scanner_lost_scan"


class ScanConflict(ScannerError):
    """The scan is not in a state for this: read its progress."""

    code = "scanner_conflict"


class ExportFailed(ScannerError):
    """This export came to nothing or came out broken: start a new one."""

    code = "export_failed"


class ExportNotReady(ExportFailed):
    """The scanner had not made the export in the time that it may take: start a new one."""

    code = "export_not_ready"


class ExportTooLarge(ExportFailed):
    """The report is over the configured limit; another try will not make it smaller."""

    code = "export_too_large"


class FingerprintMismatch(ScannerError):
    """The certificate is not the pinned one; nothing was sent."""

    code = "fingerprint_mismatch"
