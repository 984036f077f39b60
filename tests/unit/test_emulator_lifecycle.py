"""The life of a run in the emulator: status over time, and what commands do."""

import pytest

from scanpool.emulator.lifecycle import Command, Life, Status, Timing, Turn, advance, command, host_share

TIMING = Timing(pending_s=5, scanning_s=85, processing_s=10, transition_s=2)
LAUNCHED = Life(status=Status.PENDING, since=0)


def at(now: float, life: Life = LAUNCHED) -> Life:
    return advance(life, TIMING, now)


def ordered(order: Command, now: float, life: Life = LAUNCHED) -> Life:
    following = command(at(now, life), order, now)
    assert following is not None
    return following


@pytest.mark.parametrize(
    ("now", "status"),
    [
        (0, Status.PENDING),
        (4.9, Status.PENDING),
        (5, Status.RUNNING),
        (89, Status.RUNNING),
        (90, Status.PROCESSING),
        (100, Status.COMPLETED),
        (1e9, Status.COMPLETED),
    ],
)
def test_a_run_waits_scans_processes_and_ends(now: float, status: Status) -> None:
    assert at(now).status is status


def test_a_run_ends_when_its_last_step_ended_and_not_when_somebody_looked() -> None:
    assert at(5000).since == 100


def test_a_pause_takes_a_moment_and_costs_no_progress() -> None:
    pausing = ordered(Command.PAUSE, 47.5)
    assert [at(48, pausing).status, at(500, pausing).status] == [Status.PAUSING, Status.PAUSED]
    resuming = ordered(Command.RESUME, 1000, pausing)
    assert at(1001, resuming).status is Status.RESUMING
    assert at(1002, resuming).share(TIMING, 1002) == pytest.approx(0.5)
    assert at(1002 + 42.5 + 10, resuming).status is Status.COMPLETED


def test_a_stopped_run_ends_as_canceled() -> None:
    stopping = ordered(Command.STOP, 30)
    assert [at(31, stopping).status, at(32, stopping).status] == [Status.STOPPING, Status.CANCELED]


def test_a_killed_run_ends_at_once() -> None:
    assert ordered(Command.KILL, 31, ordered(Command.STOP, 30)).status is Status.ABORTED


def test_a_run_that_gives_up_does_so_after_its_share() -> None:
    life = Life(status=Status.PENDING, since=0, turn=Turn(at=0.5, to=Status.ABORTED))
    assert at(47, life).status is Status.RUNNING
    assert at(47.5, life).status is Status.ABORTED
    assert at(1000, life).share(TIMING, 1000) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("order", "now"),
    [(Command.PAUSE, 0), (Command.RESUME, 50), (Command.STOP, 200), (Command.KILL, 200), (Command.STOP, 95)],
)
def test_a_command_that_the_status_does_not_allow_is_refused(order: Command, now: float) -> None:
    assert command(at(now), order, now) is None


def test_a_time_scale_shortens_every_part() -> None:
    whole = Timing.of(100, time_scale=10)
    assert whole.pending_s + whole.scanning_s + whole.processing_s == pytest.approx(10)


def test_hosts_begin_one_after_the_other_and_all_end_with_the_scan() -> None:
    begun = [sum(host_share(place, 4, share) is not None for place in range(4)) for share in (0, 0.2, 0.4, 1)]
    assert begun == [1, 2, 3, 4]
    assert [host_share(place, 4, 1.0) for place in range(4)] == [1.0] * 4


def test_one_host_alone_takes_the_whole_scan() -> None:
    assert host_share(0, 1, 0.25) == pytest.approx(0.25)


@pytest.mark.parametrize("status", [Status.ABORTED, Status.CANCELED, Status.PAUSED])
def test_a_run_may_take_a_turn_by_itself(status: Status) -> None:
    life = Life(status=Status.PENDING, since=0, turn=Turn(at=0.5, to=status))
    assert [at(47, life).status, at(1000, life).status] == [Status.RUNNING, status]
    assert at(1000, life).since == 47.5


def test_a_run_that_paused_by_itself_is_resumed_and_completes() -> None:
    resuming = ordered(Command.RESUME, 1000, Life(status=Status.PENDING, since=0, turn=Turn(at=0.5, to=Status.PAUSED)))
    assert at(1002 + 42.5 + 10, resuming).status is Status.COMPLETED


def test_a_run_that_is_stuck_goes_on_by_a_command_only() -> None:
    pending = Life(status=Status.PENDING, since=0, stuck=Status.PENDING)
    assert at(1e9, pending).status is Status.PENDING
    assert at(1e9, ordered(Command.STOP, 10, pending)).status is Status.CANCELED
    stopping = ordered(Command.STOP, 30, Life(status=Status.PENDING, since=0, stuck=Status.STOPPING))
    assert at(1e9, stopping).status is Status.STOPPING
    assert ordered(Command.KILL, 40, stopping).status is Status.ABORTED


def test_tenables_cloud_aborts_what_waits_or_is_paused_for_too_long() -> None:
    timing = Timing.of(60, 1, cloud=True)
    pending = Life(status=Status.PENDING, since=0, stuck=Status.PENDING)
    paused = Life(status=Status.PAUSED, since=0)
    assert [advance(pending, timing, now).status for now in (14_399, 14_400)] == [Status.PENDING, Status.ABORTED]
    assert [advance(paused, timing, now).status for now in (1_209_599, 1_209_600)] == [Status.PAUSED, Status.ABORTED]
