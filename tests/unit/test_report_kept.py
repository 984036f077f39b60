"""What is kept of the hosts of a report: all that was said, in few bytes, up to a limit."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations
from random import Random

import pytest

from scanpool.report.errors import LimitExceeded
from scanpool.report.facts import Evidence, HostFacts
from scanpool.report.kept import KeptHosts
from scanpool.report.limits import Limits
from scanpool.report.plugins import Plugin
from scanpool.report.scan_info import Answer
from scanpool.report.validate import validate
from tests.support.reports import host, item, report, scan_info

FULL = Evidence(
    answers=frozenset({Answer(yes=True, method="ssh"), Answer(yes=False)}),
    has_scan_info=True,
    credentialed_tags=frozenset({True}),
    local_check_protocols=frozenset({"ssh"}),
    login_tags=frozenset({"ssh", "smb"}),
    plugins=frozenset(Plugin),
    login_ok=frozenset({Plugin.VALID_CREDENTIALS}),
    patch_protocols=frozenset({"ssh", "local"}),
    quotes=("no", "𝄞 never"),
    is_finished=True,
)


def failed(number: int) -> Evidence:
    """The evidence of a host whose login failed, in words that are its own."""
    quote = f"Failed to authenticate to host {number} on port 22, as the server said no"
    return Evidence(plugins=frozenset({Plugin.LOGIN_FAILED}), quotes=(quote,), has_items=True)


def held_bytes(evidence: Iterable[Evidence], name: str = "10.0.{}") -> float:
    """Of memory, for each host with such evidence."""
    kept, hosts = KeptHosts(Limits()), 0
    tracemalloc.start()
    try:
        for hosts, each in enumerate(evidence, 1):
            kept.add((name.format(hosts), name.format(hosts)), each)
        return tracemalloc.get_traced_memory()[1] / hosts
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "key", [("a", "a"), ("a", ""), ("", "a"), ("", ""), ("a", "10.0.0.1"), ("a 𝄞", "b ü"), ("https://a/?b=c", "::1")]
)
@pytest.mark.parametrize("evidence", [Evidence(), FULL, failed(1)])
def test_a_host_is_given_back_as_it_was(key: tuple[str, str], evidence: Evidence) -> None:
    kept = KeptHosts(Limits())
    kept.add(key, evidence)
    assert list(kept) == [HostFacts(*key, evidence)]


def test_hosts_stay_in_the_order_in_which_they_first_came_with_what_was_said_of_them_together() -> None:
    kept = KeptHosts(Limits())
    for name, evidence in (("a", failed(1)), ("b", Evidence()), ("a", failed(2))):
        kept.add((name, name), evidence)
    first, second = kept
    assert (first.name, first.evidence) == ("a", failed(1).merged(failed(2)))
    assert (second.name, second.evidence.is_repeated) == ("b", False)


def test_a_host_whose_failure_is_in_words_of_its_own_takes_some_hundred_bytes() -> None:
    assert held_bytes(failed(number) for number in range(10_000)) < 400


def test_a_quotation_takes_its_bytes_and_not_four_for_each_character() -> None:
    quotes = ("𝄞" + "y" * 158, "𝄞" + "z" * 158)
    evidence = (Evidence(quotes=(f"{number}{quotes[0]}", quotes[1])) for number in range(5_000))
    assert held_bytes(evidence) < 700


def test_evidence_that_is_of_its_own_without_a_quotation_takes_no_more() -> None:
    subsets = (frozenset(each) for size in range(4, 7) for each in combinations(Plugin, size))
    assert held_bytes(Evidence(plugins=each, login_ok=each) for each in subsets) < 400


def test_hosts_that_are_alike_take_their_names_only() -> None:
    assert held_bytes(FULL for _ in range(10_000)) < 200


def test_long_names_take_their_bytes() -> None:
    assert held_bytes((FULL for _ in range(5_000)), name="𝄞" + "a" * 240 + "{}") < 500


def test_more_than_may_be_kept_is_a_limit_that_is_exceeded() -> None:
    kept = KeptHosts(replace(Limits(), evidence_bytes=200))
    kept.add(("a", "a"), failed(1))
    kept.add(("b", "b"), failed(2))
    with pytest.raises(LimitExceeded) as caught:
        kept.add(("c", "c"), failed(3))
    assert caught.value.which == "evidence_bytes"


def test_what_says_nothing_new_does_not_count() -> None:
    kept = KeptHosts(replace(Limits(), evidence_bytes=250_000))
    for _ in range(5):
        for number in range(1_100):
            kept.add((str(number), ""), failed(number))
    assert len(list(kept)) == 1_100


def test_what_was_heard_in_another_order_counts_once() -> None:
    kept, shuffled = KeptHosts(replace(Limits(), evidence_bytes=500)), Random(1).sample
    for number in range(100):
        kept.add((str(number), ""), Evidence(plugins=frozenset(shuffled(list(Plugin), len(Plugin)))))
    assert len(list(kept)) == 100


def test_a_report_that_says_too_much_of_its_hosts_is_refused() -> None:
    said = [host(f"10.0.0.{number}", scan_info("no"), item(104410, f"Message : {number}")) for number in range(200)]
    result = validate([report(*said)], limits=replace(Limits(), evidence_bytes=4_000))
    assert result.error is not None
    assert result.error.message.startswith("limit evidence_bytes exceeded: more than 4,000 bytes")
    assert validate([report(*said)]).error is None
