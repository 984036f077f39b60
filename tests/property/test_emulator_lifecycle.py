"""Laws of a run's life in the emulator, over all histories of looks and commands."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from scanpool.emulator.lifecycle import COMMANDS, Command, Life, Status, Timing, Turn, advance, command, host_share

TIMING = Timing(pending_s=2, scanning_s=20, processing_s=3, transition_s=1)
STEPS = st.lists(st.tuples(st.floats(0, 30), st.none() | st.sampled_from(Command)), max_size=12)
ENDS = st.sampled_from([Status.ABORTED, Status.CANCELED, Status.PAUSED])
TURNS = st.none() | st.builds(Turn, at=st.floats(0, 1), to=ENDS)


def history(steps: list[tuple[float, Command | None]], turn: Turn | None) -> list[tuple[float, Life]]:
    now, life = 0.0, Life(status=Status.PENDING, since=0, turn=turn)
    lives = [(now, life)]
    for pause, order in steps:
        now += pause
        life = advance(life, TIMING, now)
        life = (command(life, order, now) or life) if order else life
        lives.append((now, life))
    return lives


@given(STEPS, TURNS)
def test_what_has_ended_never_lives_again(steps: list[tuple[float, Command | None]], turn: Turn | None) -> None:
    lives = [life for _, life in history(steps, turn)]
    for before, after in pairwise(lives):
        assert before.status.active or after == before


@given(STEPS, TURNS)
def test_progress_never_goes_back_and_stays_within_the_whole(
    steps: list[tuple[float, Command | None]], turn: Turn | None
) -> None:
    shares = [life.share(TIMING, now) for now, life in history(steps, turn)]
    assert all(0 <= share <= 1 for share in shares)
    assert all(before <= after + 1e-9 for before, after in pairwise(shares))


@given(STEPS, TURNS, st.floats(0, 100))
def test_looking_more_often_changes_nothing(
    steps: list[tuple[float, Command | None]], turn: Turn | None, later: float
) -> None:
    now, life = history(steps, turn)[-1]
    halfway = advance(life, TIMING, now + later / 2)
    assert advance(halfway, TIMING, now + later) == advance(life, TIMING, now + later)


@given(STEPS)
def test_a_run_that_nobody_pauses_ends(steps: list[tuple[float, Command | None]]) -> None:
    now, life = history(steps, None)[-1]
    if life.status not in (Status.PAUSING, Status.PAUSED):
        assert not advance(life, TIMING, now + 1000).status.active


@given(st.sampled_from(Command), st.sampled_from(Status))
def test_a_command_is_refused_exactly_where_the_table_says_nothing(order: Command, status: Status) -> None:
    allowed = command(Life(status=status, since=0), order, 1) is not None
    assert allowed == (status in COMMANDS[order])


@given(st.integers(1, 50), st.floats(0, 1))
def test_a_host_has_come_no_further_than_one_that_began_before_it(hosts: int, share: float) -> None:
    shares = [host_share(place, hosts, share) for place in range(hosts)]
    known = [one for one in shares if one is not None]
    assert shares[: len(known)] == known == sorted(known, reverse=True)
    assert all(0 <= one <= 1 for one in known)


@given(st.integers(1, 2000))
def test_a_scan_that_is_done_has_finished_every_host(hosts: int) -> None:
    assert {host_share(place, hosts, 1.0) for place in range(hosts)} == {1.0}
