"""What a reload changed, in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scanpool.runtime.configuration import LiveConfiguration, Reloaded
from tests.support.scanners_file import (
    ENVIRON,
    a_configuration,
    a_credential,
    a_pool,
    a_scanner,
    of_client,
    of_credential,
    of_pool,
    of_scanner,
    written,
)

TWO = {"internal": a_pool(), "dmz": a_pool(scanners=[a_scanner(url="https://b")])}


def changes(folder: Path, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    live = LiveConfiguration(written(folder, before), ENVIRON)
    written(folder, after)
    outcome = live.reload()
    assert isinstance(outcome, Reloaded)
    return list(outcome.changes)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (a_configuration(), a_configuration(), []),
        (
            a_configuration(),
            a_configuration(pools=TWO, default_pool="internal"),
            ["pool dmz added", "scanner dmz.scanner1 added"],
        ),
        (
            a_configuration(pools=TWO, default_pool="dmz"),
            a_configuration(),
            ["default_pool: dmz -> internal", "pool dmz removed", "scanner dmz.scanner1 removed"],
        ),
        (
            of_scanner(),
            of_scanner(instance_id="scanner2"),
            ["scanner internal.scanner1 removed", "scanner internal.scanner2 added"],
        ),
        (
            of_scanner(),
            of_scanner(max_concurrent_scans=5, enabled=False),
            [
                "scanner internal.scanner1: enabled true -> false",
                "scanner internal.scanner1: max_concurrent_scans 2 -> 5",
            ],
        ),
        (of_scanner(), of_scanner(url="https://other"), ["scanner internal.scanner1: url changed"]),
        (of_pool(), of_pool(allow=["10.0.0.0/8"]), ["pool internal: allow changed"]),
        (a_configuration(), of_credential(), ["credential linux added"]),
        (of_credential(), a_configuration(), ["credential linux removed"]),
        (of_credential(), of_credential(username="root"), ["credential linux: username changed"]),
        (of_credential(), of_client(), ["client agent (internal) added"]),
        (of_client(), of_client(networks=[]), ["client agent (internal): networks changed"]),
        (a_configuration(), a_configuration(protected=["10.0.0.5"]), ["protected changed"]),
    ],
)
def test_every_change_is_told_in_words(
    tmp_path: Path, before: dict[str, Any], after: dict[str, Any], told: list[str]
) -> None:
    assert changes(tmp_path, before, after) == told


def test_a_credential_of_another_kind_is_a_changed_one(tmp_path: Path) -> None:
    windows = a_credential(kind="windows", domain="CORP")
    told = changes(tmp_path, of_credential(), a_configuration(credentials=[windows]))
    assert "credential linux: kind changed" in told
    assert "credential linux: domain changed" in told


def test_a_secret_that_changed_is_told_without_its_value(tmp_path: Path) -> None:
    told = changes(tmp_path, of_scanner(secret_key="old-s3cret"), of_scanner(secret_key="new-s3cret"))
    assert told == ["scanner internal.scanner1: secret_key changed"]
