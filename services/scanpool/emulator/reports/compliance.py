"""Policy compliance items, which reuse the severities for passed, warning and failed."""

import hashlib
from collections.abc import Iterator
from typing import Literal

from scanpool.emulator.reports.model import Compliance, Item, Plugin

AUDIT_FILE = "emulated_server_baseline.audit"

_UNIX = Plugin(
    id=21157,
    name="Unix Compliance Checks",
    family="Policy Compliance",
    type="local",
    synopsis="A rule of an audit file was checked.",
    description="The host was compared with one rule of an audit file.",
)
_WINDOWS = Plugin(
    id=21156,
    name="Windows Compliance Checks",
    family="Policy Compliance",
    type="local",
    synopsis="A rule of an audit file was checked.",
    description="The host was compared with one rule of an audit file.",
)
_RULES = (
    ("Remote login of root is off", "no"),
    ("Passwords are at least 14 characters long", "14"),
    ("The audit service runs", "active"),
    ("The login banner is set", "set"),
    ("Time comes from the company's servers", "ntp.lab.example"),
)
_RESULTS: tuple[Literal["PASSED", "FAILED", "WARNING"], ...] = ("PASSED", "FAILED", "FAILED", "WARNING")


def compliance_items(number: int, *, windows: bool) -> Iterator[Item]:
    """So many rules of the audit file, with every result among them."""
    for index in range(number):
        rule, wanted = _RULES[index % len(_RULES)]
        result = _RESULTS[index % len(_RESULTS)]
        name = f"{index + 1}.{index % 4 + 1} {rule}"
        check = Compliance(
            check_name=name,
            check_id=hashlib.sha256(name.encode()).hexdigest(),
            result=result,
            policy_value=wanted,
            actual_value=wanted if result == "PASSED" else "unset",
            audit_file=AUDIT_FILE,
        )
        yield Item(_WINDOWS if windows else _UNIX, service="unknown", compliance=check)
