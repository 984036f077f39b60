"""Where the configuration file is found, and the one that is written for a start."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scanpool.runtime.configuration import (
    TEMPLATE,
    ConfigurationError,
    check,
    find,
    load,
)
from tests.support.scanners_file import (
    written,
)


def test_the_template_loads_with_its_variables_set(tmp_path: Path) -> None:
    environ = {"NESSUS1_ACCESS_KEY": "a", "NESSUS1_SECRET_KEY": "s"}
    path = written(tmp_path, TEMPLATE)
    assert check(path, environ) == []
    assert load(path, environ).default_pool == "internal"


def test_every_commented_line_of_the_template_that_is_a_key_loads_too(tmp_path: Path) -> None:
    keys = "exclude:|templates:|name:|credentials:|clients:|protected:"
    examples = rf"( *)# ({keys}|  - \{{target|tls: \{{ca|  - id|  - subject|    [a-z])"
    text = re.sub(rf"^{examples}", r"\1\2", TEMPLATE, flags=re.MULTILINE)
    environ = {"NESSUS1_ACCESS_KEY": "a", "NESSUS1_SECRET_KEY": "s"}
    configuration = load(written(tmp_path, text), environ)
    assert configuration.pools["internal"].exclude[0].target == "10.9.0.0/16"
    assert configuration.pools["internal"].templates.untrusted == "basic"
    assert configuration.credentials[0].id == "linux-audit"
    assert configuration.clients[1].confirm_above_hosts == 64
    assert configuration.protected == ("nats.corp.example", "10.0.0.5")


def test_a_named_file_is_taken_whether_it_is_there_or_not(tmp_path: Path) -> None:
    assert find(Path("x.yaml"), {"SCANPOOL_CONFIG": "/y.yaml"}, tmp_path) == tmp_path / "x.yaml"
    assert find(None, {"SCANPOOL_CONFIG": "/y.yaml"}, tmp_path) == Path("/y.yaml")


def test_without_a_name_the_working_folder_comes_before_the_user_s_own(tmp_path: Path) -> None:
    personal = tmp_path / "config" / "scanpool" / "scanners.yaml"
    personal.parent.mkdir(parents=True)
    personal.touch()
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "HOME": "/nowhere"}
    assert find(None, environ, tmp_path) == personal
    (tmp_path / "scanners.yaml").touch()
    assert find(None, environ, tmp_path) == tmp_path / "scanners.yaml"


def test_the_user_s_own_file_is_below_home_by_default(tmp_path: Path) -> None:
    personal = tmp_path / ".config" / "scanpool" / "scanners.yaml"
    personal.parent.mkdir(parents=True)
    personal.touch()
    assert find(None, {"HOME": str(tmp_path)}, tmp_path / "elsewhere") == personal


def test_where_no_file_is_the_error_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no configuration in .*scanpool init") as raised:
        find(None, {"HOME": "/nowhere"}, tmp_path)
    assert str(tmp_path) in str(raised.value)
