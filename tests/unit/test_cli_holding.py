"""Holds, breakers and numbers of pools: who is meant, what is said, what people see."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import msgspec
import pytest
import typer
from rich.console import Console, RenderableType

from scanpool.cli.frame.exits import Failure
from scanpool.cli.frame.operator_options import Instance, hold, instance, person
from scanpool.cli.views.breakers import breaker_line, breakers_view
from scanpool.cli.views.holding import cordoned_line, held, paused_line, resumed_line, uncordoned_line
from scanpool.cli.views.pools import pools_view, scanners_view
from scanpool.cli.views.stats import stats_view
from scanpool.client.breakers import BreakerStatus, breaker_status
from scanpool.client.stats import PoolStats
from scanpool.coordination.control import cordoned, in_force, uncordoned
from scanpool_schemas.keys import Breaker, Control, Hold
from tests.support.builders import MINUTE, NOW
from tests.support.statuses import a_pool, a_scanner

HOSTILE = "evil[/]\x1b[31m\x9b2J\u202e"
A = Instance("lab", "a")


def a_hold(**fields: object) -> Hold:
    return msgspec.convert({"by": "alice", "reason": "new disk", "since": NOW, **fields}, Hold)


def a_breaker(**fields: object) -> BreakerStatus:
    return breaker_status(A.pool, A.scanner, msgspec.convert(fields, Breaker))


def stats(**fields: object) -> PoolStats:
    known = {
        "pool": "lab",
        "paused": None,
        "requested": 0,
        "queued": {"high": 0, "normal": 0, "low": 0},
        "oldest_waiting_s": None,
        "in_flight": {"launching": 0, "running": 0},
        "dead_scans": 0,
        "dead_letters": 0,
        "active": 0,
        "capacity": 2,
        "scanners": (),
        "breakers_not_closed": (),
    }
    return msgspec.convert({**known, **fields}, PoolStats)


def lines(part: RenderableType) -> list[str]:
    console = Console(file=StringIO(), width=250)
    with console.capture() as captured:
        console.print(part)
    return [" ".join(line.split()) for line in captured.get().splitlines()]


def test_a_scanner_is_named_with_its_pool() -> None:
    assert instance("lab.a") == A
    assert str(A) == "lab.a"


@pytest.mark.parametrize("text", ["", "a", "lab.", ".a", "."])
def test_a_scanner_without_its_pool_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"POOL\.SCANNER"):
        instance(text)


def test_who_does_it_is_named_or_logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "bob")
    assert person(" alice  b ") == "alice b"
    assert person(None) == person(" ") == "bob"


def test_who_has_no_name_is_asked_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 2**31 - 7)
    with pytest.raises(Failure, match="say who you are with --by NAME"):
        person(None)


def test_a_hold_ends_after_the_time_that_is_given_or_by_hand() -> None:
    assert hold("alice", "new disk", 30 * MINUTE, NOW) == a_hold(until=NOW + 30 * MINUTE)
    assert hold("alice", "new disk", None, NOW).until is None


def test_a_cordon_is_replaced_by_the_next_one_and_leaves_others_alone() -> None:
    both = cordoned(cordoned(Control(), "a", a_hold()), "b", a_hold())
    again = cordoned(both, "a", a_hold(by="bob"))
    assert (again.cordoned["a"].by, again.cordoned["b"].by) == ("bob", "alice")
    assert set(uncordoned(again, "a").cordoned) == {"b"}
    assert uncordoned(again, "c") == again


def test_holds_that_have_ended_are_in_force_no_more() -> None:
    control = Control(paused=a_hold(until=NOW), cordoned={"a": a_hold(until=NOW + MINUTE), "b": a_hold(until=NOW)})
    left = in_force(control, NOW)
    assert (left.paused, set(left.cordoned)) == (None, {"a"})
    assert in_force(control, NOW + MINUTE) == Control()


def test_a_hold_says_who_why_and_until_when() -> None:
    assert held("paused", a_hold()) == "paused by alice (new disk)"
    assert held("paused", a_hold(until=NOW, reason="")) == "paused by alice until 2026-03-04 05:06:07Z"


def test_what_was_held_back_or_let_go_is_told_with_the_way_back() -> None:
    assert str(cordoned_line("lab.a", a_hold())).endswith("; end it with: scanpool uncordon lab.a")
    assert str(paused_line("lab", a_hold())).endswith("; end it with: scanpool resume lab")
    assert str(uncordoned_line("lab.a", a_hold())).startswith("lab.a is given scans again; it was cordoned by alice")
    assert str(resumed_line("lab", a_hold())).startswith("scans of pool lab are placed again; it was paused by alice")
    assert str(uncordoned_line("lab.a", None)) == "lab.a was not cordoned"
    assert str(resumed_line("lab", None)) == "pool lab was not paused"


@pytest.mark.parametrize(
    ("breaker", "line"),
    [
        (a_breaker(), "closed: the scanner is called"),
        (a_breaker(state="half-open"), "half-open: the scanner is being probed"),
        (a_breaker(state="open"), "open: the scanner is left alone until scanpool breaker reset lab.a"),
        (a_breaker(state="open", until=NOW), "open: the scanner is probed next"),
        (
            a_breaker(state="open", until=NOW + MINUTE),
            "open: the scanner is left alone until 2026-03-04 05:07:07Z, then probed",
        ),
    ],
)
def test_a_breaker_says_what_comes_next(breaker: BreakerStatus, line: str) -> None:
    assert str(breaker_line(breaker, NOW)) == f"the breaker of lab.a is {line}"


def test_breakers_are_a_line_each() -> None:
    seen = lines(
        breakers_view(
            [
                a_breaker(failures=1, reason="refused"),
                a_breaker(state="open", since=NOW, until=NOW + MINUTE, failures=3, reason="refused", opened=2),
                a_breaker(state="open", since=NOW, by="alice", reason="sick", opened=1),
            ]
        )
    )
    assert seen[2:] == [
        "lab.a closed 1 0 refused",
        "lab.a open 3 2026-03-04 05:06:07Z 2026-03-04 05:07:07Z 2 refused",
        "lab.a open 0 2026-03-04 05:06:07Z reset alice 1 sick",
    ]


def test_a_breaker_in_json_has_every_field() -> None:
    assert set(msgspec.to_builtins(a_breaker())) == set(BreakerStatus.__struct_fields__)


def test_scanners_and_pools_show_what_is_held_back() -> None:
    scanner = lines(scanners_view([a_scanner(active=1, cordoned=a_hold(), breaker="open", reason="down")]))[2]
    assert " yes open 1 of 2 " in scanner
    assert scanner.endswith("cordoned by alice (new disk); down")
    pool = lines(pools_view([a_pool(paused=a_hold(), scanners_cordoned=1, breakers_open=2)]))[2]
    assert pool.endswith("paused by alice (new disk), 1 cordoned, 2 breakers open")


def test_a_pool_with_nothing_to_do_says_so() -> None:
    assert lines(stats_view([stats()])) == [
        "pool lab",
        "waiting none",
        "under way none",
        "dead none",
        "places 0 of 2 taken",
    ]
    assert lines(stats_view([])) == ["there is no pool"]


def test_a_pool_in_numbers_says_what_waits_and_what_keeps_it_waiting() -> None:
    busy = stats(
        paused=a_hold(by="bob", reason="busy"),
        requested=7,
        queued={"high": 1, "normal": 0, "low": 1200},
        oldest_waiting_s=timedelta(hours=2).total_seconds(),
        in_flight={"launching": 0, "running": 2},
        dead_scans=1,
        dead_letters=3,
        active=2,
        scanners=(a_scanner(active=2, ready=False, reason="down", cordoned=a_hold(), breaker="open"),),
        breakers_not_closed=(a_breaker(state="open", by="carol", reason="sick"),),
    )
    seen = lines(stats_view([busy, stats(pool="dmz")]))
    assert seen[:7] == [
        "pool lab",
        "held back paused by bob (busy)",
        "not admitted 7",
        "waiting 1 high, 1,200 low; the oldest 2h 00m",
        "under way 2 running",
        "dead 1 scan; 3 dead letters, see: scanpool list-dlq --pool lab",
        "places 2 of 2 taken",
    ]
    assert "lab.a no 2 of 2 open cordoned by alice (new disk); breaker open by carol until reset (sick); down" in seen
    assert "pool dmz" in seen


def test_what_opened_a_breaker_is_told_once() -> None:
    scanner = a_scanner(ready=False, reason="server_status: down", breaker="open")
    opened = a_breaker(state="open", reason="server_status: down")
    seen = lines(stats_view([stats(scanners=(scanner,), breakers_not_closed=(opened,))]))
    assert "lab.a no 0 of 2 open breaker open until reset (server_status: down)" in seen


def test_nothing_that_people_wrote_reaches_the_terminal_but_as_text() -> None:
    wrote = a_hold(by=HOSTILE, reason=HOSTILE)
    breaker = a_breaker(state="open", by=HOSTILE, reason=HOSTILE)
    views: list[RenderableType] = [
        cordoned_line("lab.a", wrote),
        paused_line("lab", wrote),
        breakers_view([breaker]),
        scanners_view([a_scanner(cordoned=wrote)]),
        pools_view([a_pool(paused=wrote)]),
        stats_view([stats(paused=wrote, scanners=(a_scanner(cordoned=wrote),), breakers_not_closed=(breaker,))]),
    ]
    for view in views:
        seen = "".join(lines(view))
        assert "evil[/]" in seen
        assert set("\x1b\x9b\u202e").isdisjoint(seen)
