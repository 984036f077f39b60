"""Where NATS is, shown without the credentials in it."""

from __future__ import annotations

import pytest

from scanpool.runtime.connection import NatsAddress


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("nats://127.0.0.1:4222", "nats://127.0.0.1:4222"),
        ("nats://user:pass@nats.example:4222", "nats://nats.example:4222"),
        ("user:pass@nats:4222", "nats:4222"),
        ("nats://t0ken@nats", "nats://nats"),
        ("tls://user:p@ss@nats:4222", "tls://nats:4222"),
        ("nats://user:p/ss@nats:4222", "nats://nats:4222"),
        ("nats://user:pass@[::1]:4222", "nats://[::1]:4222"),
        ("nats://a:pass@one:1, nats://b:pass@two:2", "nats://one:1,nats://two:2"),
    ],
)
def test_an_address_is_shown_without_its_credentials(url: str, shown: str) -> None:
    assert NatsAddress(url=url).shown == shown
    assert NatsAddress(url=url).is_valid


@pytest.mark.parametrize(
    "url", ["nats://user:pa,ss@nats:4222", "nats://user:pass", "user:pass", "http://x:pass@y", "", "pass:65536"]
)
def test_what_is_no_address_is_not_shown(url: str) -> None:
    assert "pass" not in NatsAddress(url=url).shown
    assert "pa" not in NatsAddress(url=url).shown
    assert not NatsAddress(url=url).is_valid


def test_the_servers_of_a_cluster_are_told_apart() -> None:
    assert NatsAddress(url=" nats://a:1 ,nats://b:2,").servers == ["nats://a:1", "nats://b:2"]
