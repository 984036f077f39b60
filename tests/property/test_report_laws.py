"""Laws of reading a report, over all cuts, truncations, mutations and orders."""

from __future__ import annotations

import itertools

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from scanpool.report.limits import Limits
from scanpool.report.scan_verdict import Asked
from scanpool.report.tree import ReportTree
from scanpool.report.validate import validate
from scanpool_schemas.result import AuthenticationStatus, Credentials, LoginVerdict, Result
from tests.support.reports import compliance, host, item, plugin_setting, policy, report, scan_info

ANSWERS = [
    None,
    "no",
    "yes",
    "yes, as 'u' via ssh",
    r"yes, as 'D\u' via SMB",
    "yes (on the localhost)",
    "yes, via SNMP",
]
ITEMS = [
    *(scan_info(answer) for answer in ANSWERS),
    scan_info("yes", scan_type="Unix Agent"),
    *(item(plugin, "Protocol : SSH\nMessage : refused") for plugin in (104410, 110385, 117885, 117887, 141118, 21745)),
    item(10180, "considered as dead"),
    item(12634, "Nessus can run commands on localhost."),
    item(1, "an output", severity=4),
    compliance("FAILED"),
]
TAGS = [
    {},
    {"Credentialed_Scan": "true"},
    {"Credentialed_Scan": "false"},
    {"local-checks-proto": "local"},
    {"local-checks-proto": "ssh", "ssh-login-used": "u"},
]
POLICY = policy(plugin_setting("SSH settings", "SSH user name :", "audit"))

host_items = st.lists(st.sampled_from(ITEMS), max_size=6)
hosts = st.lists(st.tuples(host_items, st.sampled_from(TAGS)), max_size=6)
asked = st.builds(Asked, credentials=st.sampled_from(Credentials), privileged=st.booleans())


def rendered(shown: list[tuple[list[str], dict[str, str]]]) -> list[str]:
    return [host(f"10.0.0.{number}", *items, tags=tags) for number, (items, tags) in enumerate(shown)]


def padded(size_bytes: int) -> str:
    return item(2, "x" * 997) * (size_bytes // 1000)


SMALL = report(*rendered([([each], TAGS[number % len(TAGS)]) for number, each in enumerate(ITEMS)]), policy=POLICY)
LARGE = report(
    host("10.0.0.1", scan_info("no"), padded(900_000), item(104410, "refused")),
    *(host(f"10.1.0.{number}", scan_info("yes, as 'u' via ssh"), padded(20_000)) for number in range(20)),
    policy=POLICY,
)
EXPECTED = validate([LARGE])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, len(LARGE)), max_size=12))
def test_whatever_pieces_the_bytes_come_in_the_result_is_the_same(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(LARGE)]
    pieces = [LARGE[start:end] for start, end in itertools.pairwise(edges)]
    assert validate(pieces) == EXPECTED


@settings(max_examples=30, deadline=None)
@given(st.integers(1_000, 400_000))
def test_wherever_a_block_ends_no_item_is_lost_or_doubled(block: int) -> None:
    tree = ReportTree(Limits())
    outputs: list[str] = []
    hosts_ended = 0
    for start in range(0, len(LARGE), block):
        for part in tree.feed(LARGE[start : start + block]):
            outputs += [each.output for each in part.items()]
            hosts_ended += part.is_last
    tree.close()
    assert hosts_ended == 21
    assert len(outputs) == 900 + 2 + 20 * 21
    assert outputs.count("x" * 997) == 900 + 20 * 20


@given(st.integers(0, SMALL.rindex(b">") - 1))
def test_a_report_that_is_cut_anywhere_is_never_believed(length: int) -> None:
    result = validate([SMALL[:length]])
    assert result.error is not None
    assert (result.valid, result.authentication_status) == (False, AuthenticationStatus.UNKNOWN)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, LARGE.rindex(b">") - 1))
