"""Settings that can never work are refused, and secrets are never shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scanpool.scanners.nessus import ApiKeys, NessusScanner, NessusSettings, Tls, UserPassword

KEYS = ApiKeys(access_key="ACCESS-1", secret_key="SECRET-2")
PIN = "ab" * 32


def settings(url: str = "https://scanner.example:8834", tls: Tls | None = None) -> NessusSettings:
    return NessusSettings(scanner_instance="lab.a", url=url, sign_in=KEYS, tls=tls or Tls())


def test_no_secret_is_shown() -> None:
    shown = repr(settings()) + repr(UserPassword(username="u", password="PASSWORD-3"))
    assert not any(secret in shown for secret in ("ACCESS-1", "SECRET-2", "PASSWORD-3"))


@pytest.mark.parametrize(
    "url",
    [
        "https://scanner.example:8834",
        "https://10.0.0.1:8834/",
        "https://[::1]:8834",
        "http://localhost:1",
        "https://proxy.example/nessus1",
    ],
)
def test_an_address_of_a_scanner_is_accepted(url: str) -> None:
    assert settings(url).url == url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("scanner.example:8834", "https://"),
        ("ftp://scanner.example", "https://"),
        ("https://user:pw@scanner.example", "user or password"),
        ("https://", "host"),
        ("https://" + "a" * 70 + ".example", "host"),
        ("https://scanner.example:99999", "malformed"),
        ("https://[::1", "malformed"),
        ("https://[fe80::1%eth0]:8834", "host"),
        ("https://scanner..example", "host"),
        ("https://scanner.example?x=1", "query"),
        ("https://scanner.example/\r\nX: y", "malformed"),
        ("https://scanner.example/a b", "plain ASCII"),
    ],
)
def test_a_malformed_address_is_refused_with_the_scanner_named(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"lab\.a: url") as refusal:
        settings(url)
    assert said in str(refusal.value)


@pytest.mark.parametrize("text", [PIN, PIN.upper(), ":".join(["AB"] * 32), f"sha256:{PIN}"])
def test_a_fingerprint_is_read_in_the_forms_that_tools_print(text: str) -> None:
    assert Tls(fingerprint=text).fingerprint == PIN


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Tls(fingerprint="ab" * 20), "SHA-256"),
        (lambda: Tls(verify=False, ca_bundle=Path("ca.pem")), "drop one"),
        (lambda: settings("http://scanner.example", Tls(fingerprint=PIN)), "not https"),
        (lambda: ApiKeys(access_key="a", secret_key=""), "secret_key"),
        (lambda: ApiKeys(access_key="a\r\nX: y", secret_key="s"), "access_key"),
        (lambda: ApiKeys(access_key="ключ", secret_key="s"), "access_key"),
        (lambda: UserPassword(username="u", password=""), "empty"),
        (lambda: NessusScanner(settings(tls=Tls(ca_bundle=Path("/none/ca.pem")))), "/none/ca.pem"),
    ],
)
def test_what_can_never_work_is_refused_at_once(make: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()


def test_a_password_in_a_malformed_address_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="url") as refusal:
        settings("https://user:hunter2@x@scanner.example:hunter2")
    assert "hunter2" not in str(refusal.value)


def test_a_refused_key_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="secret_key") as refusal:
        ApiKeys(access_key="a", secret_key="my secret;key")
    assert "my secret" not in str(refusal.value)
