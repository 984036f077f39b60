"""Filters as people write them, `severity>=high` or `host=10.0.0.0/24`, made into the typed form. No I/O."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar, get_args

from scanpool.report.findings.errors import BadFilter
from scanpool.report.findings.filters import (
    SEVERITY_NAMES,
    BadFilterValue,
    ComplianceFilters,
    Filters,
    Score,
    ScoreName,
)
from scanpool_schemas.names import nearest

AnyFilters = TypeVar("AnyFilters", Filters, ComplianceFilters)

_CONDITION = re.compile(r"\s*([A-Za-z0-9_-]+)\s*(>=|<=|!=|==|=|>|<|~)\s*(.*?)\s*", re.DOTALL)
_EQUALS = ("=",)
_COMPARED = ("=", ">=", ">", "<=", "<")
_SHOWN = 200
_LONGEST_NUMBER = 18
_YES_OR_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_BY_RANK = tuple(reversed(SEVERITY_NAMES[:5]))
_BY_NUMBER = {str(rank): name for rank, name in enumerate(_BY_RANK)}
_SCORE = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)")
_COMPARE: Mapping[str, Callable[[int, int], bool]] = {
    ">=": lambda one, other: one >= other,
    ">": lambda one, other: one > other,
    "<=": lambda one, other: one <= other,
    "<": lambda one, other: one < other,
}


class _Condition(NamedTuple):
    name: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.name}{self.operator}{self.value[:_SHOWN]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a filter is written."""

    name: str
    example: str
    """With what it takes, for people."""
    operators: tuple[str, ...]
    read: Callable[[_Condition], Any]
    also: tuple[str, ...] = field(default=())
    """Other names that it goes by: those of the fields and elements that it looks at."""


def parse(texts: Iterable[str]) -> Filters:
    """Read conditions on findings, one in each text.

    Raises:
        BadFilter: one is none, or contradicts another; says which there are.
    """
    return _parsed(texts, FILTERS, Filters)


def parse_compliance(texts: Iterable[str]) -> ComplianceFilters:
    """Read conditions on compliance results, one in each text.

    Raises:
        BadFilter: one is none, or contradicts another; says which there are.
    """
    return _parsed(texts, COMPLIANCE_FILTERS, ComplianceFilters)


def _parsed(texts: Iterable[str], forms: Iterable[Form], kind: Callable[..., AnyFilters]) -> AnyFilters:
    by_name = _by_name(forms)
    found: dict[str, Any] = {}
    for text in texts:
        condition = _condition(text, by_name)
        form = by_name[condition.name]
        if condition.operator not in form.operators:
            raise BadFilter(f"filter {str(condition)!r}: {form.name} takes {_listed(form.operators)}: {form.example}")
        _put(found, form.name, form.read(condition._replace(name=form.name)))
    return kind(**found)


def _by_name(forms: Iterable[Form]) -> dict[str, Form]:
    return {name: form for form in forms for name in (form.name, *form.also)}


def _condition(text: str, by_name: Mapping[str, Form]) -> _Condition:
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise BadFilter(f"{text[:_SHOWN]!r} is no filter; write it as {_all_forms(by_name)}")
    name = match[1].lower().replace("-", "_")
    if name not in by_name:
        close = nearest(name, by_name)
        meant = f"; did you mean {close!r}?" if close else "."
        raise BadFilter(f"there is no filter {match[1][:_SHOWN]!r}{meant} There are: {_all_forms(by_name)}")
    return _Condition(name, "=" if match[2] == "==" else match[2], match[3])


def _put(found: dict[str, Any], name: str, value: Any) -> None:
    if isinstance(value, Score):
        found["scores"] = (*found.get("scores", ()), value)
    elif name not in found:
        found[name] = value
    elif name in ("name", "output", "text"):
        found[name] += value
    else:
        raise BadFilter(f"filter {name!r} is given twice; write its values with commas between: {name}=a,b")


def _all_forms(by_name: Mapping[str, Form]) -> str:
    forms = dict.fromkeys(by_name.values())
    return ", ".join(form.example for form in forms)


def _listed(operators: tuple[str, ...]) -> str:
    return operators[0] if len(operators) == 1 else f"{', '.join(operators[:-1])} or {operators[-1]}"


def _texts(condition: _Condition) -> tuple[str, ...]:
    """The values between commas; one in quotes may hold commas."""
    try:
        values = next(csv.reader([condition.value], skipinitialspace=True, strict=True), [])
    except csv.Error as error:
        raise BadFilterValue(condition.name, f"{condition.value[:_SHOWN]!r}: {error}") from error
    return tuple(value.strip() for value in values) or ("",)


def _text(condition: _Condition) -> tuple[str, ...]:
    value = condition.value
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return (value[1:-1] if quoted else value,)


