"""No request that a client's policy allows reaches an address that the policy does not give."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from scanpool.coordination.client_policy import Allowed, Counts, Denied, asked, decide, judge_targets
from scanpool_schemas.keys import ClientRule, PoolRules
from scanpool_schemas.targets import AddressSet, InvalidTarget, parse, read_scope, special_use
from tests.support.builders import NOW, a_request

NAMES = ("a.lab", "b.lab", "c.out", "scanner.lab")
EDGES = ("127.0.0.1", "169.254.169.254", "224.0.0.5", "::1", "::ffff:10.0.0.1", "0.0.0.0", "fe80::1", "255.255.255.255")

octets = st.integers(0, 3)
addresses = st.builds("10.0.{}.{}".format, octets, octets) | st.builds("2001:db8::{:x}".format, octets)
networks = st.builds("10.0.{}.0/{}".format, octets, st.sampled_from([22, 23, 24, 30, 31])) | st.just("2001:db8::/126")
ranges = st.builds("10.0.{}.{}-10.0.3.3".format, octets, octets) | st.builds("10.0.0-{}.0-3".format, octets)
entries = st.one_of(addresses, networks, ranges, st.sampled_from([*EDGES, "0.0.0.0/0", "::/0", *NAMES, "*.lab", "*"]))
pins = st.builds("{}[{}]".format, st.sampled_from(NAMES), addresses | st.sampled_from(EDGES))
targets = st.one_of(addresses, networks, ranges, pins, st.sampled_from([*EDGES, *NAMES, "0.0.0.0/0"]))
few = st.lists(entries, max_size=4).map(tuple)
kept = st.lists(entries, max_size=1).map(tuple)


@st.composite
def policies(draw: st.DrawFn) -> PoolRules:
    """A pool that allows anything, what its client may have scanned, or something else."""
    networks = draw(st.lists(entries, min_size=1, max_size=6).map(tuple))
    rule = ClientRule(
        subject="agent", networks=networks, exclude=draw(kept), max_hosts=draw(st.sampled_from([8, 2000]))
    )
    allow = draw(st.just(()) | st.just(networks) | few)
    return PoolRules(allow=allow, protected=draw(kept), clients=(rule,))


answers = st.fixed_dictionaries(
    {name: st.lists(addresses | st.sampled_from(EDGES), max_size=2).map(tuple) for name in NAMES}
)
lists = st.lists(targets, min_size=1, max_size=3).map(tuple)


def addresses_of(texts: tuple[str, ...]) -> AddressSet:
    return read_scope(texts).addresses


@settings(max_examples=150)
@given(lists, kept, policies(), answers)
def test_what_is_allowed_lies_in_the_networks_and_in_nothing_that_is_kept_from_it(
    wanted: tuple[str, ...], left_out: tuple[str, ...], rules: PoolRules, resolved: dict[str, tuple[str, ...]]
) -> None:
    try:
        request = asked(a_request(targets=wanted, exclude=left_out, client="agent"), resolved)
    except InvalidTarget:
        return
    if decide(request, rules, Counts(live=0, last_hour=0), NOW) != Allowed():
        return
    (rule,) = rules.clients
    given_names, held = read_scope(rule.networks), request.targets
    protected = (*rules.protected, *(each for name in NAMES if name in rules.protected for each in resolved[name]))
    assert held.hostnames == ()
    assert held.address_count <= rule.max_hosts
    assert not held.addresses.overlaps(addresses_of(rule.exclude))
    assert not held.addresses.overlaps(addresses_of(protected))
    assert not held.addresses.overlaps(addresses_of(left_out))
    for item in held.items:
        by_name = item.hostname in request.looked_up and given_names.names(item.hostname or "")
        assert by_name or given_names.addresses.covers(item.addresses)
        assert item.hostname is None or not read_scope((*rule.exclude, *rules.protected)).names(item.hostname)
    for part in special_use(held.items):
        assert not part.use.is_impossible
        assert set(part.addresses.texts) <= set(rule.networks) & set(rules.allow)


@given(lists, policies(), answers)
def test_the_dry_run_says_of_each_target_what_the_whole_scan_is_told(
    wanted: tuple[str, ...], rules: PoolRules, resolved: dict[str, tuple[str, ...]]
) -> None:
    try:
        parse(wanted)
        request = asked(a_request(targets=wanted, client="agent"), resolved)
    except InvalidTarget:
        return
    verdicts = judge_targets("agent", wanted, rules, resolved, NOW)
    decision = decide(request, rules, Counts(live=0, last_hour=0), NOW)
    too_many = isinstance(decision, Denied) and decision.code == "client_too_many_hosts"
    assert all(each.allowed for each in verdicts) == (decision == Allowed() or too_many)
