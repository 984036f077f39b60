"""Tenable's Nessus 10 and Vulnerability Management as scanners: their REST API behind the `Scanner` protocol.

The way of a call: `client` (what the pipeline asks) makes a `calls.Call`; `api` signs in (`sign_in`,
`sessions`), sends it over the `wire` (`tls` checks the pin) and has `faults` read the exchange; `replies`
are what comes back. What only one of the two has is in `onsite` (Nessus) and `cloud` (Vulnerability
Management). Pure are `bodies` (a new scan), `faults`, `progress`, `licence`, `readiness`.

What an edition's licence does not allow is detected, said and respected, never worked round.
"""

from scanpool.scanners.nessus.certificate import Certificate, look_at_certificate
from scanpool.scanners.nessus.client import NessusScanner
from scanpool.scanners.nessus.examination import Examination, LicenceFacts
from scanpool.scanners.nessus.sessions import Sessions
from scanpool.scanners.nessus.settings import (
    ApiKeys,
    ExportLimits,
    Kind,
    NessusSettings,
    SignIn,
    Tls,
    UserPassword,
)

__all__ = [
    "ApiKeys",
    "Certificate",
    "Examination",
    "ExportLimits",
    "Kind",
    "LicenceFacts",
    "NessusScanner",
    "NessusSettings",
    "Sessions",
    "SignIn",
    "Tls",
    "UserPassword",
    "look_at_certificate",
]
