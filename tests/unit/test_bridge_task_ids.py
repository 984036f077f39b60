"""Ids of tasks can be made by the bridge alone."""

from __future__ import annotations

import pytest

from scanpool.bridge.offering.tasks.ids import TaskIds

OLD, NEW = b"o" * 32, b"n" * 32
ID = "01JD8Z4G2Q8E5W7RZ0T3B6N9KC"


def test_replicas_with_a_key_in_common_open_each_others_ids() -> None:
    sealed = TaskIds("scanpool", (OLD,)).sealed(ID)
    assert TaskIds("scanpool", (NEW, OLD)).opened(sealed) == ID
    assert TaskIds("scanpool", (NEW,)).opened(sealed) is None
    assert TaskIds("another", (OLD,)).opened(sealed) is None


def test_the_first_key_seals() -> None:
    assert TaskIds("scanpool", (NEW, OLD)).sealed(ID) == TaskIds("scanpool", (NEW,)).sealed(ID)


def test_without_keys_each_process_has_one_of_its_own() -> None:
    one, other = TaskIds("scanpool", ()), TaskIds("scanpool", ())
    assert one.opened(one.sealed(ID)) == ID
    assert other.opened(one.sealed(ID)) is None


def test_a_seal_is_128_bit_and_no_part_of_another_seal_fits() -> None:
    ids = TaskIds("scanpool", (NEW,))
    seal = ids.sealed(ID).partition(".")[2]
    assert len(bytes.fromhex(seal)) == 16
    assert ids.opened(f"other.{seal}") is None


@pytest.mark.parametrize("task_id", ["", ".", ID, f"{ID}.", f".{ID}", f"{ID}.\ud800", f"{ID}.é", "\ud800.00"])
def test_what_nobody_sealed_opens_nothing(task_id: str) -> None:
    assert TaskIds("scanpool", (NEW,)).opened(task_id) is None
