"""Tenable Nessus 10 as a scanner: its REST API behind the `Scanner` protocol.

The way of a call: `client` (what the pipeline asks) makes a `calls.Call`; `api` signs in (`sign_in`,
`sessions`), sends it over the `wire` (`tls` checks the pin) and has `faults` read the exchange; `replies`
are what comes back. Pure are `bodies` (a new scan), `faults`, `progress`, `licence`, `readiness`.

What an edition's licence does not allow is detected, said and respected, never worked round.
"""

from scanpool.scanners.nessus.client import NessusScanner
from scanpool.scanners.nessus.sessions import Sessions
from scanpool.scanners.nessus.settings import (
    ApiKeys,
    ExportLimits,
    NessusSettings,
    SignIn,
    Tls,
    UserPassword,
)

__all__ = [
    "ApiKeys",
    "ExportLimits",
    "NessusScanner",
    "NessusSettings",
    "Sessions",
    "SignIn",
    "Tls",
    "UserPassword",
]
