"""Settings out of the environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from scanpool.runtime.backoff import Backoff
from scanpool.runtime.connection import NatsAddress
from scanpool.runtime.environ import SettingInvalid
from scanpool.runtime.environ_settings import from_environ, pool_names
from scanpool.runtime.settings import (
    LaunchSettings,
    PollSettings,
    ReportSettings,
    RetentionSettings,
    Settings,
    SpaceSettings,
)
from scanpool_schemas.names import InvalidName

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "settings.md"
ROW = re.compile(r"^\| `(SCANPOOL_[A-Z_]+)` \| ([^|]+) \|", re.MULTILINE)


class Recorder(Mapping[str, str]):
    """An empty environment that remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def test_an_empty_environment_gives_the_defaults() -> None:
    assert from_environ({}) == Settings()


@pytest.mark.parametrize("variable", sorted({match[1] for match in ROW.finditer(PAGE.read_text())}))
def test_an_empty_variable_is_as_none_at_all(variable: str) -> None:
    assert from_environ({variable: ""}) == Settings()


@pytest.mark.parametrize(
    ("variable", "value", "changes"),
    [
        ("SCANPOOL_NATS_URL", "nats://a:1,nats://b:2", {"nats": NatsAddress(url="nats://a:1,nats://b:2")}),
        ("SCANPOOL_POOLS", " dmz , lab,", {"pools": ("dmz", "lab")}),
        ("SCANPOOL_DEPLOYMENT", "east.1", {"deployment": "east.1"}),
        ("SCANPOOL_HTTP_HOST", "::1", {"http_host": "::1"}),
        ("SCANPOOL_HTTP_PORT", "9090", {"http_port": 9090}),
        ("SCANPOOL_SHUTDOWN_S", "12.5", {"grace": timedelta(seconds=12.5)}),
        ("SCANPOOL_SCANNER_TIMEOUT_S", "5", {"scanner_timeout": timedelta(seconds=5)}),
        ("SCANPOOL_READINESS_EVERY_S", "5", {"readiness_every": timedelta(seconds=5)}),
        ("SCANPOOL_VALIDATIONS", "7", {"validations_at_once": 7}),
        ("SCANPOOL_EXPORTS", "7", {"exports_at_once": 7}),
        ("SCANPOOL_MAX_DURATION_S", "3600", {"max_duration": timedelta(hours=1)}),
        ("SCANPOOL_MAX_REPORT_BYTES", "4096", {"max_report_bytes": 4096}),
        ("SCANPOOL_REPORT_DEPTH", "64", {"report": ReportSettings(depth=64)}),
        ("SCANPOOL_REPORT_HOST_BYTES", "2097152", {"report": ReportSettings(host_bytes=2 * 1024**2)}),
        ("SCANPOOL_EXPORT_READY_S", "60", {"export_ready": timedelta(seconds=60)}),
        ("SCANPOOL_LEASE_S", "90", {"launch": LaunchSettings(lease=timedelta(seconds=90))}),
        ("SCANPOOL_REQUEST_BOUND_S", "45", {"launch": LaunchSettings(request_bound=timedelta(seconds=45))}),
        ("SCANPOOL_GAUGES_EVERY_S", "30", {"gauges_every": timedelta(seconds=30)}),
        ("SCANPOOL_POLL_SHORTEST_S", "1", {"poll": PollSettings(shortest=timedelta(seconds=1))}),
        ("SCANPOOL_POLL_LONGEST_S", "90", {"poll": PollSettings(longest=timedelta(seconds=90))}),
        ("SCANPOOL_POLL_UNREACHABLE_S", "9", {"poll": PollSettings(unreachable=timedelta(seconds=9))}),
        ("SCANPOOL_KEEP_COMPLETED_S", "60", {"retention": RetentionSettings(completed=timedelta(minutes=1))}),
        ("SCANPOOL_KEEP_FAILED_S", "60", {"retention": RetentionSettings(failed=timedelta(minutes=1))}),
        ("SCANPOOL_KEEP_DEAD_S", "60", {"retention": RetentionSettings(dead=timedelta(minutes=1))}),
        ("SCANPOOL_SPACE_STOP_PERCENT", "3", {"space": SpaceSettings(stop_percent=3)}),
        ("SCANPOOL_SPACE_RESUME_PERCENT", "10", {"space": SpaceSettings(resume_percent=10)}),
        ("SCANPOOL_SPACE_STOP_MIB", "10", {"space": SpaceSettings(stop_bytes=10 * 2**20)}),
        ("SCANPOOL_BACKOFF_FIRST_S", "1", {"backoff": Backoff(first=timedelta(seconds=1))}),
        ("SCANPOOL_BACKOFF_CAP_S", "10", {"backoff": Backoff(cap=timedelta(seconds=10))}),
        ("SCANPOOL_HEALTH_EVERY_S", "2.5", {"health_every": timedelta(seconds=2.5)}),
        ("SCANPOOL_HEALTH_LAG_S", "60", {"health_lag": timedelta(minutes=1)}),
        ("SCANPOOL_ATTEMPTS", "9", {"backoff": Backoff(attempts=9)}),
    ],
)
def test_a_variable_sets_its_setting_and_no_other(variable: str, value: str, changes: dict[str, Any]) -> None:
    assert from_environ({variable: value}) == replace(Settings(), **changes)


