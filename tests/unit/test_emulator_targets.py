"""How the emulator reads target lists, and which simulated hosts answer for them."""

import time

import pytest

from scanpool.emulator.hosts import Host
from scanpool.emulator.network import Found, Network
from scanpool.emulator.options import Options
from scanpool.emulator.targets import BadTargetError, spans_of


def found(targets: str, *hosts: Host, limit: int = 1000) -> Found:
    return Network(hosts or Options().hosts).find(targets, limit=limit)


def addresses(targets: str, *hosts: Host) -> list[str]:
    return [responder.address for responder in found(targets, *hosts).responders]


@pytest.mark.parametrize(
    ("targets", "answering"),
    [
        ("10.20.0.1", ["10.20.0.1"]),
        ("10.20.0.0/30", ["10.20.0.0", "10.20.0.1", "10.20.0.2", "10.20.0.3"]),
        ("10.20.0.0/255.255.255.254", ["10.20.0.0", "10.20.0.1"]),
        ("10.20.0.9-10.20.0.10", ["10.20.0.9", "10.20.0.10"]),
        ("10.20.0-1.4-5", ["10.20.0.4", "10.20.0.5", "10.20.1.4", "10.20.1.5"]),
        ("10.20.0.1,10.20.0.2\n10.20.0.3,", ["10.20.0.1", "10.20.0.2", "10.20.0.3"]),
        ("2001:db8::1", ["2001:db8::1"]),
    ],
)
def test_every_form_of_target_reaches_its_addresses(targets: str, answering: list[str]) -> None:
    assert addresses(targets) == answering


def test_an_address_named_twice_answers_once() -> None:
    assert addresses("10.20.0.1,10.20.0.0/31") == ["10.20.0.1", "10.20.0.0"]


def test_a_name_is_found_and_is_what_the_report_calls_the_host() -> None:
    (responder,) = found("WEB1.lab.example").responders
    assert (responder.address, responder.label) == ("10.10.0.1", "WEB1.lab.example")


def test_a_pinned_name_reaches_the_address_in_brackets() -> None:
    (responder,) = found("intranet.corp.example[10.10.3.7]").responders
    assert (responder.address, responder.label) == ("10.10.3.7", "intranet.corp.example")
    assert responder.host.os == "windows"


def test_what_cannot_be_resolved_is_told_and_answers_nothing() -> None:
    nothing = found("nowhere.example,10.0.0.300,10.0.0.1 10.0.0.2")
    assert nothing.responders == ()
    assert set(nothing.unknown) == {"nowhere.example", "10.0.0.300", "10.0.0.1 10.0.0.2"}


def test_addresses_outside_the_simulated_network_are_silent() -> None:
    assert addresses("8.8.8.0/24,10.10.200.1") == []


def test_the_first_host_that_covers_an_address_wins() -> None:
    special, rest = Host(address="10.0.0.5", os="windows"), Host(address="10.0.0.0/24")
    systems = [one.host.os for one in found("10.0.0.4-10.0.0.6", special, rest).responders]
    assert systems == ["linux", "windows", "linux"]


def test_a_silent_range_hides_what_comes_after_it_but_not_what_comes_before() -> None:
    hosts = Host(address="10.0.0.5"), Host(address="10.0.0.0/24", os="silent"), Host(address="10.0.0.0/23")
    assert addresses("10.0.0.0-10.0.1.1", *hosts) == ["10.0.0.5", "10.0.1.0", "10.0.1.1"]


def test_a_scan_reports_on_a_limited_number_of_hosts_and_says_so() -> None:
    many = found("10.20.0.0/16", limit=50)
    assert len(many.responders) == 50
    assert many.cut


def test_a_huge_target_is_not_expanded() -> None:
    begun = time.process_time()
    found("8.0.0.0/5,2600::/16,10.10.0.0/16")
    assert time.process_time() - begun < 1.0


@pytest.mark.parametrize("expression", ["", "host", "10.0.0.9-10.0.0.1", "10.0.0.0/33", "1-2-3", "10.0.0.1-::1"])
def test_what_is_no_address_is_refused(expression: str) -> None:
    with pytest.raises(BadTargetError, match="no address"):
        spans_of(expression)
