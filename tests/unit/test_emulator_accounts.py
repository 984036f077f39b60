"""Signing in to the emulator: keys, sessions, lock-out; and the files and credentials it is given."""

from base64 import b64encode
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from scanpool.emulator.accounts import Accounts
from scanpool.emulator.credentials import MASK, Change, Stored, changed
from scanpool.emulator.errors import ApiError
from scanpool.emulator.files import MAX_FILE_BYTES, Files, Lock
from scanpool.emulator.options import Options

KEYS = "accessKey=a; secretKey=s"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def accounts(clock: Clock, **more: Any) -> Accounts:
    options = Options(access_key="a", secret_key="s", username="u", password="p", **more)
    return Accounts(options, clock)


def refused(*args: Any) -> tuple[int, str]:
    call, *rest = args
    with pytest.raises(ApiError) as error:
        call(*rest)
    return error.value.status, error.value.text


@pytest.mark.parametrize("header", [KEYS, "accessKey=a;secretKey=s", "accesskey=a;secretkey=s;"])
def test_the_right_keys_are_accepted_however_they_are_spaced(header: str) -> None:
    accounts(Clock()).check(header, None)


@pytest.mark.parametrize("header", ["", "accessKey=a; secretKey=x", "accessKey=a", "a;s"])
def test_wrong_keys_are_refused_and_counted(header: str) -> None:
    users = accounts(Clock())
    assert refused(users.check, header, None) == (401, "Invalid Credentials")
    assert users.failures == 1


def test_keys_count_before_a_session() -> None:
    users = accounts(Clock())
    session = f"token={users.log_in('u', 'p')}"
    assert refused(users.check, "accessKey=x; secretKey=x", session)[0] == 401


def test_new_keys_void_the_old_ones() -> None:
    users = accounts(Clock())
    access, secret = users.renew_keys()
    users.check(f"accessKey={access}; secretKey={secret}", None)
    assert refused(users.check, KEYS, None)[0] == 401


def test_a_session_lives_as_long_as_it_is_used() -> None:
    clock = Clock()
    users = accounts(clock, session_idle_timeout=timedelta(seconds=10))
    cookie = f"token={users.log_in('u', 'p')}"
    for clock.now in (9.0, 18.0, 27.0):
        users.check(None, cookie)
    clock.now = 38.0
    assert refused(users.check, None, cookie) == (401, "You need to log in to perform this request")


def test_a_session_ends_with_logging_out() -> None:
    users = accounts(Clock())
    cookie = f"token={users.log_in('u', 'p')}"
    users.log_out(cookie)
    assert refused(users.log_out, cookie)[0] == 401


def test_five_failed_logins_lock_the_account_for_the_right_password_too() -> None:
    users = accounts(Clock())
    for _ in range(5):
        assert refused(users.log_in, "u", "wrong") == (401, "Invalid Credentials")
    assert refused(users.log_in, "u", "p") == (401, "Invalid Credentials")
    assert users.failures == 6


def test_a_right_login_forgives_the_failed_ones() -> None:
    users = accounts(Clock())
    for _ in range(3):
        for _ in range(4):
            refused(users.log_in, "u", "wrong")
        users.log_in("u", "p")


def test_lock_out_can_be_turned_off() -> None:
    users = accounts(Clock(), max_failed_logins=0)
    for _ in range(10):
        refused(users.log_in, "u", "wrong")
    users.log_in("u", "p")


@pytest.mark.parametrize("name", [None, "", 5])
def test_what_is_no_user_name_is_a_bad_request(name: object) -> None:
    assert refused(accounts(Clock()).log_in, name, "p")[0] == 400


def pem_key(form: serialization.PrivateFormat, passphrase: bytes | None = None) -> bytes:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase)
    key = ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(serialization.Encoding.PEM, form, encryption)


def openssh_key(head: bytes) -> bytes:
    armoured = b64encode(head + bytes(60))
    return b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + armoured + b"\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("key", "lock"),
    [
        (pem_key(serialization.PrivateFormat.PKCS8), Lock.NONE),
        (pem_key(serialization.PrivateFormat.PKCS8, b"secret"), Lock.PASSPHRASE),
        (pem_key(serialization.PrivateFormat.OpenSSH), Lock.NONE),
        (openssh_key(b"openssh-key-v1\0\0\0\0\x0aaes256-ctr"), Lock.PASSPHRASE),
        (openssh_key(b"something else"), None),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nA\n", None),
        (b"ssh-ed25519 AAAA", None),
    ],
    ids=["pem", "pem locked", "openssh", "openssh locked", "no openssh", "broken", "public"],
)
def test_an_uploaded_key_is_known_with_or_without_its_passphrase(key: bytes, lock: Lock | None) -> None:
    files = Files()
    name = files.upload("id", key)
    assert (name in files.private_keys(encrypted=True)) is (lock is Lock.PASSPHRASE)
    assert (name in files.private_keys(encrypted=False)) is (lock is Lock.NONE)


def test_files_of_the_same_name_do_not_replace_each_other() -> None:
    files = Files()
    assert len({files.upload("id", b"one"), files.upload("id", b"two"), files.upload("id", b"three")}) == 3


def test_a_file_that_is_too_large_is_refused() -> None:
    assert refused(Files().upload, "id", bytes(MAX_FILE_BYTES + 1))[0] == 413


OLD = (Stored(1, "Host", "SSH", {"username": "u", "password": "p"}), Stored(2, "Host", "Windows", {}))


def test_secrets_are_shown_masked() -> None:
    assert OLD[0].masked() == {"id": 1, "username": "u", "password": MASK}


def test_a_mask_that_comes_back_leaves_the_secret_as_it_was() -> None:
    change = Change(edit={"1": {"username": "other", "password": MASK}}, delete=[2])
    (edited,) = changed(OLD, change, count(3))
    assert edited.fields == {"username": "other", "password": "p"}


def test_added_credentials_get_numbers_of_their_own() -> None:
    change = Change(add={"Host": {"SSH": [{"username": "a"}, {"username": "b"}]}})
    assert [one.id for one in changed(OLD, change, count(3))] == [1, 2, 3, 4]