def test_a_large_report_that_is_cut_anywhere_is_never_believed(length: int) -> None:
    assert validate([LARGE[:length]]).error is not None


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A report with some of its bytes replaced, removed, doubled or moved."""
    data = bytearray(SMALL)
    for _ in range(draw(st.integers(1, 8))):
        start = draw(st.integers(0, len(data)))
        length = draw(st.sampled_from([0, 1, 1, 2, 8, 50, 400]))
        taken = bytes(data[start : start + length])
        data[start : start + length] = draw(
            st.one_of(
                st.binary(max_size=4),
                st.just(taken * 2),
                st.just(b""),
                st.sampled_from([b"<", b">", b"&", b'"', b"]]>", b"<!--", b"<![CDATA[", b"&x;", b"\x00", b"\xff\xfe"]),
                st.sampled_from([b"<ReportHost>", b"</ReportHost>", b"<Report>", b"</ReportItem>", b"<tag name=''>"]),
            )
        )
    return bytes(data)


@settings(max_examples=500, deadline=None)
@given(mutated(), asked)
def test_no_mutation_of_a_report_makes_reading_it_fail_otherwise_than_by_a_refusal(data: bytes, asks: Asked) -> None:
    result = validate([data], asks)
    assert (result.error is None) or not result.valid
    assert msgspec.json.decode(msgspec.json.encode(result), type=Result) == result


@given(st.binary(max_size=200))
def test_no_bytes_whatever_make_reading_them_fail_otherwise_than_by_a_refusal(data: bytes) -> None:
    assert validate([data]).error is not None


@given(hosts, asked, st.randoms(use_true_random=False))
def test_the_order_of_hosts_and_items_does_not_matter(
    shown: list[tuple[list[str], dict[str, str]]], asks: Asked, random: st.DataObject
) -> None:
    def shuffled(values: list[str]) -> list[str]:
        return sorted(values, key=lambda _: random.random())  # type: ignore[attr-defined]  # a Random

    other = [(shuffled(items), tags) for items, tags in shown]
    first, second = validate([report(*rendered(shown))], asks), validate([report(*shuffled(rendered(other)))], asks)
    assert (first.authentication_status, first.validation_stats) == (
        second.authentication_status,
        second.validation_stats,
    )
    assert first.validation_warnings == second.validation_warnings


@given(hosts, asked)
def test_a_success_is_a_login_on_every_host_that_counts(
    shown: list[tuple[list[str], dict[str, str]]], asks: Asked
) -> None:
    result = validate([report(*rendered(shown))], asks)
    stats = result.validation_stats
    if result.authentication_status is AuthenticationStatus.SUCCESS:
        assert stats.hosts_covered == stats.hosts_counted
        assert stats.hosts_counted or not stats.credential_proof
    counts = msgspec.structs.asdict(stats.hosts)
    assert sum(counts.values()) - counts["agents"] == 2 * counts["total"]


@given(hosts, asked)
def test_a_host_that_was_not_logged_in_to_never_makes_a_scan_look_better(
    shown: list[tuple[list[str], dict[str, str]]], asks: Asked
) -> None:
    order = [AuthenticationStatus.FAILED, AuthenticationStatus.PARTIAL, AuthenticationStatus.SUCCESS]
    before = validate([report(*rendered(shown))], asks).authentication_status
    after = validate([report(*rendered([*shown, ([scan_info("no")], {})]))], asks).authentication_status
    assert after is not AuthenticationStatus.SUCCESS
    if before in order and after in order:
        assert order.index(after) <= order.index(before)


@given(hosts, asked)
def test_the_scanner_itself_never_changes_coverage_or_proof(
    shown: list[tuple[list[str], dict[str, str]]], asks: Asked
) -> None:
    local = ([scan_info("yes (on the localhost)")], dict[str, str]())
    before, after = (validate([report(*rendered(each))], asks) for each in (shown, [*shown, local]))
    assert before.validation_stats.coverage == after.validation_stats.coverage
    assert before.validation_stats.credential_proof == after.validation_stats.credential_proof
    assert [row.verdict for row in after.hosts].count(LoginVerdict.LOCAL) >= 1
