"""How NATS differs from the definitions, in words."""

from __future__ import annotations

from typing import Any

import pytest

from scanpool.runtime.topology.difference import Difference, difference
from scanpool.runtime.topology.streams import DAY_NS, SECOND_NS


def a_source(pool: str, *states: str, **changes: Any) -> dict[str, Any]:
    """What a stream for subscribers takes from a pool."""
    transforms = [
        {"src": f"scan.{pool}.{state}.*", "dest": f"scan.{pool}.{state}.{{{{wildcard(1)}}}}"} for state in states
    ]
    return {"name": f"KV_pool-{pool}", "subject_transforms": transforms, **changes}


def told(found: dict[str, Any], wanted: dict[str, Any]) -> tuple[str, ...]:
    compared = difference("stream", "S", found, wanted)
    return compared.fields if compared else ()


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([a_source("lab", "failed", "dead")], ()),
        ([a_source("lab", "failed", "dead"), a_source("other", "dead")], ()),
        (None, ("sources: + KV_pool-lab (scan.lab.failed.*, scan.lab.dead.*)",)),
        ([a_source("other", "dead")], ("sources: + KV_pool-lab (scan.lab.failed.*, scan.lab.dead.*)",)),
        (
            [a_source("lab", "dead")],
            ("sources: KV_pool-lab (scan.lab.dead.*) -> (scan.lab.failed.*, scan.lab.dead.*)",),
        ),
        (
            [{"name": "KV_pool-lab", "filter_subject": "scan.lab.>"}],
            ("sources: KV_pool-lab (scan.lab.>) -> (scan.lab.failed.*, scan.lab.dead.*)",),
        ),
        (
            [{"name": "KV_pool-lab"}],
            ("sources: KV_pool-lab (all subjects) -> (scan.lab.failed.*, scan.lab.dead.*)",),
        ),
        (
            [a_source("lab", subject_transforms=[{"src": "scan.lab.dead.*", "dest": "gone.{{wildcard(1)}}"}])],
            ("sources: KV_pool-lab (scan.lab.dead.* as gone.{{wildcard(1)}}) -> (scan.lab.failed.*, scan.lab.dead.*)",),
        ),
    ],
)
def test_a_source_is_told_by_its_name_and_what_is_taken_from_it(found: Any, words: tuple[str, ...]) -> None:
    assert told({"sources": found} if found else {}, {"sources": [a_source("lab", "failed", "dead")]}) == words


@pytest.mark.parametrize(
    ("found", "wanted", "words"),
    [
        ({"max_age": 5 * DAY_NS}, {"max_age": 30 * DAY_NS}, "max_age: 5 d -> 30 d"),
        ({"ack_wait": SECOND_NS // 2}, {"ack_wait": 30 * SECOND_NS}, "ack_wait: 0.5 s -> 30 s"),
        ({}, {"allow_atomic": True}, "allow_atomic: none -> true"),
        ({"subjects": ["a.>"]}, {"subjects": ["a.>", "b.*"]}, "subjects: a.> -> a.>, b.*"),
        ({"description": "by hand"}, {"description": "defined"}, "description: 'by hand' -> 'defined'"),
        ({"metadata": {"_nats": "2"}}, {"metadata": {"owner": "us"}}, "metadata: owner: none -> 'us'"),
    ],
)
def test_a_setting_is_told_as_found_and_as_wanted(found: dict[str, Any], wanted: dict[str, Any], words: str) -> None:
    assert told(found, wanted) == (words,)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ({}, {"allow_direct": False}),
        ({}, {"sources": []}),
        ({"metadata": {"owner": "us", "_nats": "2"}}, {"metadata": {"owner": "us"}}),
        ({"max_bytes": 7}, {}),
    ],
)
def test_what_the_server_leaves_out_or_an_operator_added_is_no_difference(
    found: dict[str, Any], wanted: dict[str, Any]
) -> None:
    assert told(found, wanted) == ()


def test_what_was_made_is_not_called_missing_any_more() -> None:
    made = Difference(kind="stream", name="S", missing=True)
    mended = Difference(kind="consumer", name="S/c", missing=False, fields=("ack_wait: 1 s -> 30 s",))
    assert (str(made), made.corrected) == ("stream S is missing", "created stream S")
    assert str(mended) == "consumer S/c differs: ack_wait: 1 s -> 30 s"
    assert mended.corrected == "corrected consumer S/c: ack_wait: 1 s -> 30 s"