def _cves(condition: _Condition) -> tuple[str, ...]:
    return tuple(text.upper() for text in _texts(condition))


def _whole_number(condition: _Condition, text: str, form: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER):
        raise BadFilterValue(condition.name, f"{text[:_SHOWN]!r} is no number; write it as {form}")
    return int(text)


def _plugin_ids(condition: _Condition) -> tuple[int, ...]:
    return tuple(_whole_number(condition, text, "plugin_id=19506,10180") for text in _texts(condition))


def _ports(condition: _Condition) -> tuple[int, ...]:
    return tuple(_whole_number(condition, text, "port=443,8443") for text in _texts(condition))


def _severity(text: str) -> str:
    word = text.lower()
    if word in _BY_NUMBER:
        return _BY_NUMBER[word]
    if word not in SEVERITY_NAMES:
        close = nearest(word, SEVERITY_NAMES)
        meant = f"did you mean {close!r}? There are: " if close else "there are: "
        raise BadFilterValue("severity", f"{text[:_SHOWN]!r} is none; {meant}{', '.join(SEVERITY_NAMES)}, or 4 to 0")
    return word


def _severities(condition: _Condition) -> tuple[str, ...]:
    if condition.operator == "=":
        return tuple(_severity(text) for text in _texts(condition))
    bound = _severity(condition.value)
    if bound == "unrated":
        raise BadFilterValue("severity", "'unrated' is neither more nor less than others; write severity=unrated")
    compare = _COMPARE[condition.operator]
    fitting = tuple(name for rank, name in enumerate(_BY_RANK) if compare(rank, _BY_RANK.index(bound)))
    if not fitting:
        raise BadFilterValue("severity", f"no severity is {condition.operator} {bound}")
    return fitting


def _yes_or_no(condition: _Condition) -> bool:
    value = _YES_OR_NO.get(condition.value.lower())
    if value is None:
        raise BadFilterValue(condition.name, f"{condition.value[:_SHOWN]!r} is neither true nor false")
    return value


def _score(condition: _Condition) -> Score:
    if not _SCORE.fullmatch(condition.value):
        problem = f"{condition.value[:_SHOWN]!r} is no number; write it as {condition.name}>=7.5"
        raise BadFilterValue(condition.name, problem)
    return Score(condition.name, condition.operator, float(condition.value))  # type: ignore[arg-type]  # the forms allow no other


def _score_forms() -> Iterable[Form]:
    elements = {"cvss": "cvss_score", "cvss2": "cvss_base_score", "vpr": "vpr_score", "epss": "epss_score"}
    for name in get_args(ScoreName):
        also = elements.get(name, f"{name}_base_score")
        example = f"{name}>=0.5 (or >, <, <=, =)" if name == "epss" else f"{name}>=7 (or >, <, <=, =)"
        yield Form(name=name, also=(also,), example=example, operators=_COMPARED, read=_score)


_HOST = Form(name="host", example="host=10.0.0.0/24,web.example", operators=_EQUALS, read=_texts)
_PLUGIN_ID = Form(name="plugin_id", example="plugin_id=19506,10180", operators=_EQUALS, read=_plugin_ids)

FILTERS: tuple[Form, ...] = (
    Form(name="severity", example="severity>=high (or =critical,4)", operators=_COMPARED, read=_severities),
    _HOST,
    _PLUGIN_ID,
    Form(name="family", also=("plugin_family",), example='family="Web Servers"', operators=_EQUALS, read=_texts),
    Form(name="port", example="port=443,8443", operators=_EQUALS, read=_ports),
    Form(name="cve", example="cve=CVE-2021-44228", operators=_EQUALS, read=_cves),
    *_score_forms(),
    Form(name="exploit_available", example="exploit_available=true", operators=_EQUALS, read=_yes_or_no),
    Form(
        name="known_exploited",
        also=("cisa_known_exploited",),
        example="known_exploited=true",
        operators=_EQUALS,
        read=_yes_or_no,
    ),
    Form(name="name", also=("plugin_name",), example="name~openssl", operators=("~",), read=_text),
    Form(name="output", also=("plugin_output",), example='output~"a text"', operators=("~",), read=_text),
    Form(name="text", example="text~openssl (in name or output)", operators=("~",), read=_text),
)
COMPLIANCE_FILTERS: tuple[Form, ...] = (
    Form(name="result", example="result=failed,warning", operators=_EQUALS, read=_texts),
    _HOST,
    _PLUGIN_ID,
    Form(name="name", also=("check_name",), example="name~password", operators=("~",), read=_text),
    Form(name="check_id", example="check_id=1.1.2", operators=_EQUALS, read=_texts),
)
