"""Heads of requests that can be read in two ways are refused, and no others."""

from __future__ import annotations

import pytest

from scanpool.bridge.serving.heads import is_authority, refusal


@pytest.mark.parametrize(
    "text", ["localhost", "localhost:1", "127.0.0.1:65535", "[::1]", "[::1]:8765", "a-b.example:80"]
)
def test_a_host_may_have_a_port(text: str) -> None:
    assert is_authority(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":80",
        "localhost:",
        "localhost:evil",
        "localhost:80:80",
        "localhost:0",
        "localhost:65536",
        "localhost:000080",
        "user@localhost",
        "localhost/x",
        "localhost 80",
        "[::1",
        "::1",
        "[::1]x",
        "[evil]:80",
        "localhost:8\n",
    ],
)
def test_what_has_no_form_of_a_host_is_none(text: str) -> None:
    assert not is_authority(text)


@pytest.mark.parametrize("name", ["authorization", "host", "origin"])
def test_what_may_stand_once_does_not_stand_twice(name: str) -> None:
    header = (name.encode(), b"http://localhost" if name == "origin" else b"localhost")
    assert refusal([(b"accept", b"a"), (b"accept", b"b"), header]) is None
    found = refusal([header, (b"accept", b"a"), header])
    assert found is not None
    assert found.status_code == 400


@pytest.mark.parametrize("origin", ["null", "", "vscode-webview://1a2b", "https://console.corp.example"])
def test_origins_that_name_no_port_are_left_to_the_list_of_those_allowed(origin: str) -> None:
    assert refusal([(b"origin", origin.encode())]) is None


def test_who_names_no_host_at_all_is_left_to_what_it_asks_for() -> None:
    """As balancers do that look at `/health`."""
    assert refusal([]) is None
