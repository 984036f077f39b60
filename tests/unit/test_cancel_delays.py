"""How soon a scan says that it is cancelled, once its scanner would say so; with every setting at its default."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scanpool.scanners.scanner import Activity
from scanpool_schemas.scan import Failed
from tests.support.builders import NUMBER, a_launching_scan, a_running_scan, a_stopping_scan
from tests.support.poller_rig import SETTINGS, PollerRig, committed

SAID_WITHIN = timedelta(seconds=60)
HOUR = timedelta(hours=1)


class StoppingSlowly(PollerRig):
    """The scan is over on its scanner some time after it was asked to stop; the scanner may be down meanwhile."""

    def __init__(self, takes: timedelta, down_from: timedelta, down_until: timedelta) -> None:
        super().__init__()
        self._takes, self._down_from, self._down_until = takes, down_from, down_until
        self._asked_at: timedelta | None = None
        self.confirmed_at: timedelta | None = None
        """Since when the scanner says that nothing of it runs, to whoever asks."""

    def happens(self) -> None:
        self.scanner.down = self._down_from <= self.passed < self._down_until
        if self.on_scanner.activity is Activity.STOPPING and self._asked_at is None:
            self._asked_at = self.passed
        if self._asked_at is not None and self.passed >= self._asked_at + self._takes:
            self.on_scanner.activity = Activity.CANCELED
            if not self.scanner.down and self.confirmed_at is None:
                self.confirmed_at = self.passed


@pytest.mark.parametrize("down_for", [0, 20, 45, 300])
@pytest.mark.parametrize("down_from", [0, 1, 7])
@pytest.mark.parametrize("takes", [0, 3, 59, 240])
async def test_a_cancelled_scan_says_so_within_a_minute_of_its_scanners_confirmation(
    takes: int, down_from: int, down_for: int
) -> None:
    rig = StoppingSlowly(*(timedelta(seconds=each) for each in (takes, down_from, down_from + down_for)))
    end = committed(await rig.follow(a_stopping_scan(), HOUR))
    assert isinstance(end, Failed)
    assert (end.end, end.error.code) == ("cancelled", "cancelled")
    assert rig.confirmed_at is not None
    assert rig.passed - rig.confirmed_at <= SAID_WITHIN


async def test_a_scan_whose_launch_may_be_on_its_way_is_looked_at_as_soon_as_none_can_be() -> None:
    rig = PollerRig()
    rig.on_scanner.activity, rig.on_scanner.launched = Activity.EMPTY, 0
    scan = a_stopping_scan(a_launching_scan(intent=NUMBER))
    assert scan.lease is not None
    end = committed(await rig.follow(scan, HOUR))
    assert isinstance(end, Failed)
    assert rig.now() == scan.lease.until + SETTINGS.launch.takeover_after


async def test_a_scan_that_does_not_stop_is_never_said_to_have_stopped() -> None:
    rig = StoppingSlowly(2 * HOUR, timedelta(0), timedelta(0))
    assert committed(await rig.follow(a_stopping_scan(), HOUR)) is None


async def test_a_scan_that_somebody_resumes_is_asked_to_stop_again() -> None:
    class Resumed(PollerRig):
        def happens(self) -> None:
            if self.on_scanner.activity is Activity.STOPPING and self.passed < timedelta(seconds=20):
                self.on_scanner.activity = Activity.RUNNING
            elif self.on_scanner.activity is Activity.STOPPING:
                self.on_scanner.activity = Activity.CANCELED

    assert isinstance(committed(await Resumed().follow(a_stopping_scan(a_running_scan()), HOUR)), Failed)
