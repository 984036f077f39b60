"""Tests that need something the machine may not have: skip, or fail where the machine says it has it.

`SCANPOOL_REQUIRE=corpus,nats-cli,asyncapi-specs` names what must be there.
"""

import os
from typing import NoReturn

import pytest

REQUIRE = "SCANPOOL_REQUIRE"


def require(name: str, reason: str) -> NoReturn:
    """Skip the test for want of what the name stands for; fail it where `SCANPOOL_REQUIRE` lists the name."""
    message = f"{name}: {reason}"
    if name in _required():
        pytest.fail(f"{message} ({REQUIRE} says that it must be there)", pytrace=False)
    pytest.skip(message)


def _required() -> set[str]:
    return {each.strip() for each in os.environ.get(REQUIRE, "").split(",")}
