"""The error catalogue: every code that an event can carry, what it means, and what to do about it.

A code is a promise: it keeps its meaning, so that alerts and scripts can go by it. Texts are for people and
may change.
"""

from collections.abc import Mapping
from types import MappingProxyType

from scanpool_schemas.codes.clients import CLIENTS
from scanpool_schemas.codes.code import Code, Place, Stage
from scanpool_schemas.codes.logins import LOGINS
from scanpool_schemas.codes.orders import ORDERS
from scanpool_schemas.codes.reports import REPORTS, WARNINGS
from scanpool_schemas.codes.requests import REQUESTS
from scanpool_schemas.codes.scans import SCANNERS, SCANS

SECTIONS: Mapping[str, tuple[Code, ...]] = MappingProxyType(
    {
        "Requests": REQUESTS,
        "Clients of the bridge": CLIENTS,
        "Scans on their way": SCANS,
        "Orders": ORDERS,
        "Scanners": SCANNERS,
        "Reports": REPORTS,
        "Logins": LOGINS,
        "Warnings": WARNINGS,
    }
)
"""The catalogue, in the order in which people read it."""

CATALOGUE: Mapping[str, Code] = MappingProxyType({code.code: code for codes in SECTIONS.values() for code in codes})
"""The catalogue by code."""

__all__ = ["CATALOGUE", "SECTIONS", "Code", "Place", "Stage"]
