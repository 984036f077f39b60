"""Audit events: the token of a client in a subject, and the digest of arguments."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanpool.bridge.gate.audit import digest
from scanpool_schemas import subjects


def test_a_plain_subject_is_its_own_token() -> None:
    assert subjects.audit("agent-7", "cancel_scan") == "audit.agent-7.cancel_scan"


@pytest.mark.parametrize("client", ["", "a.b", "*", ">", "Agent", "https://issuer.example/7", "a" * 33, "ä", "\ud800"])
def test_any_other_subject_has_a_token_that_may_stand_in_a_subject(client: str) -> None:
    token = subjects.client_token(client)
    assert re.fullmatch("[a-z2-7]{52}", token)


@given(st.text(), st.text())
def test_no_two_subjects_share_a_token(one: str, other: str) -> None:
    assert (subjects.client_token(one) == subjects.client_token(other)) == (one == other)


def test_the_digest_does_not_depend_on_the_order_of_the_arguments() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})


def test_arguments_that_are_no_text_of_unicode_have_a_digest_too() -> None:
    assert re.fullmatch("[0-9a-f]{64}", digest({"name": "\ud800"}))
