"""Why a report is refused; none of these goes away by reading the same bytes again.

ReportError
├── NotANessusReport      something else: a web page, an archive, other XML
├── NessusV1Format        a Nessus report, but of version 4.0 or older
├── Truncated             begins as a report and ends too early
├── Malformed             not well-formed XML, or its elements stand where they must not
├── UnsupportedEncoding   declared in an encoding that is not read
├── DoctypeNotAllowed     declares a document type, which no scanner writes
└── LimitExceeded         over a limit on size or shape
"""

from __future__ import annotations


class ReportError(Exception):
    """The bytes cannot be believed as a report."""

    code: str = "report_refused"
    """The catalogue's code for it, the same in events, logs and the CLI."""
    remedy: str = ""
    """What a person can do about it."""


class NotANessusReport(ReportError):
    """The bytes are something else."""

    code = "report_not_nessus"
    remedy = "Export the scan from the scanner in the Nessus format (.nessus)."

    def __init__(self, found: str) -> None:
        super().__init__(f"not a Nessus report: {found}")
        self.found = found
        """What it is instead, as `an HTML page`."""


class NessusV1Format(ReportError):
    """A report in the format of Nessus 4.0 and older, which has no login information."""

    code = "report_nessus_v1"
    remedy = "Export the scan in the Nessus v2 format, which every scanner since 4.2 writes."

    def __init__(self) -> None:
        super().__init__("Nessus v1 format (root element NessusClientData); only v2 is read")


class Truncated(ReportError):
    """The report ends before its last element is closed."""

    code = "report_truncated"
    remedy = "Export or download the report again: the transfer was cut short."

    def __init__(self, *, hosts_complete: int, hosts_begun: int) -> None:
        where = f"after host {hosts_complete} of at least {hosts_begun}" if hosts_begun else "before any host"
        super().__init__(f"truncated {where}")
        self.hosts_complete = hosts_complete
        self.hosts_begun = hosts_begun


class Malformed(ReportError):
    """The report is not well-formed, or its elements stand where they must not."""

    code = "report_malformed"
    remedy = "Export the report again from the scanner; do not edit or convert it."

    def __init__(self, problem: str, *, line: int = 0, column: int = 0) -> None:
        super().__init__(f"{problem} at line {line}, column {column}" if line else problem)
        self.line = line
        """Counted from 1; 0 where no place is known."""
        self.column = column


class UnsupportedEncoding(ReportError):
    """The report declares an encoding that is not read."""

    code = "report_encoding"
    remedy = "Export the report again; scanners write UTF-8."

    def __init__(self, encoding: str) -> None:
        super().__init__(f"encoding {encoding!r} is not read; UTF-8, UTF-16, ASCII and Latin-1 are")
        self.encoding = encoding


class DoctypeNotAllowed(ReportError):
    """The report declares a document type: entities could be hidden there."""

    code = "report_doctype"
    remedy = "No scanner writes a DOCTYPE: find out where the file comes from, and export it again."

    def __init__(self) -> None:
        super().__init__("DOCTYPE not allowed")


class LimitExceeded(ReportError):
    """The report is larger or deeper than the limits allow."""

    code = "report_limit"
    remedy = "Split the scan into smaller ones, or raise the limit if the report is to be trusted."

    def __init__(self, which: str, allowed: int, where: str) -> None:
        super().__init__(f"limit {which} exceeded: more than {allowed:,} {where}")
        self.which = which
        """The field of `Limits`."""
        self.where = where
