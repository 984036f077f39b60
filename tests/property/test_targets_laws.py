"""What holds for every target, list of targets and exclusion."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from scanpool_schemas.targets import (
    RULE_LIMITS,
    AddressSet,
    InvalidTarget,
    Targets,
    parse,
    read_scope,
    subtract,
)
from scanpool_schemas.targets import intervals as algebra

V4_BASE = int(IPv4Address("10.0.0.0"))
V6_BASE = int(IPv6Address("2001:db8::"))

# Addresses close together, so that expressions meet, touch and contain one another.
near_v4 = st.integers(0, 600).map(lambda n: IPv4Address(V4_BASE + n))
near_v6 = st.integers(0, 600).map(lambda n: IPv6Address(V6_BASE + n))
labels = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
hostnames = st.lists(labels, min_size=1, max_size=3).map(".".join)
octet = st.tuples(st.integers(0, 3), st.integers(0, 3)).map(sorted)


def octet_text(bounds: list[int]) -> str:
    return f"{bounds[0]}-{bounds[1]}" if bounds[0] != bounds[1] else str(bounds[0])


addresses = st.one_of(near_v4.map(str), near_v6.map(str))
networks = st.one_of(
    st.tuples(near_v4, st.integers(24, 32)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    st.tuples(near_v4, st.integers(24, 32)).map(lambda pair: f"{pair[0]}/{ip_network((0, pair[1])).netmask}"),
    st.tuples(near_v6, st.integers(120, 128)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
)
ranges = st.one_of(
    st.tuples(near_v4, near_v4).map(lambda pair: f"{min(pair)}-{max(pair)}"),
    st.tuples(near_v6, near_v6).map(lambda pair: f"{min(pair)}-{max(pair)}"),
)
octets = st.tuples(st.just([10, 10]), st.just([0, 0]), octet, octet).map(lambda four: ".".join(map(octet_text, four)))
# A hostname stands alone or pinned, never both.
pinned = st.tuples(hostnames, addresses).map(lambda pair: f"{pair[0]}.pinned[{pair[1]}]")
numeric = st.one_of(addresses, networks, ranges, octets)
expressions = st.one_of(numeric, hostnames, pinned)
lists = st.lists(expressions, max_size=6)
sets = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)).map(lambda p: (p[0], p[0] + p[1])))


def members(addresses: AddressSet) -> set[IPv4Address | IPv6Address]:
    """The addresses one by one, which the code under test never does."""
    v4 = {IPv4Address(n) for first, last in addresses.v4 for n in range(first, last + 1)}
    v6 = {IPv6Address(n) for first, last in addresses.v6 for n in range(first, last + 1)}
    return v4 | v6


def expanded(text: str) -> set[IPv4Address | IPv6Address]:
    """What an expression means, worked out another way."""
    if "/" in text:
        return set(ip_network(text, strict=False))
    if "." in text and any("-" in part for part in text.split(".")) and text.count(".") == 3:
        spans = [range(int(p.split("-")[0]), int(p.split("-")[-1]) + 1) for p in text.split(".")]
        return {IPv4Address(".".join(map(str, each))) for each in product(*spans)}
    if "-" in text:
        first, last = map(ip_address, text.split("-"))
        return {type(first)(n) for n in range(int(first), int(last) + 1)}
    return {ip_address(text)}


@given(numeric)
def test_an_expression_means_what_it_says(text: str) -> None:
    assert members(parse([text]).addresses) == expanded(text)


@given(lists)
def test_normalising_twice_changes_nothing(texts: list[str]) -> None:
    once = parse(texts)
    assert parse(once.texts) == once


@given(lists)
def test_addresses_are_counted_once_however_often_they_are_named(texts: list[str]) -> None:
    targets = parse(texts + texts)
    assert targets.address_count == len(members(targets.addresses)) + len(targets.hostnames)
    assert targets == parse(texts)


@given(lists)
def test_the_texts_of_an_address_set_mean_that_set(texts: list[str]) -> None:
    addresses = parse(texts).addresses
    assert parse(addresses.texts).addresses == addresses


@given(lists, lists)
def test_subtracting_removes_exactly_what_is_excluded(texts: list[str], excluded: list[str]) -> None:
    targets, scope = parse(texts), read_scope(excluded)
    left = subtract(targets, scope)
    by_name = {item for item in targets.items if item.hostname and scope.names(item.hostname)}
    kept = Targets.of(item for item in targets.items if item not in by_name)
    assert members(left.addresses) == members(kept.addresses) - members(scope.addresses)
    assert set(left.hostnames) == {name for name in targets.hostnames if not scope.names(name)}
    assert not any(scope.touches(item) for item in left.items)
    assert parse(left.texts) == left


@given(lists)
def test_nothing_is_left_of_targets_without_themselves(texts: list[str]) -> None:
    assert subtract(parse(texts), read_scope(texts)).is_empty


@given(lists, lists)
def test_covers_and_overlaps_are_those_of_sets(some: list[str], others: list[str]) -> None:
    one, other = parse(some), parse(others)
    assert one.covers(other) == (members(one.addresses) >= members(other.addresses))
    assert one.overlaps(other) == bool(members(one.addresses) & members(other.addresses))


@given(sets, sets)
def test_the_interval_algebra_is_that_of_sets(left: list[tuple[int, int]], right: list[tuple[int, int]]) -> None:
    def as_set(intervals: algebra.Intervals) -> set[int]:
        return {n for first, last in intervals for n in range(first, last + 1)}

    one, other = algebra.merged(left), algebra.merged(right)
    assert as_set(one) == as_set(tuple(left))
    assert as_set(algebra.intersection(one, other)) == as_set(one) & as_set(other)
    assert as_set(algebra.difference(one, other)) == as_set(one) - as_set(other)
    assert algebra.size(one) == len(as_set(one))
    for result in (one, algebra.intersection(one, other), algebra.difference(one, other)):
        assert algebra.merged(result) == result


lookalikes = st.text(alphabet="0123456789abxfABX.:-/*[]%@,; \n_\x00é", max_size=40)


def reason_against(read: Callable[[], object]) -> InvalidTarget | None:
    try:
        read()
    except InvalidTarget as error:
        return error
    return None


@given(st.one_of(st.text(), lookalikes, st.text(alphabet="0123456789.-*/:", max_size=30)))
def test_any_text_is_a_target_or_refused_with_a_reason(text: str) -> None:
    refused = reason_against(lambda: parse([text], RULE_LIMITS))
    if refused is None:
        targets = parse([text], RULE_LIMITS)
        assert parse(targets.texts, RULE_LIMITS) == targets
    else:
        assert refused.problem
        assert refused.remedy
        assert str(refused).isascii()


@given(st.one_of(st.text(), lookalikes))
def test_any_text_is_a_rule_or_refused_with_a_reason(text: str) -> None:
    refused = reason_against(lambda: read_scope([text]))
    assert refused is None or refused.remedy


@given(st.integers(0, 2**128 - 1), st.integers(108, 128))
def test_any_ipv6_network_is_read_as_the_standard_library_reads_it(number: int, length: int) -> None:
    network = IPv6Network((number, length), strict=False)
    targets = parse([f"{IPv6Address(number)}/{length}"])
    assert targets.address_count == network.num_addresses
    assert targets.addresses.v6 == ((int(network[0]), int(network[-1])),)