def test_credentials_and_work_folder_are_paths_that_exist(tmp_path: Path) -> None:
    (tmp_path / "user.creds").touch()
    environ = {"SCANPOOL_NATS_CREDS": str(tmp_path / "user.creds"), "SCANPOOL_WORK_DIR": str(tmp_path)}
    settings = from_environ(environ)
    assert (settings.nats.credentials, settings.work_dir) == (tmp_path / "user.creds", tmp_path)


@pytest.mark.parametrize(
    ("environ", "remedy"),
    [
        ({"SCANPOOL_NATS_URL": "http://nats:4222"}, "nats://HOST:PORT"),
        ({"SCANPOOL_NATS_URL": ","}, "nats://HOST:PORT"),
        ({"SCANPOOL_NATS_CREDS": "/no/such/file"}, "an existing file"),
        ({"SCANPOOL_NATS_CA": "/no/such/file"}, "an existing file of certificates"),
        ({"SCANPOOL_NATS_INBOX": "_INBOX.>"}, "words of A-Z"),
        ({"SCANPOOL_WORK_DIR": "/no/such/folder"}, "an existing folder"),
        ({"SCANPOOL_POOLS": "lab,Not A Pool"}, "names of pools separated by commas"),
        ({"SCANPOOL_DEPLOYMENT": "a/b"}, "1 to 64 of"),
        ({"SCANPOOL_HTTP_PORT": "65536"}, "a whole number from 0 to 65535"),
        ({"SCANPOOL_HTTP_PORT": "-1"}, "a whole number from 0 to 65535"),
        ({"SCANPOOL_VALIDATIONS": "0"}, "a whole number from 1 to 64"),
        ({"SCANPOOL_EXPORTS": "2.5"}, "a whole number from 1 to 64"),
        ({"SCANPOOL_ATTEMPTS": "٣"}, "a whole number from 1 to 100"),
        ({"SCANPOOL_MAX_REPORT_BYTES": "1"}, "a whole number from 1024"),
        ({"SCANPOOL_SHUTDOWN_S": "soon"}, "takes seconds, as 30 or 0.5"),
        ({"SCANPOOL_LEASE_S": "0"}, "a positive number of seconds"),
        ({"SCANPOOL_KEEP_FAILED_S": "nan"}, "a positive number of seconds"),
        ({"SCANPOOL_SPACE_STOP_PERCENT": "7"}, "must be less than SCANPOOL_SPACE_RESUME_PERCENT, which is 7"),
        ({"SCANPOOL_KEEP_COMPLETED_S": "inf"}, "a positive number of seconds"),
        ({"SCANPOOL_SCANNER_TIMEOUT_S": "30"}, "must be less than SCANPOOL_REQUEST_BOUND_S, which is 30 s"),
        ({"SCANPOOL_SCANNER_TIMEOUT_S": "29", "SCANPOOL_LEASE_S": "20"}, "must be less than SCANPOOL_LEASE_S"),
        ({"SCANPOOL_GAUGES_EVERY_S": "31"}, "takes at most 30 seconds"),
        ({"SCANPOOL_POLL_SHORTEST_S": "61"}, "must be less than SCANPOOL_POLL_LONGEST_S, which is 60 s"),
    ],
)
def test_a_bad_value_is_an_error_that_names_variable_value_and_remedy(environ: dict[str, str], remedy: str) -> None:
    variable, value = next(iter(environ.items()))
    with pytest.raises(SettingInvalid) as caught:
        from_environ(environ)
    assert caught.value.variable == variable
    assert str(caught.value).startswith(f"{variable}=")
    assert remedy in str(caught.value)
    if variable != "SCANPOOL_NATS_URL":
        assert repr(value) in str(caught.value)


