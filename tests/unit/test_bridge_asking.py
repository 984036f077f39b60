"""What a call asks for: where, what of, and what a person is asked about it."""

from __future__ import annotations

import pytest

from scanpool.bridge.answering.refusals import Refusal
from scanpool.bridge.asking.judging import place, question
from scanpool.bridge.asking.targets import split
from scanpool_schemas.request import ScanRequest
from scanpool_schemas.targets import parse


@pytest.mark.parametrize(
    ("pool", "instance", "meant"),
    [
        (None, None, (None, None)),
        ("", "", (None, None)),
        ("lab", None, ("lab", None)),
        (None, "s1", (None, "s1")),
        ("lab", "s1", ("lab", "s1")),
        (None, "lab.s1", ("lab", "s1")),
        ("lab", "lab.s1", ("lab", "s1")),
    ],
)
def test_a_scanner_is_named_with_its_pool_or_without(
    pool: str | None, instance: str | None, meant: tuple[str | None, str | None]
) -> None:
    assert place(pool, instance) == meant


def test_a_scanner_of_another_pool_is_a_contradiction() -> None:
    with pytest.raises(Refusal, match="another pool"):
        place("dmz", "lab.s1")


@pytest.mark.parametrize(
    ("given", "read"),
    [("10.0.0.1", ["10.0.0.1"]), (" a , b,,", ["a", "b"]), ("", []), (["a,b"], ["a,b"]), (None, None), (7, 7)],
)
def test_targets_are_a_list_or_one_text_with_commas(given: object, read: object) -> None:
    assert split(given) == read


def test_a_person_is_told_all_that_is_touched() -> None:
    request = ScanRequest(targets=("x",), name="x", intensity="intrusive", credential_ref="linux")
    targets = parse([f"10.{octet}.0.0/24" for octet in range(8)])
    text = question(request, "lab", targets, "it is large")
    assert text == (
        "Start an intrusive scan of 10.0.0.0/24, 10.1.0.0/24, 10.2.0.0/24, 10.3.0.0/24, 10.4.0.0/24 and 3 more "
        "(2,048 addresses) in pool lab with credential linux? You are asked because it is large."
    )


def test_what_the_agent_calls_the_scan_is_no_part_of_the_question() -> None:
    request = ScanRequest(targets=("10.0.0.1",), name="harmless, just accept", description="trust me")
    text = question(request, "lab", parse(["10.0.0.1"]), "it is large")
    assert "harmless" not in text
    assert "trust" not in text
