"""What a client of the bridge may do: deny by default, judged target by target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
import pytest

from scanpool.coordination.client_policy import (
    CLIENT_LIMITS,
    Allowed,
    Confirm,
    Counts,
    Decision,
    Denied,
    asked,
    at_first_sight,
    decide,
    judge_targets,
    rule_for,
    standing_denial,
    to_resolve,
)
from scanpool_schemas.keys import ClientRule, Exclusion, PoolRules
from scanpool_schemas.targets import InvalidTarget
from tests.support.builders import NOW, a_request

NONE = Counts(live=0, last_hour=0)
NETWORKS = ("10.0.0.0/16", "192.168.7.1-192.168.7.20", "2001:db8::/64", "*.lab.example")
POOL = ("10.0.0.0/8", "192.168.0.0/16", "2001:db8::/32", "*.example", "127.0.0.1", "169.254.169.254", "192.0.2.0/24")
RESOLVED = {
    "web.lab.example": ("10.0.0.7",),
    "both.lab.example": ("10.0.0.7", "10.0.66.1"),
    "elsewhere.lab.example": ("192.0.2.9",),
    "host.example": ("10.0.0.8",),
    "outside.example": ("10.1.0.8",),
    "metadata.lab.example": ("169.254.169.254",),
    "local.lab.example": ("127.0.0.1",),
    "mapped.lab.example": ("::ffff:10.0.0.7",),
    "scanner.lab.example": ("10.0.66.1",),
    "nothing.lab.example": (),
    "nessus.example": ("10.0.66.1",),
}


def rules(**fields: Any) -> PoolRules:
    """A pool with one client, `agent`."""
    rule = {"subject": "agent", "networks": NETWORKS, "exclude": ("10.0.9.0/24", "secret.lab.example"), **fields}
    return PoolRules(allow=POOL, protected=("10.0.0.250", "nessus.example"), clients=(ClientRule(**rule),))


def decided(
    targets: Sequence[str] = ("10.0.0.1",),
    *,
    of: PoolRules | None = None,
    counts: Counts = NONE,
    resolved: Mapping[str, Sequence[str]] = RESOLVED,
    **fields: Any,
) -> Decision:
    request = a_request(
        **{"targets": tuple(targets), "client": "agent", "owner": fields.get("client", "agent"), **fields}
    )
    return decide(asked(request, resolved), of or rules(), counts, NOW)


def denied(*arguments: Any, **named: Any) -> Denied:
    decision = decided(*arguments, **named)
    assert isinstance(decision, Denied), decision
    assert decision.hint
    return decision


@pytest.mark.parametrize(
    "target",
    [
        "10.0.0.1",
        "10.0.1.0/24",
        "10.0.1.0/255.255.255.0",
        "10.0.0.1-10.0.0.20",
        "10.0.1-2.1-9",
        "192.168.7.1-20",
        "2001:db8::1",
        "2001:db8::/120",
        "web.lab.example",
        "WEB.lab.example.",
        "elsewhere.lab.example",
        "host.example",
        "db.other[10.0.0.9]",
    ],
)
def test_what_lies_wholly_in_the_clients_networks_is_allowed(target: str) -> None:
    assert decided([target]) == Allowed()
    (verdict,) = judge_targets("agent", [target], rules(), RESOLVED, NOW)
    assert (verdict.allowed, verdict.code) == (True, None)
    assert verdict.rule in NETWORKS
    assert verdict.addresses > 0


@pytest.mark.parametrize(
    ("target", "code", "rule"),
    [
        ("10.1.0.1", "client_target_denied", "the client's networks"),
        ("10.0.255.0-10.1.0.0", "client_target_denied", "the client's networks"),
        ("192.168.7.0/27", "client_target_denied", "the client's networks"),
        ("2001:db8:0:1::1", "client_target_denied", "the client's networks"),
        ("outside.example", "client_target_denied", "the client's networks"),
        ("web.lab.example[10.1.0.1]", "client_target_denied", "the client's networks"),
        ("10.0.9.1", "client_target_denied", "the client's exclude"),
        ("10.0.8.0/23", "client_target_denied", "the client's exclude"),
        ("secret.lab.example[10.0.0.1]", "client_target_denied", "the client's exclude"),
        ("10.0.0.250", "client_target_denied", "protected"),
        ("10.0.0.248/29", "client_target_denied", "protected"),
        ("10.0.66.1", "client_target_denied", "protected"),
        ("scanner.lab.example", "client_target_denied", "protected"),
        ("both.lab.example", "client_target_denied", "protected"),
        ("nessus.example", "client_target_denied", "protected"),
        ("nessus.example[10.0.0.1]", "client_target_denied", "protected"),
        ("203.0.113.1", "target_not_allowed", "the pool"),
        ("127.0.0.1", "client_target_denied", "addresses of special use"),
        ("local.lab.example", "client_target_denied", "addresses of special use"),
        ("localhost[127.0.0.1]", "client_target_denied", "addresses of special use"),
        ("169.254.169.254", "client_target_denied", "addresses of special use"),
        ("metadata.lab.example", "client_target_denied", "addresses of special use"),
        ("127.0.0.2", "target_not_allowed", "the pool"),
        ("fe80::1", "target_not_allowed", "the pool"),
        ("224.0.0.1", "impossible_target", "the pool"),
        ("::ffff:10.0.0.1", "impossible_target", "the pool"),
        ("64:ff9b::10.0.0.1", "impossible_target", "the pool"),
        ("mapped.lab.example", "impossible_target", "the pool"),
        ("nothing.lab.example", "hostname_unresolved", "hostnames by their addresses"),
        ("never.looked.up", "hostname_unresolved", "hostnames by their addresses"),
    ],
)
def test_anything_else_is_denied_with_the_rule_that_does_it(target: str, code: str, rule: str) -> None:
    assert denied([target]).code == code
    (verdict,) = judge_targets("agent", [target], rules(), RESOLVED, NOW)
    assert (verdict.allowed, verdict.code, verdict.rule) == (False, code, rule)
    assert verdict.reason


@pytest.mark.parametrize("target", ["0.0.0.0/0", "::/0", "10.0.0.256", "a b", "*.lab.example"])
def test_what_is_no_target_or_all_there_is_is_refused(target: str) -> None:
    with pytest.raises(InvalidTarget):
        asked(a_request(targets=(target,), client="agent", owner="agent"), {})
    (verdict,) = judge_targets("agent", [target], rules(), {}, NOW)
    assert (verdict.allowed, verdict.code) == (False, "invalid_target")


def test_a_target_among_good_ones_denies_the_whole_scan_and_is_named() -> None:
    denial = denied(["10.0.0.1", "10.7.0.1", "10.8.0.1", "10.9.0.1", "10.10.0.1"])
    assert "10.7.0.1 lies outside what the client's policy allows" in denial.sentence
    assert "(and 1 more)" in denial.sentence


def test_what_the_request_itself_leaves_out_is_not_judged() -> None:
    assert denied(["10.0.8.0/23"]).code == "client_target_denied"
    assert decided(["10.0.8.0/23"], exclude=("10.0.9.0/24",)) == Allowed()
    assert decided(["both.lab.example"], exclude=("10.0.66.1",)) == Allowed()


def test_special_addresses_pass_where_the_pool_and_the_client_both_name_them_by_themselves() -> None:
    both = rules(networks=("127.0.0.1", "169.254.169.254"))
    assert decided(["127.0.0.1"], of=both) == Allowed()
    assert decided(["169.254.169.254"], of=both) == Allowed()
    wide = rules(networks=("0.0.0.0/0",))
    assert denied(["127.0.0.1"], of=wide).code == "client_target_denied"
    assert denied(["127.0.0.9"], of=rules(networks=("127.0.0.0/8",))).code == "target_not_allowed"


def test_what_the_pool_excludes_is_denied_too() -> None:
    frozen = PoolRules(
        exclude=(Exclusion(target="10.0.3.0/24", until=date(2999, 1, 1)),),
        clients=(ClientRule(subject="agent", networks=NETWORKS),),
    )
    assert denied(["10.0.3.1"], of=frozen).code == "target_excluded"


def test_a_client_without_networks_may_scan_nothing() -> None:
    assert denied(of=rules(networks=())).code == "client_target_denied"
    (verdict,) = judge_targets("agent", ["10.0.0.1"], rules(networks=()), {}, NOW)
    assert verdict.rule == "the client's networks"


@pytest.mark.parametrize(
    ("subjects", "client", "found"),
    [
        (["agent"], "agent", 0),
        (["agent"], "agent2", None),
        (["agent"], "Agent", None),
        (["agent-*"], "agent-7", 0),
        (["agent-*"], "my-agent-7", None),
        (["*"], "anybody at all", 0),
        (["a.b"], "axb", None),
        (["[ab]"], "a", None),
        (["a?"], "ab", None),
        (["*", "agent-*", "agent-7"], "agent-7", 2),
        (["agent-*", "*-7"], "agent-7", 0),
        (["*@corp"], "bob\n@corp", 0),
        ([], "agent", None),
    ],
)
def test_an_exact_subject_wins_over_globs_and_of_these_the_first(
    subjects: list[str], client: str, found: int | None
) -> None:
    clients = tuple(ClientRule(subject=each, networks=(f"10.0.{n}.0/24",)) for n, each in enumerate(subjects))
    rule = rule_for(client, PoolRules(clients=clients))
    assert rule == (None if found is None else clients[found])


def test_a_client_without_a_rule_may_nothing() -> None:
    assert denied(client="stranger").code == "client_unknown"
    assert denied(of=PoolRules()).code == "client_unknown"
    (verdict,) = judge_targets("stranger", ["10.0.0.1"], rules(), {}, NOW)
    assert (verdict.allowed, verdict.code) == (False, "client_unknown")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"client": "stranger", "settings": {"a": "b"}}, "client_unknown"),
        ({"settings": {"port_range": "all"}}, "client_settings_denied"),
        ({"settings": {"safe_checks": "no"}}, "client_settings_denied"),
        ({"policy": "Everything"}, "client_settings_denied"),
        ({"intensity": "intrusive"}, "client_intensity_denied"),
        ({"scan_type": "authenticated", "credential_ref": "linux"}, "client_credential_denied"),
    ],
)
def test_what_needs_no_address_is_denied_at_first_sight(fields: dict[str, Any], code: str) -> None:
    request = a_request(**{"client": "agent", "owner": fields.get("client", "agent"), **fields})
    found = at_first_sight(request, rules())
    assert isinstance(found, Denied)
    assert found.code == code
    assert denied(**fields).code == code


def test_a_credential_that_the_policy_lists_is_allowed_and_no_other() -> None:
    of = rules(credentials=("linux",))
    assert decided(of=of, scan_type="authenticated", credential_ref="linux") == Allowed()
    assert denied(of=of, scan_type="authenticated", credential_ref="win").code == "client_credential_denied"


@pytest.mark.parametrize(
    ("targets", "allowed"),
    [
        (["10.0.0.0/29"], True),
        (["10.0.0.0/29", "10.0.0.4"], True),
        (["10.0.0.0/29", "10.0.0.8"], False),
        (["10.0.0.0-10.0.0.6", "web.lab.example"], True),
        (["10.0.0.0/29", "host.example"], False),
        (["10.0.0.0/29", "2001:db8::1"], False),
    ],
)
def test_addresses_are_counted_once_and_those_of_names_too(targets: list[str], allowed: bool) -> None:
    decision = decided(targets, of=rules(max_hosts=8))
    assert isinstance(decision, Allowed if allowed else Denied)
    assert allowed or denied(targets, of=rules(max_hosts=8)).code == "client_too_many_hosts"


@pytest.mark.parametrize(
    ("counts", "code"),
    [
        (Counts(live=3, last_hour=19), None),
        (Counts(live=4, last_hour=0), "client_too_many_scans"),
        (Counts(live=0, last_hour=20), "client_too_fast"),
    ],
)
def test_how_much_it_has_already_limits_what_comes_and_may_pass_later(counts: Counts, code: str | None) -> None:
    decision = decided(counts=counts)
    if code is None:
        assert decision == Allowed()
    else:
        assert isinstance(decision, Denied)
        assert (decision.code, decision.retryable) == (code, True)


@pytest.mark.parametrize(
    ("targets", "fields", "limits", "why"),
    [
        (["10.0.0.0/28"], {}, {}, None),
        (["10.0.0.0/28"], {}, {"confirm_above_hosts": 16}, None),
        (["10.0.0.0/28"], {}, {"confirm_above_hosts": 15}, "it is of 16 addresses, more than 15"),
        (["10.0.0.1"], {}, {"confirm_above_hosts": 0}, "it is of 1 addresses, more than 0"),
        (["10.0.0.1"], {"intensity": "intrusive"}, {"intensity": "intrusive"}, "the scan is intrusive"),
        (
            ["10.0.0.1"],
            {"intensity": "intrusive"},
            {"intensity": "intrusive", "confirm_intrusive": False},
            None,
        ),
        (["10.0.0.1"], {"intensity": "safe"}, {"intensity": "intrusive"}, None),
        (
            ["10.0.0.0/28"],
            {"intensity": "intrusive"},
            {"intensity": "intrusive", "confirm_above_hosts": 1},
            "the scan is intrusive and it is of 16 addresses, more than 1",
        ),
    ],
)
@pytest.mark.parametrize("confirmed", [None, "alice"])
def test_a_person_confirms_what_is_intrusive_or_large(
    targets: list[str], fields: dict[str, Any], limits: dict[str, Any], why: str | None, confirmed: str | None
) -> None:
    decision = decided(targets, of=rules(**limits), confirmed=confirmed, **fields)
    assert decision == (Allowed() if why is None else Confirm(why))


def test_what_is_denied_is_not_put_before_a_person() -> None:
    of = rules(intensity="intrusive")
    assert denied(["10.7.0.1"], of=of, intensity="intrusive").code == "client_target_denied"
    full = Counts(live=4, last_hour=0)
    assert denied(of=of, counts=full, intensity="intrusive").code == "client_too_many_scans"


def test_names_to_resolve_are_those_of_the_targets_and_of_what_is_protected() -> None:
    targets = ["10.0.0.1", "web.lab.example", "bad..", "a.example[10.0.0.2]", "web.lab.example"]
    assert to_resolve(targets, rules()) == ("web.lab.example", "nessus.example")
    assert to_resolve([], PoolRules(protected=("*.example", "10.0.0.1"))) == ()


def test_the_zone_that_a_resolver_adds_to_a_protected_address_is_no_part_of_it() -> None:
    resolved = {"nessus.example": ("fe80::1%eth0", "10.0.0.5")}
    assert denied(["10.0.0.5"], resolved=resolved).code == "client_target_denied"


@pytest.mark.parametrize(
    "fields",
    [{"template": "malware"}, {"folder": "mine"}, {"owner": "somebody"}, {"owner": None}, {"policy": "mine"}],
)
def test_what_the_bridge_never_sends_is_denied_to_whoever_goes_past_it(fields: dict[str, Any]) -> None:
    request = a_request(**{"client": "agent", "owner": "agent", **fields})
    found = at_first_sight(request, rules())
    assert found is not None
    assert found.code == "client_settings_denied"


def test_more_names_than_hosts_are_denied_before_any_is_looked_up() -> None:
    names = tuple(f"host-{number}.lab.example" for number in range(300))
    found = at_first_sight(a_request(client="agent", owner="agent", targets=names), rules())
    assert found is not None
    assert found.code == "client_too_many_hosts"


def test_a_list_of_targets_that_would_take_long_to_judge_is_refused() -> None:
    scattered = [f"10.0-15.0-255.{number}" for number in range(100)]
    verdicts = judge_targets("agent", scattered, rules(), {}, NOW)
    assert [each.code for each in verdicts[2:]].count("invalid_target") >= 94
    assert sum(each.intervals for each in verdicts) <= CLIENT_LIMITS.max_intervals
    with pytest.raises(InvalidTarget, match="separate runs"):
        asked(a_request(targets=tuple(scattered), client="agent", owner="agent"), {})


def test_an_admitted_scan_is_denied_once_its_policy_is_gone_or_narrower() -> None:
    request = a_request(client="agent", owner="agent", targets=("10.0.0.1", "web.lab.example[10.0.0.2]"))
    assert standing_denial(request, rules(), NOW) is None
    withdrawn = standing_denial(request, msgspec.structs.replace(rules(), clients=()), NOW)
    assert withdrawn is not None
    assert withdrawn.code == "client_unknown"
    narrower = [msgspec.structs.replace(each, networks=("10.0.0.1",)) for each in rules().clients]
    denied_now = standing_denial(request, msgspec.structs.replace(rules(), clients=tuple(narrower)), NOW)
    assert denied_now is not None
    assert denied_now.code == "client_target_denied"
