"""Secrets: read at use, shown nowhere."""

from __future__ import annotations

import copy
import os
import pickle
from pathlib import Path

import msgspec
import pytest

from scanpool.runtime.configuration import Origin, Secret, SecretUnavailable

VALUE = "s3cr3t-value"


def a_file(folder: Path, text: str = VALUE, mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_text(text)
    path.chmod(mode)
    return path


def every_origin(folder: Path) -> list[Secret]:
    return [
        Secret(Origin.LITERAL, VALUE),
        Secret(Origin.INTERPOLATED, VALUE),
        Secret(Origin.ENVIRONMENT, "NAME", {"NAME": VALUE}),
        Secret(Origin.FILE, str(a_file(folder))),
    ]


def test_a_secret_of_any_origin_reveals_its_value(tmp_path: Path) -> None:
    assert [secret.reveal() for secret in every_origin(tmp_path)] == [VALUE] * 4


def test_no_text_of_a_secret_shows_its_value(tmp_path: Path) -> None:
    for secret in every_origin(tmp_path):
        texts = (repr(secret), str(secret), f"{secret}", f"{secret!a}", repr([secret]), repr({"k": secret}))
        assert not any(VALUE in text for text in texts)


def test_no_encoder_takes_a_secret(tmp_path: Path) -> None:
    for secret in every_origin(tmp_path):
        for encode in (msgspec.json.encode, msgspec.msgpack.encode, msgspec.yaml.encode, msgspec.to_builtins):
            with pytest.raises((TypeError, NotImplementedError)):
                encode([secret])


def test_a_secret_is_not_pickled_or_copied(tmp_path: Path) -> None:
    for secret in every_origin(tmp_path):
        for duplicate in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="not to be copied"):
                duplicate(secret)


def test_a_secret_says_where_it_is_kept_unless_it_is_kept_here(tmp_path: Path) -> None:
    assert [secret.source for secret in every_origin(tmp_path)] == [
        None,
        None,
        {"env": "NAME"},
        {"file": str(tmp_path / "secret")},
    ]


def test_a_file_is_read_at_each_use(tmp_path: Path) -> None:
    path = a_file(tmp_path, "old")
    secret = Secret(Origin.FILE, str(path))
    assert secret.reveal() == "old"
    path.write_text("new")
    assert secret.reveal() == "new"


def test_a_variable_is_read_at_each_use() -> None:
    environ = {"NAME": "old"}
    secret = Secret(Origin.ENVIRONMENT, "NAME", environ)
    environ["NAME"] = "new"
    assert secret.reveal() == "new"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("password\n", "password"),
        ("password\r\n", "password"),
        (" pass word ", " pass word "),
        ("-----BEGIN\nabc\n-----END\n", "-----BEGIN\nabc\n-----END\n"),
    ],
)
def test_one_line_loses_its_newline_and_several_lines_stay_as_they_are(tmp_path: Path, text: str, value: str) -> None:
    assert Secret(Origin.FILE, str(a_file(tmp_path, text))).reveal() == value


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610])
def test_a_file_open_to_others_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = a_file(tmp_path, mode=mode)
    with pytest.raises(SecretUnavailable, match=rf"open to others \(mode {mode:04o}\); chmod 600 {path}"):
        Secret(Origin.FILE, str(path)).reveal()


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_of_the_owner_alone_is_read(tmp_path: Path, mode: int) -> None:
    assert Secret(Origin.FILE, str(a_file(tmp_path, mode=mode))).reveal() == VALUE


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SecretUnavailable, match=r"absent: No such file"):
        Secret(Origin.FILE, str(tmp_path / "absent")).reveal()


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(SecretUnavailable, match="not a regular file"):
        Secret(Origin.FILE, str(tmp_path / "pipe")).reveal()


@pytest.mark.parametrize("text", ["", "\n"])
def test_an_empty_file_is_no_secret(tmp_path: Path, text: str) -> None:
    with pytest.raises(SecretUnavailable, match="the secret is empty"):
        Secret(Origin.FILE, str(a_file(tmp_path, text))).reveal()


def test_a_huge_file_is_no_secret(tmp_path: Path) -> None:
    with pytest.raises(SecretUnavailable, match="larger than"):
        Secret(Origin.FILE, str(a_file(tmp_path, "x" * 100_000))).reveal()


def test_a_file_of_bytes_is_no_secret_and_is_not_repeated(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    path.write_bytes(b"s3cr3t\xff")
    with pytest.raises(SecretUnavailable, match="not text in UTF-8") as raised:
        Secret(Origin.FILE, str(path)).reveal()
    assert "s3cr3t" not in str(raised.value)


def test_an_unset_variable_is_named() -> None:
    with pytest.raises(SecretUnavailable, match="variable NAME is not set"):
        Secret(Origin.ENVIRONMENT, "NAME", {}).reveal()


def test_secrets_are_equal_by_where_their_value_comes_from() -> None:
    assert Secret(Origin.LITERAL, "a") == Secret(Origin.LITERAL, "a")
    assert Secret(Origin.LITERAL, "a") != Secret(Origin.LITERAL, "b")
    assert Secret(Origin.ENVIRONMENT, "A", {"A": "x"}) != Secret(Origin.ENVIRONMENT, "B", {"B": "x"})
