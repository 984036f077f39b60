"""Scan targets: what is read, how it is normalised, what is refused, what a pool's rules say of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from scanpool_schemas.targets import (
    RULE_LIMITS,
    Cause,
    InvalidTarget,
    Refusal,
    SpecialUse,
    TargetKind,
    TargetLimits,
    outside,
    parse,
    pin,
    read_rules,
    read_scope,
    refusals,
    special_use,
    subtract,
)

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Exclusion:
    target: str
    until: date | None = None
    reason: str = ""


def judged(
    *targets: str,
    allow: Sequence[str] = (),
    exclude: Sequence[Exclusion] = (),
    now: datetime = NOW,
    resolved: Sequence[str] = (),
) -> tuple[Refusal, ...]:
    return refusals(parse(targets, RULE_LIMITS), read_rules(allow, exclude), now, resolved=resolved)


def causes(*targets: str, allow: Sequence[str] = (), exclude: Sequence[Exclusion] = ()) -> list[Cause]:
    return [each.cause for each in judged(*targets, allow=allow, exclude=exclude)]


FORMS = [
    ("10.0.0.1", "10.0.0.1", TargetKind.ADDRESS, 1),
    ("2001:DB8:0:0::1", "2001:db8::1", TargetKind.ADDRESS, 1),
    ("10.0.0.0/24", "10.0.0.0/24", TargetKind.NETWORK, 256),
    ("10.0.0.5/24", "10.0.0.0/24", TargetKind.NETWORK, 256),
    ("10.0.0.5/32", "10.0.0.5", TargetKind.ADDRESS, 1),
    ("2001:db8::/120", "2001:db8::/120", TargetKind.NETWORK, 256),
    ("2001:db8::9/128", "2001:db8::9", TargetKind.ADDRESS, 1),
    ("10.0.0.0/255.255.255.0", "10.0.0.0/24", TargetKind.NETWORK, 256),
    ("10.0.0.7/255.255.255.255", "10.0.0.7", TargetKind.ADDRESS, 1),
    ("10.0.0.1-10.0.0.50", "10.0.0.1-10.0.0.50", TargetKind.RANGE, 50),
    ("10.0.0.250-10.0.1.5", "10.0.0.250-10.0.1.5", TargetKind.RANGE, 12),
    ("10.0.0.1-50", "10.0.0.1-10.0.0.50", TargetKind.RANGE, 50),
    ("10.0.0.1-10.0.0.1", "10.0.0.1", TargetKind.ADDRESS, 1),
    ("2001:db8::1-2001:db8::ff", "2001:db8::1-2001:db8::ff", TargetKind.RANGE, 255),
    ("192.168.1-3.1-254", "192.168.1-3.1-254", TargetKind.OCTETS, 762),
    ("10.0.1-4.*", "10.0.1.0-10.0.4.255", TargetKind.RANGE, 1024),
    ("10.0.1-4.0-255", "10.0.1.0-10.0.4.255", TargetKind.RANGE, 1024),
    ("10.0.*.7", "10.0.*.7", TargetKind.OCTETS, 256),
    ("10.0-1.2-3.*", "10.0-1.2-3.*", TargetKind.OCTETS, 1024),
    ("web01", "web01", TargetKind.HOSTNAME, 1),
    ("WWW.Corp.Example.", "www.corp.example", TargetKind.HOSTNAME, 1),
    ("my_host-1.corp.example", "my_host-1.corp.example", TargetKind.HOSTNAME, 1),
    ("xn--bcher-kva.example", "xn--bcher-kva.example", TargetKind.HOSTNAME, 1),
    ("WWW.corp.example[10.0.0.1]", "www.corp.example[10.0.0.1]", TargetKind.PINNED, 1),
    ("www.corp.example[2001:DB8::1]", "www.corp.example[2001:db8::1]", TargetKind.PINNED, 1),
]


@pytest.mark.parametrize(("text", "normal", "kind", "count"), FORMS)
def test_every_form_is_read_and_normalised(text: str, normal: str, kind: TargetKind, count: int) -> None:
    targets = parse([text])
    assert targets.texts == (normal,)
    assert targets.items[0].kind is kind
    assert targets.address_count == count


REFUSED = [
    ("", "empty"),
    (" 10.0.0.1", "whitespace or a separator"),
    ("10.0.0.1\n", "whitespace or a separator"),
    ("10.0.0.1\t", "whitespace or a separator"),
    ("10.0.0.1\u2028", "whitespace or a separator"),
    ("10.0.0.1,10.0.0.2", "whitespace or a separator"),
    ("10.0.0.1;10.0.0.2", "whitespace or a separator"),
    ("10.0.0.1\x00", "stands in no target"),
    ("host\u202e", "stands in no target"),
    ("\u0661.0.0.1", "stands in no target"),
    ("bücher.example", "xn--"),
    ("http://www.corp.example/", "give the host only"),
    ("admin@10.0.0.1", "give the host only"),
    ("www.corp.example/path", "give the host only"),
    ("10.0.0.1:8834", "without a port"),
    ("www.corp.example:443", "without a port"),
    ("010.0.0.1", "without leading zeros"),
    ("10.0.0.01-10.0.0.5", "without leading zeros"),
    ("10.0.0.01-5", "without leading zeros"),
    ("10.0.0.256", "octets 0 to 255"),
    ("10.0.0.1-256", "octet 256 is over 255"),
    ("10.0.0", "has not four octets"),
    ("10.*", "has not four octets"),
    ("10", "has not four octets"),
    ("10.0.0.1.2", "has not four octets"),
    ("2130706433", "has not four octets"),
    ("10.0.0.5-1", "swap"),
    ("10.0.0.9-10.0.0.1", "swap"),
    ("2001:db8::9-2001:db8::1", "swap"),
    ("2001:db8::1-ff", "not both IPv6"),
    ("10.0.0.1-2001:db8::1", "not both IPv6"),
    ("0x7f.0x1", "ends in a number"),
    ("0x7f000001", "ends in a number"),
    ("host.1", "ends in a number"),
    ("10.0.0.0/33", "prefix length '33' is not 0 to 32"),
    ("10.0.0.0/024", "prefix length"),
    ("10.0.0.0/", "prefix length"),
    ("10.0.0.0/-1", "prefix length"),
    ("10.0.0.0/24/24", "prefix length"),
    ("2001:db8::/129", "is not 0 to 128"),
    ("2001:db8::/255.255.0.0", "is not 0 to 128"),
    ("10.0.0.0/0.0.0.255", "ones followed by zeros"),
    ("10.0.0.0/255.0.255.0", "ones followed by zeros"),
    ("fe80::1%eth0", "zone id"),
    ("2001:db8::1::2", "is no address"),
    ("[2001:db8::1]", "brackets"),
    ("name[10.0.0.1", "brackets"),
    ("name[10.0.0.0/24]", "is no address"),
    ("name[]", "brackets"),
    ("10.0.0.1[10.0.0.2]", "ends in a number"),
    ("-host", "no part of a hostname"),
    ("host-", "no part of a hostname"),
    ("a..b", "no part of a hostname"),
    (".host", "no part of a hostname"),
    ("*.corp.example", "no part of a hostname"),
    ("x" * 64, "no part of a hostname"),
    (".".join(["abcdefg"] * 32), "at most 253"),
    ("x" * 10_000, "10000 characters long"),
    ("10.0.0.0/" + "9" * 300, "prefix length"),
]


@pytest.mark.parametrize(("text", "said"), REFUSED, ids=[ascii(text)[:30] for text, _ in REFUSED])
def test_what_is_no_target_is_refused_and_the_remedy_named(text: str, said: str) -> None:
    with pytest.raises(InvalidTarget) as raised:
        parse([text], RULE_LIMITS)
    assert said in str(raised.value)
    assert raised.value.expression == text


def test_an_error_names_the_place_the_text_and_the_remedy() -> None:
    with pytest.raises(InvalidTarget) as raised:
        parse(["10.0.0.1", "http://x"], field="exclude")
    assert str(raised.value) == (
        "exclude[1] 'http://x': a URL, not a target; give the host only, as 'www.corp.example'"
    )


def test_an_error_neither_repeats_control_characters_nor_endless_texts() -> None:
    with pytest.raises(InvalidTarget) as raised:
        parse(["\x1b[2J" + "x" * 100_000])
    assert "\x1b" not in str(raised.value)
    assert len(str(raised.value)) < 300


def test_a_repeated_target_is_kept_once_in_its_first_form_and_place() -> None:
    targets = parse(["10.0.0.0/24", "web", "10.0.0.0-10.0.0.255", "WEB.", "10.0.0.7/24"])
    assert targets.texts == ("10.0.0.0/24", "web")


def test_overlapping_targets_stay_as_they_are_and_count_once() -> None:
    targets = parse(["10.0.0.5", "10.0.0.0/24", "10.0.0.200-10.0.1.9"])
    assert targets.texts == ("10.0.0.5", "10.0.0.0/24", "10.0.0.200-10.0.1.9")
    assert targets.address_count == 266


def test_a_hostname_both_alone_and_pinned_is_a_contradiction() -> None:
    with pytest.raises(InvalidTarget, match=r"^targets\[1\] 'www\[8.8.8.8\]': .*both alone and with an address"):
        parse(["www", "WWW[8.8.8.8]"])
    assert parse(["www[10.0.0.1]", "www[10.0.0.2]"]).address_count == 2


def test_hostnames_are_listed_without_the_pinned_ones() -> None:
    assert parse(["b", "a[10.0.0.1]", "10.0.0.2"]).hostnames == ("b",)


def test_the_default_limits_are_5000_expressions_and_a_slash_12_of_addresses() -> None:
    assert parse(["10.0.0.0/12"]).address_count == 1_048_576
    assert len(parse([f"host{n}" for n in range(5_000)]).items) == 5_000


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([f"host{n}" for n in range(5_001)], "5,001 expressions, more than 5,000"),
        (["10.0.0.0/12", "10.16.0.0"], "1,048,577 addresses, more than 1,048,576"),
        (["10.0.0.0/12", "host"], "1,048,577 addresses, more than 1,048,576"),
        (["2001:db8::/64"], "18,446,744,073,709,551,616 addresses"),
        (["*.*.*.*"], "4,294,967,296 addresses"),
        (["10.0-255.0-255.1", "11.0-1.0.1"], "65,538 separate runs of addresses, more than 65,536"),
    ],
)
def test_a_list_over_the_limits_is_refused(texts: list[str], said: str) -> None:
    with pytest.raises(InvalidTarget, match=said):
        parse(texts)


def test_octet_ranges_of_too_many_runs_are_refused_before_they_are_written_out() -> None:
    with pytest.raises(InvalidTarget, match="16,777,216 separate runs"):
        parse(["*.*.*.1"], RULE_LIMITS)


def test_limits_are_parameters() -> None:
    with pytest.raises(InvalidTarget, match="3 addresses, more than 2"):
        parse(["10.0.0.1-3"], TargetLimits(max_addresses=2))


def test_any_number_of_addresses_may_stand_in_a_rule() -> None:
    assert parse(["0.0.0.0/0", "::/0"], RULE_LIMITS).address_count == 2**32 + 2**128


def test_covers_and_overlaps_speak_of_addresses() -> None:
    inside, network, beside = parse(["10.0.0.9"]), parse(["10.0.0.0/24"]), parse(["10.0.0.9-10.0.1.0"])
    assert network.covers(inside)
    assert not inside.covers(network)
    assert not network.covers(beside)
    assert network.overlaps(beside)
    assert not inside.overlaps(parse(["10.0.0.10", "::a00:9"], RULE_LIMITS))


def test_a_hostname_is_pinned_to_an_address() -> None:
    assert pin("WWW.corp.example", "10.0.0.1") == "www.corp.example[10.0.0.1]"


def test_pinning_gives_one_target_an_address_and_leaves_the_others() -> None:
    targets = parse(["10.0.0.9", "www", "db"]).pinned({"www": ["10.0.0.1", "2001:db8::1"]})
    assert targets.texts == ("10.0.0.9", "www[10.0.0.1]", "www[2001:db8::1]", "db")
    assert targets.hostnames == ("db",)


def test_what_is_excluded_is_cut_out_as_few_expressions() -> None:
    left = subtract(parse(["10.0.0.0/24", "10.1.0.0/24"]), read_scope(["10.0.0.128/25", "10.1.0.9"]))
    assert left.texts == ("10.0.0.0/25", "10.1.0.0-10.1.0.8", "10.1.0.10-10.1.0.255")


def test_an_untouched_target_keeps_its_form() -> None:
    left = subtract(parse(["192.168.1-3.1-254", "www"]), read_scope(["10.0.0.0/8"]))
    assert left.texts == ("192.168.1-3.1-254", "www")


def test_hostnames_are_excluded_by_name_pattern_and_pinned_address() -> None:
    targets = parse(["www", "db.prod.example", "a[10.0.0.1]", "b[10.0.0.2]", "c"])
    left = subtract(targets, read_scope(["WWW", "*.prod.example", "10.0.0.1"]))
    assert left.texts == ("b[10.0.0.2]", "c")


def test_nothing_is_left_when_all_is_excluded() -> None:
    assert subtract(parse(["10.0.0.0/24", "www"]), read_scope(["10.0.0.0/8", "www"])).is_empty


def test_an_exclusion_that_shreds_the_targets_is_refused() -> None:
    with pytest.raises(InvalidTarget, match=r"10\.0\.0\.0/16.*more than 100 expressions"):
        subtract(parse(["10.0.0.0/16"]), read_scope(["10.0.*.7"]), TargetLimits(max_expressions=100))


@pytest.mark.parametrize(
    ("pattern", "hostname", "matches"),
    [
        ("*.corp.example", "www.corp.example", True),
        ("*.corp.example", "a.b.corp.example", True),
        ("*.corp.example", "corp.example", False),
        ("*.corp.example", "evilcorp.example", False),
        ("*.corp.example", "www.corp.example.evil", False),
        ("web-*.corp.example", "web-1.corp.example", True),
        ("web-*.corp.example", "web-1.x.corp.example", False),
        ("WWW.corp.example", "www.corp.example", True),
        ("*", "anything.at.all", True),
    ],
)
def test_hostname_patterns(pattern: str, hostname: str, matches: bool) -> None:
    assert read_scope([pattern]).names(hostname) is matches


@pytest.mark.parametrize("text", ["10.*", "*.1", "*..x", "a b*", "http://*"])
def test_a_malformed_rule_is_refused(text: str) -> None:
    with pytest.raises(InvalidTarget, match=r"^exclude\[0\]"):
        read_scope([text])


def test_a_pool_without_rules_allows_every_ordinary_target() -> None:
    assert judged("10.0.0.1", "8.8.8.8", "www", "2001:db8::1") == ()


def test_a_target_must_lie_wholly_in_what_the_pool_allows() -> None:
    assert causes("10.0.0.0/24", allow=["10.0.0.0/25", "10.0.0.128-255"]) == []
    assert causes("10.0.0.0/23", allow=["10.0.0.0/24"]) == [Cause.NOT_ALLOWED]
    assert causes("8.8.8.8", allow=["10.0.0.0/8"]) == [Cause.NOT_ALLOWED]


def test_a_refusal_names_the_part_outside_and_what_is_allowed() -> None:
    (refusal,) = judged("10.0.0.0/23", allow=["10.0.0.0/24", "*.corp.example"])
    assert refusal.reason == (
        "10.0.0.0/23 lies outside what the pool allows (10.0.1.0/24); it allows 10.0.0.0/24, *.corp.example"
    )


def test_a_hostname_is_allowed_by_pattern_only() -> None:
    assert causes("www.corp.example", allow=["*.corp.example"]) == []
    assert causes("www.corp.example", allow=["10.0.0.0/8"]) == [Cause.NOT_ALLOWED]
    assert causes("www.other.example", allow=["*.corp.example"]) == [Cause.NOT_ALLOWED]


def test_a_pattern_does_not_vouch_for_an_address_that_the_publisher_pinned() -> None:
    assert causes("www.corp.example[8.8.8.8]", allow=["*.corp.example"]) == [Cause.NOT_ALLOWED]
    assert causes("www.corp.example[10.0.0.1]", allow=["10.0.0.0/8"]) == []


def test_a_pattern_vouches_for_a_name_that_admission_resolved() -> None:
    allow = ["*.corp.example"]
    assert judged("www.corp.example[8.8.8.8]", allow=allow, resolved=["www.corp.example"]) == ()


def test_what_lies_outside_a_scope_is_told_target_by_target() -> None:
    targets = parse(["10.0.0.1", "10.0.0.0/23", "a.corp.example", "b.corp.example[8.8.8.8]", "c.corp.example[9.9.9.9]"])
    scope = read_scope(["10.0.0.0/24", "*.corp.example"])
    beyond = outside(targets, scope, resolved=["c.corp.example"])
    assert [target.text for target in beyond] == ["10.0.0.0/23", "b.corp.example[8.8.8.8]"]


def test_an_excluded_address_is_refused_with_the_reason_of_the_exclusion() -> None:
    frozen = Exclusion("10.9.0.0/16", date(2027, 1, 31), "frozen by change board")
    (refusal,) = judged("10.0.0.0/8", exclude=[frozen])
    assert refusal.cause is Cause.EXCLUDED
    assert refusal.reason == (
        "10.0.0.0/8 is excluded from the pool by 10.9.0.0/16 until 2027-01-31: frozen by change board"
    )


def test_a_hostname_is_excluded_by_name_and_by_its_pinned_address() -> None:
    exclude = [Exclusion("*.prod.example"), Exclusion("10.9.0.0/16")]
    assert causes("db.prod.example", exclude=exclude) == [Cause.EXCLUDED]
    assert causes("x[10.9.0.1]", exclude=exclude) == [Cause.EXCLUDED]
    assert causes("x", exclude=exclude) == []


def test_an_exclusion_holds_through_the_whole_of_its_last_day_in_utc() -> None:
    exclude = [Exclusion("10.0.0.1", date(2026, 11, 24))]
    last = datetime(2026, 11, 24, 23, 59, 59, tzinfo=UTC)
    in_auckland = last.astimezone(timezone(timedelta(hours=13)))
    assert judged("10.0.0.1", exclude=exclude, now=last)
    assert judged("10.0.0.1", exclude=exclude, now=in_auckland)
    assert not judged("10.0.0.1", exclude=exclude, now=last + timedelta(seconds=1))


def test_what_is_excluded_now_can_be_subtracted() -> None:
    rules = read_rules([], [Exclusion("10.0.0.1", date(2026, 11, 23)), Exclusion("10.0.0.2")])
    assert subtract(parse(["10.0.0.1-2"]), rules.excluded(NOW)).texts == ("10.0.0.1",)


def test_rules_that_speak_of_addresses_want_hostnames_resolved() -> None:
    assert read_rules(["10.0.0.0/8"], []).speak_of_addresses
    assert read_rules([], [Exclusion("10.0.0.1")]).speak_of_addresses
    assert not read_rules(["*.corp.example"], [Exclusion("db")]).speak_of_addresses


def test_a_bad_rule_is_named_by_list_and_index() -> None:
    with pytest.raises(InvalidTarget, match=r"^allow\[1\] 'x y'"):
        read_rules(["10.0.0.0/8", "x y"], [])
    with pytest.raises(InvalidTarget, match=r"^exclude\[1\] 'x y'"):
        read_rules([], [Exclusion("10.0.0.0/8"), Exclusion("x y")])


@pytest.mark.parametrize(
    ("text", "use"),
    [
        ("0.0.0.0", SpecialUse.UNSPECIFIED),
        ("::", SpecialUse.UNSPECIFIED),
        ("255.255.255.255", SpecialUse.BROADCAST),
        ("224.0.0.1", SpecialUse.MULTICAST),
        ("ff02::1", SpecialUse.MULTICAST),
        ("240.0.0.1", SpecialUse.RESERVED),
        ("::ffff:10.0.0.1", SpecialUse.EMBEDDED_IPV4),
        ("::10.0.0.1", SpecialUse.EMBEDDED_IPV4),
        ("64:ff9b::10.0.0.1", SpecialUse.EMBEDDED_IPV4),
        ("2002:a00:1::", SpecialUse.EMBEDDED_IPV4),
        ("www[224.0.0.1]", SpecialUse.MULTICAST),
    ],
)
def test_an_impossible_target_is_refused_even_where_a_pool_names_it(text: str, use: SpecialUse) -> None:
    assert [part.use for part in special_use(parse([text]).items)] == [use]
    assert Cause.IMPOSSIBLE in causes(text, allow=["0.0.0.0/0", "::/0", text])


def test_a_network_that_reaches_into_an_impossible_block_is_refused() -> None:
    assert causes("223.255.255.0-224.0.0.0") == [Cause.IMPOSSIBLE]


@pytest.mark.parametrize("text", ["127.0.0.1", "::1", "169.254.1.1", "fe80::1", "168.63.129.16", "localhost"])
def test_guarded_addresses_are_refused_unless_the_pool_names_them_alone(text: str) -> None:
    assert causes(text) == [Cause.SPECIAL_USE]
    assert causes(text, allow=["0.0.0.0/0", "::/0", "*"]) == [Cause.SPECIAL_USE]
    assert causes(text, allow=[text]) == []


def test_a_pool_that_allows_loopback_allows_all_of_what_it_names() -> None:
    assert causes("127.0.0.2-127.0.0.9", allow=["127.0.0.0/8"]) == []
    assert causes("127.0.0.2-127.0.0.9", allow=["127.0.0.0/29", "0.0.0.0/0"]) == [Cause.SPECIAL_USE]


def test_allowing_link_local_does_not_allow_the_metadata_service_within_it() -> None:
    assert causes("169.254.169.254", allow=["169.254.0.0/16"]) == [Cause.SPECIAL_USE]
    assert causes("169.254.169.254", allow=["169.254.169.254"]) == []


def test_a_name_that_admission_resolved_to_loopback_is_refused() -> None:
    refused = judged("www.corp.example[127.0.0.1]", allow=["*.corp.example"], resolved=["www.corp.example"])
    assert [each.cause for each in refused] == [Cause.SPECIAL_USE]