def test_a_user_signs_in_with_the_password_of_a_file_and_hears_answers_on_its_own(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    (tmp_path / "ca.pem").touch()
    told = {
        "SCANPOOL_NATS_USER": "poller",
        "SCANPOOL_NATS_PASSWORD_FILE": str(tmp_path / "password"),
        "SCANPOOL_NATS_CA": str(tmp_path / "ca.pem"),
    }
    nats = from_environ(told).nats
    assert (nats.user, nats.password, nats.ca, nats.inbox) == ("poller", "s3cret", tmp_path / "ca.pem", "_INBOX_poller")
    assert "s3cret" not in repr(nats)
    assert from_environ({**told, "SCANPOOL_NATS_INBOX": "_INBOX.of.mine"}).nats.inbox == "_INBOX.of.mine"


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines", b"\xff"])
def test_a_password_file_holds_one_line_and_is_not_shown(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "password").write_bytes(content)
    told = {"SCANPOOL_NATS_USER": "poller", "SCANPOOL_NATS_PASSWORD_FILE": str(tmp_path / "password")}
    with pytest.raises(SettingInvalid, match="the password alone") as caught:
        from_environ(told)
    assert caught.value.variable == "SCANPOOL_NATS_PASSWORD_FILE"
    assert "lines" not in str(caught.value)


def test_a_user_and_a_password_come_together(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret")
    with pytest.raises(SettingInvalid, match="takes SCANPOOL_NATS_PASSWORD_FILE beside it"):
        from_environ({"SCANPOOL_NATS_USER": "poller"})
    with pytest.raises(SettingInvalid, match="takes SCANPOOL_NATS_USER beside it"):
        from_environ({"SCANPOOL_NATS_PASSWORD_FILE": str(tmp_path / "password")})


def test_a_bad_url_is_refused_without_showing_its_password() -> None:
    with pytest.raises(SettingInvalid) as caught:
        from_environ({"SCANPOOL_NATS_URL": "nats://scanner:s3cr#t@nats:four"})
    assert "s3cr" not in str(caught.value)


def test_pools_that_are_none_are_refused() -> None:
    with pytest.raises(InvalidName, match="UPPER"):
        pool_names("UPPER")


@pytest.mark.usefixtures("checkout")
def test_the_reference_page_has_every_variable_that_the_code_reads() -> None:
    recorder = Recorder()
    from_environ(recorder)
    sources = [path.read_text() for path in (ROOT / "services").rglob("*.py")]
    mentioned = {name for text in sources for name in re.findall(r"SCANPOOL_[A-Z]+(?:_[A-Z]+)*", text)}
    assert {match[1] for match in ROW.finditer(PAGE.read_text())} == recorder.asked | mentioned


def test_the_reference_page_has_the_defaults_of_the_code() -> None:
    stated = {match[1]: match[2].strip().strip("`") for match in ROW.finditer(PAGE.read_text())}
    recorder = Recorder()
    from_environ(recorder)
    given = {name: value for name, value in stated.items() if name in recorder.asked and value != "none"}
    assert from_environ(given) == Settings()
    no_default = {
        "SCANPOOL_NATS_CREDS",
        "SCANPOOL_NATS_USER",
        "SCANPOOL_NATS_PASSWORD_FILE",
        "SCANPOOL_NATS_CA",
        "SCANPOOL_POOLS",
        "SCANPOOL_WORK_DIR",
    }
    assert set(recorder.asked) - set(given) == no_default
