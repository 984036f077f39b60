"""Ordering faults from the emulator."""

from typing import Any

import pytest

from scanpool.emulator.faults import CATALOGUE, BadFaultError, FaultName, Faults


def in_force(**order: Any) -> Faults:
    faults = Faults()
    faults.add(order)
    return faults


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_fault_of_the_catalogue_can_be_ordered_with_its_defaults(name: FaultName) -> None:
    taken = in_force(fault=name).take(name)
    assert taken is not None
    assert dict(taken.parameters) == CATALOGUE[name].parameters


def test_a_fault_acts_as_often_as_it_was_ordered_to() -> None:
    faults = in_force(fault="server_error", times=2)
    assert [faults.take("server_error") is not None for _ in range(3)] == [True, True, False]
    assert faults.active() == ()


def test_a_fault_without_a_number_acts_until_it_is_cleared() -> None:
    faults = in_force(fault="down")
    assert all(faults.take("down") for _ in range(10))
    faults.clear()
    assert faults.take("down") is None


def test_a_fault_for_one_scan_leaves_the_others_alone() -> None:
    faults = in_force(fault="aborted", match="[demo/7/1]", times=1)
    assert faults.take("aborted", "weekly [demo/8/1]") is None
    assert faults.take("aborted", "weekly [demo/7/1]") is not None


def test_a_fault_for_one_path_and_method_leaves_other_requests_alone() -> None:
    faults = in_force(fault="slow", path="/export", method="post")
    assert faults.take("slow", "", "/scans/5/export", "GET") is None
    assert faults.take("slow", "", "/scans/5", "POST") is None
    assert faults.take("slow", "", "/scans/5/export", "POST") is not None


def test_looking_at_a_fault_does_not_use_it_up() -> None:
    faults = in_force(fault="licence", times=1)
    assert faults.look("licence") == faults.look("licence") is not None


def test_a_whole_number_will_do_for_seconds() -> None:
    taken = in_force(fault="slow", seconds=2).take("slow")
    assert taken is not None
    assert taken.parameters["seconds"] == 2.0


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ({}, "unknown fault None"),
        ({"fault": "sulk"}, "unknown fault 'sulk'"),
        ({"fault": "down", "seconds": 1}, "no parameter 'seconds'"),
        ({"fault": "slow", "seconds": "long"}, "must be a float"),
        ({"fault": "licence", "cut": 1}, "must be a bool"),
        ({"fault": "down", "times": 0}, "`times`"),
        ({"fault": "down", "times": True}, "`times`"),
    ],
)
def test_a_wrong_order_is_refused_and_nothing_is_put_in_force(order: dict[str, Any], told: str) -> None:
    faults = Faults()
    with pytest.raises(BadFaultError, match=told):
        faults.add(order)
    assert faults.active() == ()
