"""With which configurations a process starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from scanpool.cli.running.starting import starting_configuration
from scanpool.runtime.configuration import ConfigurationError
from tests.support.scanners_file import ENVIRON, a_configuration, a_pool, a_scanner, of_scanner, written


def test_a_warning_is_logged_and_keeps_nobody_from_starting(tmp_path: Path) -> None:
    path = written(tmp_path, of_scanner(access_key="plain", tls={"verify": False}))
    with capture_logs() as logs:
        live = starting_configuration(path, ENVIRON, ())
    assert list(live.current.pools) == ["internal"]
    assert {each["log_level"] for each in logs} == {"warning"}
    assert ["access_key" in each["problem"] for each in logs] == [True, False]
    assert "is not verified" in logs[1]["problem"]


def test_a_good_configuration_is_nothing_to_talk_of(tmp_path: Path) -> None:
    with capture_logs() as logs:
        starting_configuration(written(tmp_path, a_configuration()), ENVIRON, ())
    assert logs == []


def test_beside_a_secret_out_of_reach_a_warning_is_no_error(tmp_path: Path) -> None:
    path = written(tmp_path, of_scanner(access_key="plain", secret_key={"env": "UNSET"}))
    with pytest.raises(ConfigurationError) as caught:
        starting_configuration(path, ENVIRON, ())
    assert [problem.path for problem in caught.value.problems] == ["pools.internal.scanners[0].secret_key"]


def test_only_the_secrets_of_the_pools_to_serve_need_to_be_in_reach(tmp_path: Path) -> None:
    other = a_pool(scanners=[a_scanner(url="https://b", secret_key={"env": "UNSET"})])
    path = written(tmp_path, a_configuration(pools={"internal": a_pool(), "dmz": other}))
    starting_configuration(path, ENVIRON, ("internal",))
    with pytest.raises(ConfigurationError, match="UNSET is not set"):
        starting_configuration(path, ENVIRON, ("dmz",))


def test_a_pool_to_serve_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    path = written(tmp_path, a_configuration())
    with pytest.raises(ConfigurationError, match="there is no pool dmz to serve; name some of: internal"):
        starting_configuration(path, ENVIRON, ("internal", "dmz"))
