"""Names of pools, scanners, credentials and scans."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from scanpool_schemas.names import (
    InvalidName,
    check_credential_id,
    check_pool_name,
    check_scan_id,
    check_scanner_name,
    derived_scan_id,
    is_valid_scan_id,
    nearest,
    new_scan_id,
)

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
POOL_LIKE = [check_pool_name, check_scanner_name, check_credential_id]


@pytest.mark.parametrize("check", POOL_LIKE)
@pytest.mark.parametrize("name", ["a", "0", "internal", "dmz-2", "a_b", "x" * 32])
def test_a_good_name_is_handed_back(check: Callable[[str], str], name: str) -> None:
    assert check(name) == name


@pytest.mark.parametrize("check", POOL_LIKE)
@pytest.mark.parametrize("name", ["", "-a", "_a", "A", "a.b", "a b", "a*", "a>", "x" * 33, "ä", "a\n"])
def test_a_name_that_could_not_stand_in_a_subject_is_refused(check: Callable[[str], str], name: str) -> None:
    with pytest.raises(InvalidName):
        check(name)


@pytest.mark.parametrize("scan_id", ["a", "A-b_9", "_", "x" * 64])
def test_a_good_scan_id_is_handed_back(scan_id: str) -> None:
    assert check_scan_id(scan_id) == scan_id


@pytest.mark.parametrize("scan_id", ["", "x" * 65, "a.b", "a b", "a\n", "é", "٣"])
def test_a_bad_scan_id_is_refused(scan_id: str) -> None:
    with pytest.raises(InvalidName):
        check_scan_id(scan_id)


def test_the_error_says_what_was_found_and_what_is_allowed() -> None:
    with pytest.raises(InvalidName, match=r"'My Pool' is not a valid pool name: it must be 1 to 32 of a-z"):
        check_pool_name("My Pool")


def test_the_error_shows_no_control_characters_and_no_endless_text() -> None:
    with pytest.raises(InvalidName) as raised:
        check_pool_name("\x1b[31m" + "x" * 10_000)
    assert "\x1b" not in str(raised.value)
    assert len(str(raised.value)) < 300


def test_a_new_scan_id_is_a_ulid() -> None:
    # The example of the ULID specification's time: 1469918176385 ms is 01ARYZ6S41.
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=1469918176385)
    assert new_scan_id(at, bytes(10)) == "01ARYZ6S41" + "0" * 16
    assert new_scan_id(at, b"\xff" * 10) == "01ARYZ6S41" + "Z" * 16


def test_new_scan_ids_are_valid_and_sort_by_time() -> None:
    earlier = new_scan_id(NOW, b"\xff" * 10)
    later = new_scan_id(NOW + timedelta(milliseconds=1), bytes(10))
    assert earlier < later
    assert is_valid_scan_id(earlier)


@pytest.mark.parametrize(("now", "entropy"), [(NOW, bytes(9)), (NOW.replace(tzinfo=None), bytes(10))])
def test_a_ulid_takes_ten_bytes_and_a_time_with_a_zone(now: datetime, entropy: bytes) -> None:
    with pytest.raises(ValueError, match="a ULID takes"):
        new_scan_id(now, entropy)


def test_the_same_owner_and_key_derive_the_same_id() -> None:
    assert derived_scan_id("ann", "weekly") == derived_scan_id("ann", "weekly")


def test_a_derived_id_is_a_valid_scan_id_whatever_the_key_holds() -> None:
    assert is_valid_scan_id(derived_scan_id("", "\udc80 \n" * 100))


@pytest.mark.parametrize("other", [("ann", "monthly"), ("bob", "weekly"), ("annw", "eekly"), ("", "annweekly")])
def test_another_owner_or_key_derives_another_id(other: tuple[str, str]) -> None:
    assert derived_scan_id(*other) != derived_scan_id("ann", "weekly")


def test_derived_ids_never_change_between_versions() -> None:
    assert derived_scan_id("ann", "weekly") == "key-3K05659N2B2P89MNKXGBB2371Q"


@pytest.mark.parametrize(("name", "meant"), [("exlude", "exclude"), ("Targets", "targets"), ("zzz", None), ("", None)])
def test_the_nearest_known_name_is_found(name: str, meant: str | None) -> None:
    assert nearest(name, ["targets", "exclude", "name"]) == meant
