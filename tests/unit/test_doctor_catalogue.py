"""The doctor's catalogue: every code that it can give and no other, each with a remedy; the page is made from it."""

from __future__ import annotations

import ast
from pathlib import Path

import anyio
import pytest

from scanpool.cli.doctor.catalogue import ANYWHERE, FINDINGS, KINDS, NAMES, SECTIONS
from scanpool.cli.doctor.check import Check, fine, found, unseen
from scanpool.cli.doctor.examine import concluded, examine
from scanpool.cli.doctor.units import Unit, chosen, needs_nats
from scanpool.runtime.errors import BrokerUnavailable, TopologyMissing
from tests.support.doctor_reference import COMMAND, rendered

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "services" / "scanpool" / "cli" / "doctor"


def codes_in_source() -> set[str]:
    """Every word in the sources that is a code, outside of the catalogue."""
    paths = [path for path in SOURCE.rglob("*.py") if path.parent.name != "catalogue"]
    words = {
        node.value
        for path in paths
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return words & FINDINGS.keys()


@pytest.mark.usefixtures("checkout")
def test_every_code_of_the_catalogue_can_be_given() -> None:
    assert FINDINGS.keys() - codes_in_source() == set()


def test_a_code_stands_in_the_catalogue_once() -> None:
    listed = [each.code for findings in (*(kind.findings for kind in KINDS), ANYWHERE) for each in findings]
    assert len(listed) == len(set(listed))


def test_sections_stand_together_and_in_order() -> None:
    assert list(dict.fromkeys(kind.section for kind in KINDS)) == list(SECTIONS)


@pytest.mark.parametrize("finding", FINDINGS.values(), ids=lambda each: each.code)
def test_what_may_be_wrong_is_a_sentence_and_has_a_remedy(finding: object) -> None:
    assert finding.meaning.endswith(".")  # type: ignore[attr-defined]
    assert finding.remedy  # type: ignore[attr-defined]


@pytest.mark.usefixtures("checkout")
def test_the_page_is_what_the_code_says() -> None:
    page = ROOT / "docs" / "reference" / "doctor.md"
    assert page.read_text(encoding="utf-8") == rendered(), f"run `{COMMAND}`"


def test_facts_stand_beside_what_all_checks_have_and_never_in_its_place() -> None:
    document = fine("licence", "lab.a", "good", ips=16, status="red").document()
    assert (document["ips"], document["status"], document["remedy"]) == (16, "ok", None)
    assert found("dead_letters_wait", "lab", "m", "r").document()["code"] == "dead_letters_wait"


def a_unit(section: str = "nats", names: tuple[str, ...] = ("replicas",), **fields: object) -> Unit:
    async def look() -> list[Check]:
        return [fine(names[0], "", "good")]

    return Unit(**{"section": section, "names": names, "place": "", "look": look, **fields})  # type: ignore[arg-type]


def test_parts_are_chosen_by_section_or_by_check() -> None:
    streams, scanner = a_unit(names=("replicas", "clock")), a_unit("scanners", ("licence",))
    assert chosen([streams, scanner], set()) == [streams, scanner]
    assert chosen([streams, scanner], {"clock"}) == [streams]
    assert chosen([streams, scanner], {"scanners"}) == [scanner]
    assert {"clock", "licence", "scanners"} <= set(NAMES)


async def test_a_part_that_hangs_costs_its_own_time_and_no_other_check() -> None:
    async def hangs() -> list[Check]:
        await anyio.sleep_forever()
        raise AssertionError

    told: list[tuple[int, int]] = []
    parts = [a_unit("scanners", ("answer",), place="lab.a", look=hangs), a_unit()]
    with anyio.fail_after(2):
        late, good = await examine(parts, 0.05, lambda done, every, _what: told.append((done, every)))
    assert (late.code, late.section, late.place) == ("check_timed_out", "scanners", "lab.a")
    assert late.remedy.startswith("scanpool doctor --only scanners --timeout ")
    assert good.status == "ok"
    assert told == [(1, 2), (2, 2)]


async def test_what_cannot_be_looked_at_is_told_unless_something_missing_explains_it() -> None:
    async def refused() -> list[Check]:
        raise BrokerUnavailable("no answer")

    async def absent() -> list[Check]:
        raise TopologyMissing("stream X does not exist")

    checks = await examine([a_unit(look=refused), a_unit("pools", ("places",), look=absent)], 1)
    assert [each.code for each in checks] == ["check_failed", "check_failed"]
    missing = found("topology_missing", "stream X", "is missing", "scanpool topology apply")
    assert [each.section for each in concluded(checks, set())] == ["nats", "pools"]
    assert [each.code for each in concluded([*checks, missing], set())] == ["check_failed", "topology_missing"]


def test_only_what_was_asked_for_is_told_in_the_order_of_the_catalogue() -> None:
    checks = [fine("licence", "lab.a", "m"), fine("replicas", "", "m"), fine("clock", "n1", "m")]
    assert [each.name for each in concluded(checks, set())] == ["replicas", "clock", "licence"]
    assert [each.name for each in concluded(checks, {"clock"})] == ["clock"]
    late = unseen("check_timed_out", "clock", "", "m", "r")
    assert concluded([late, *checks], {"clock"})[0] == late


@pytest.mark.parametrize(
    ("only", "needed"),
    [
        ((), True),
        (("scanners",), True),
        (("answer", "certificate"), False),
        (("secrets",), False),
        (("file", "breaker"), True),
        (("configuration",), True),
        (("work_dir",), False),
    ],
)
def test_nats_is_asked_only_where_a_check_comes_of_it(only: tuple[str, ...], needed: bool) -> None:
    assert needs_nats(only) == needed
