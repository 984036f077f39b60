"""Reading YAML without its surprises."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanpool.runtime.configuration import ConfigurationError
from scanpool.runtime.configuration.document import MAX_BYTES, UNREADABLE, read_document
from tests.support.scanners_file import written


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ConfigurationError) as raised:
        read_document(written(folder, text))
    (problem,) = raised.value.problems
    return str(problem).removeprefix(f"{folder}/")


def findings(folder: Path, text: str) -> list[str]:
    document = read_document(written(folder, text))
    return [str(document.problem(each)).removeprefix(f"{folder}/") for each in document.findings]


def test_values_and_their_lines_are_read(tmp_path: Path) -> None:
    document = read_document(written(tmp_path, "a: 1\nb:\n  - x\n  - c: [true, null]\n"))
    assert document.root == {"a": 1, "b": ["x", {"c": [True, None]}]}
    assert document.lines["b"] == 2
    assert document.lines["b[1].c[0]"] == 4
    assert document.findings == []


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    assert read_document(written(tmp_path, "# only a comment\n")).root is None


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    assert read_document(written(tmp_path, "\ufeffa: 1\n")).root == {"a": 1}


def test_a_key_given_twice_is_named_with_both_lines(tmp_path: Path) -> None:
    assert findings(tmp_path, "a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n") == [
        "scanners.yaml:3: b.c: given twice, in lines 3 and 5; keep one of them"
    ]


def test_aliases_are_refused_so_that_a_small_file_cannot_grow_without_bound(tmp_path: Path) -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"k{n}: &k{n} [*{'a' if n == 0 else f'k{n - 1}'}]\n" for n in range(30))
    assert refusal(tmp_path, bomb).startswith("scanners.yaml:2: an alias (*name) is not allowed")


def test_an_alias_to_itself_is_refused(tmp_path: Path) -> None:
    assert "an alias (*name) is not allowed" in refusal(tmp_path, "a: &a [*a]\n")


def test_endless_nesting_is_refused(tmp_path: Path) -> None:
    assert "nested deeper than 20 levels" in refusal(tmp_path, "[" * 50_000)


@pytest.mark.parametrize("text", ["a: !!python/object/apply:os.getcwd []", "a: !custom x", "a: !!set {x: null}"])
def test_tags_are_refused(tmp_path: Path, text: str) -> None:
    (found,) = findings(tmp_path, text)
    assert "a: tag " in found
    assert "is not allowed" in found


@pytest.mark.parametrize("text", ["1: x", "{[a]: x}", "true: x", "null: x"])
def test_a_key_that_is_not_text_is_refused(tmp_path: Path, text: str) -> None:
    (found,) = findings(tmp_path, text)
    assert "a key is not text; put the key in quotes" in found


@pytest.mark.parametrize("text", ["a: 2027-99-99", "a: !!int password", "a: " + "9" * 5_000])
def test_a_value_that_is_none_of_its_kind_is_refused_without_being_repeated(tmp_path: Path, text: str) -> None:
    document = read_document(written(tmp_path, text))
    assert document.root == {"a": UNREADABLE}
    assert "is no valid" in document.findings[0].message
    assert "password" not in document.findings[0].message


def test_broken_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    assert refusal(tmp_path, "a: 1\nb: [1, 2\nc: 3\n").startswith("scanners.yaml:3: ")


@pytest.mark.parametrize("text", ["a: 1\n---\nb: 2\n", "a: \x01\n", "a: @x\n", "\tx", "%YAML 9.9"])
def test_other_broken_yaml_is_refused(tmp_path: Path, text: str) -> None:
    assert refusal(tmp_path, text)


def test_a_file_that_is_not_there_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no such file; write one with `scanpool init`"):
        read_document(tmp_path / "absent.yaml", absent="write one with `scanpool init`")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        read_document(tmp_path)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scanners.yaml"
    path.write_bytes(b"a: \xff\n")
    with pytest.raises(ConfigurationError, match="not UTF-8 at byte 3"):
        read_document(path)


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    assert "is larger than 1,048,576 bytes" in refusal(tmp_path, "#" * (MAX_BYTES + 1))
