"""The fields of findings and of compliance results, and the profiles that name some of them. No I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from scanpool.report.findings.counts import SEVERITIES
from scanpool.report.findings.elements import Facts, is_true, score
from scanpool.report.findings.errors import UnknownField
from scanpool_schemas.names import nearest

Need = Literal["facts", "output", "extras"]
"""What has to be read and unpacked beside the row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A finding or a compliance result as the file holds it, of `facts` and the like as much as was needed."""

    columns: Mapping[str, Any]
    """By the field's name."""
    facts: Facts
    """Elements of the plugin, or the check."""
    output: str | None = None
    extras: Facts
    """Elements that are the finding's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a finding or of a compliance result."""

    name: str
    kind: str
    """For people: text, number, list of texts and so on; what can be null says so."""
    get: Callable[[Row], Any]
    needs: tuple[Need, ...] = ()
    element: str = ""
    """The element that it shows, where it shows one."""


def fields_of(asked: str | Sequence[str], fields: Mapping[str, Field], profiles: Mapping[str, Sequence[str]]) -> Fields:
    """The fields that a profile names, or those that are named one by one.

    Raises:
        UnknownField: there is none of this name; says which is nearest, and all.
    """
    if isinstance(asked, str):
        if asked not in profiles:
            raise UnknownField(f"there is no profile {asked!r}{_meant(asked, profiles)}")
        return Fields(profile=asked, chosen=tuple(fields[name] for name in profiles[asked]))
    if not asked:
        raise UnknownField(f"no field is named. There are: {', '.join(fields)}")
    for name in asked:
        if name not in fields:
            raise UnknownField(f"there is no field {name!r}{_meant(name, fields)}")
    return Fields(profile=None, chosen=tuple(fields[name] for name in dict.fromkeys(asked)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What is shown, in order."""

    profile: str | None
    """None where the fields were named one by one."""
    chosen: tuple[Field, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.chosen)

    def need(self, what: Need) -> bool:
        return any(what in field.needs for field in self.chosen)

    def of(self, row: Row) -> dict[str, Any]:
        """The row as it is shown; values are data, as the report has them."""
        return {field.name: field.get(row) for field in self.chosen}


def finding_fields(asked: str | Sequence[str]) -> Fields:
    """The fields of findings by the name of a profile, or by their own names.

    Raises:
        UnknownField: there is none of this name; says which is nearest, and all.
    """
    return fields_of(asked, FINDING_FIELDS, PROFILES)


def compliance_fields(asked: str | Sequence[str]) -> Fields:
    """The fields of compliance results by the name of a profile, or by their own names.

    Raises:
        UnknownField: there is none of this name; says which is nearest, and all.
    """
    return fields_of(asked, COMPLIANCE_FIELDS, COMPLIANCE_PROFILES)


def _meant(name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = nearest(name, names)
    return f"{f'; did you mean {close!r}?' if close else '.'} There are: {', '.join(names)}"


def _column(name: str, kind: str) -> Field:
    return Field(name=name, kind=kind, get=lambda row: row.columns[name])


def _text(name: str, element: str | None = None, *, of: Literal["facts", "extras"] = "facts") -> Field:
    tag = element or name

    def get(row: Row) -> str | None:
        texts = getattr(row, of).get(tag)
        return None if not texts else texts[0] if len(texts) == 1 else "\n".join(texts)

    return Field(name=name, kind="text or null", get=get, needs=(of,), element=tag)


def _list(name: str) -> Field:
    return _of_facts(name, "list of texts", lambda row: row.facts.get(name, []))


def _flag(name: str) -> Field:
    return _of_facts(name, "true or false", lambda row: is_true(row.facts, name))


def _number(name: str) -> Field:
    return _of_facts(name, "number or null", lambda row: score(row.facts, name))


def _of_facts(element: str, kind: str, get: Callable[[Row], Any]) -> Field:
    return Field(name=element, kind=kind, get=get, needs=("facts",), element=element)


def _attachments(row: Row) -> list[Any]:
    return [json.loads(text) for text in row.extras.get("attachment", ())]


def _severity_name(row: Row) -> str:
    number = row.columns["severity"]
    return "unrated" if number is None else SEVERITIES[number]


def _by_name(fields: Iterable[Field]) -> dict[str, Field]:
    return {field.name: field for field in fields}


def _with_extras(fields: dict[str, Field], *elements: str) -> dict[str, Field]:
    """The fields, and one for every element that neither they nor a column show."""
    shown = {*elements, *(field.element for field in fields.values())}

    def get(row: Row) -> dict[str, list[str]]:
        return {tag: texts for each in (row.facts, row.extras) for tag, texts in each.items() if tag not in shown}

    kind = "object: lists of texts by element, of those that have no field"
    return {**fields, "extras": Field(name="extras", kind=kind, get=get, needs=("facts", "extras"))}


_FLAGS = (
    "exploit_framework_metasploit",
    "exploit_framework_core",
    "exploit_framework_canvas",
    "exploit_framework_d2_elliot",
    "exploit_framework_exploithub",
    "exploited_by_malware",
    "exploited_by_nessus",
    "in_the_news",
    "unsupported_by_vendor",
    "default_account",
)
_ROW = (
    _column("rank", "number: place in the page order, from 1"),
    _column("host", "text: the name"),
    _column("host_ip", "text; empty where the report has none"),
    _column("host_fqdn", "text"),
    _column("netbios_name", "text"),
    _column("operating_system", "text"),
    _column("plugin_id", "number or null"),
)
FINDING_FIELDS: Mapping[str, Field] = _with_extras(
    _by_name(
        (
            *_ROW,
            _column("plugin_name", "text"),
            _column("plugin_family", "text"),
            _column("severity", "number: 0 info to 4 critical; null unrated"),
            Field(name="severity_name", kind="text: info to critical, or unrated", get=_severity_name),
            _column("port", "number; 0 is the host as a whole"),
            _column("protocol", "text: tcp, udp, icmp"),
            _column("svc_name", "text"),
            _list("cve"),
            _column("cvss_score", "number or null: CVSS of version 3, else 4, else 2"),
            _column("cvss_base_score", "number or null: CVSS of version 2"),
            _column("cvss3_base_score", "number or null"),
            _column("cvss4_base_score", "number or null"),
            _number("cvss_temporal_score"),
            _number("cvss3_temporal_score"),
            _number("cvss4_threat_score"),
            _text("cvss_vector"),
            _text("cvss_temporal_vector"),
            _text("cvss3_vector"),
            _text("cvss3_temporal_vector"),
            _text("cvss4_vector"),
            _text("cvss4_threat_vector"),
            _column("vpr_score", "number or null"),
            _column("epss_score", "number or null: 0 to 1"),
            _column("exploit_available", "true or false"),
            _column("known_exploited", "true or false: in the catalogue of CISA"),
            _text("cisa_known_exploited", "cisa-known-exploited"),
            _text("exploitability_ease"),
            *(_flag(name) for name in _FLAGS),
            _text("metasploit_name"),
            _text("canvas_package"),
            _text("synopsis"),
            _text("description"),
            _text("solution"),
            _text("risk_factor"),
            _text("stig_severity"),
            _list("see_also"),
            _list("xref"),
            _list("bid"),
            _list("cwe"),
            _list("cpe"),
            _text("plugin_type"),
            _text("plugin_publication_date"),
            _text("plugin_modification_date"),
            _text("vuln_publication_date"),
            _text("patch_publication_date"),
            _text("first_found", of="extras"),
            _text("last_found", of="extras"),
            _text("vulnerability_state", of="extras"),
            Field(name="plugin_output", kind="text or null", get=lambda row: row.output, needs=("output",)),
            Field(
                name="attachments",
                kind="list of objects: name, type, content",
                get=_attachments,
                needs=("extras",),
                element="attachment",
            ),
        )
    ),
    *("plugin_name", "exploit_available", "cvss_base_score", "cvss3_base_score", "cvss4_base_score"),
    *("vpr_score", "epss_score"),
)
_MINIMAL = ("host", "plugin_id", "severity", "severity_name", "cve", "cvss_score", "exploit_available")
_SUMMARY = (*_MINIMAL, "plugin_name", "cvss3_base_score", "synopsis")
PROFILES: Mapping[str, Sequence[str]] = {
    "minimal": _MINIMAL,
    "summary": _SUMMARY,
    "brief": (*_SUMMARY, "description", "solution"),
    "full": tuple(FINDING_FIELDS),
}

COMPLIANCE_FIELDS: Mapping[str, Field] = _with_extras(
    _by_name(
        (
            *_ROW,
            _column("plugin_family", "text"),
            _column("check_name", "text"),
            _column("check_id", "text; empty where the report has none"),
            _column("result", "text: FAILED, ERROR, WARNING, SKIPPED, PASSED or another word; empty where none"),
            _text("actual_value", "actual-value", of="extras"),
            _text("policy_value", "policy-value", of="extras"),
            _text("info"),
            _text("solution"),
            _text("reference"),
            _text("see_also", "see-also"),
            _text("description"),
            _text("audit_file", "audit-file"),
            _text("output", of="extras"),
            _text("error", of="extras"),
            _text("plugin_output", of="extras"),
        )
    ),
    *("check-name", "check-id"),
)
_RESULT = ("host", "plugin_id", "check_name", "check_id", "result")
_VALUES = (*_RESULT, "actual_value", "policy_value")
COMPLIANCE_PROFILES: Mapping[str, Sequence[str]] = {
    "minimal": _RESULT,
    "summary": _VALUES,
    "brief": (*_VALUES, "info", "solution", "reference"),
    "full": tuple(COMPLIANCE_FIELDS),
}
