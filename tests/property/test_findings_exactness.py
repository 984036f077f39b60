"""Whatever a report says comes back item by item, also where items of one plugin say different things."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from hypothesis import given, settings
from hypothesis import strategies as st

from scanpool.report.findings.identity import finding_identity
from scanpool.report.findings.packing import unpacked_numbers
from scanpool.report.findings.query import every_finding
from scanpool.report.findings.store import Store
from tests.support.findings import findings_file
from tests.support.reports import host, item

TEXTS = ("description", "synopsis", "solution", "risk_factor", "plugin_type")
LISTS = ("see_also", "cve", "xref", "bid")
OTHERS = ("a_new_element", "script_version")
IDENTIFYING = ("plugin_id", "port", "protocol", "severity")
SHOWN = ("host", "plugin_id", "severity", "port", "plugin_output", "cvss3_base_score", *TEXTS, *LISTS, "extras")

# Few and alike, so that items often differ in one thing only: a text, its element, or where it ends.
texts = st.sampled_from(["", "a", "b", "ab", "a b", "Ä", "<&>", "]]>", "None", "\u2028"])
elements = st.lists(st.tuples(st.sampled_from([*TEXTS, *LISTS, *OTHERS, "cvss3_base_score"]), texts), max_size=3)
items = st.fixed_dictionaries(
    {
        "plugin_id": st.sampled_from([1, 2]),
        "severity": st.sampled_from([1, 3]),
        "port": st.sampled_from([0, 443]),
        "output": st.one_of(st.none(), texts),
        "elements": elements,
    }
)
Item = Mapping[str, Any]


def markup(of: Item) -> str:
    children = "".join(f"<{tag}>{escape(text)}</{tag}>\n" for tag, text in of["elements"])
    return item(of["plugin_id"], of["output"], severity=of["severity"], port=of["port"], children=children)


def shown(name: str, of: Item) -> dict[str, Any]:
    """The finding that the item is."""

    def said(tag: str) -> list[str]:
        return [text for each, text in of["elements"] if each == tag]

    return {
        "host": name,
        "plugin_id": of["plugin_id"],
        "severity": of["severity"],
        "port": of["port"],
        "plugin_output": of["output"],
        "cvss3_base_score": None,
        **{tag: "\n".join(said(tag)) if said(tag) else None for tag in TEXTS},
        **{tag: said(tag) for tag in LISTS},
        # One element holds a list, an entry a line.
        "see_also": [line.strip() for text in said("see_also") for line in text.splitlines() if line.strip()],
        "extras": {tag: said(tag) for tag in OTHERS if said(tag)},
    }


def in_any_order(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


@given(st.lists(st.lists(items, max_size=6), min_size=1, max_size=4))
@settings(max_examples=100)
def test_every_item_comes_back_as_the_report_has_it(hosts: Sequence[Sequence[Item]]) -> None:
    names = [f"10.0.0.{number}" for number in range(1, len(hosts) + 1)]
    made = [host(name, *map(markup, its)) for name, its in zip(names, hosts, strict=True)]
    with tempfile.TemporaryDirectory() as folder, Store(findings_file(Path(folder), *made)) as store:
        found = list(every_finding(store, fields=SHOWN))
    expected = [shown(name, each) for name, its in zip(names, hosts, strict=True) for each in its]
    assert in_any_order(found) == in_any_order(expected)


@given(st.lists(st.lists(items, max_size=6), min_size=1, max_size=4))
@settings(max_examples=100)
def test_what_is_kept_of_a_host_is_made_of_its_findings(hosts: Sequence[Sequence[Item]]) -> None:
    made = [host(f"10.0.0.{n}", *map(markup, its)) for n, its in enumerate(hosts)]
    with tempfile.TemporaryDirectory() as folder, Store(findings_file(Path(folder), *made)) as store:
        rows = [list(row.values()) for row in every_finding(store, fields=["host", *IDENTIFYING])]
        plugins = list(store.rows("SELECT host, plugin FROM findings ORDER BY host, rank"))
        kept = {host: unpacked_numbers("I", data) for host, data in store.rows("SELECT * FROM host_plugins")}
        identities = list(store.rows("SELECT name, findings FROM identities i JOIN hosts h ON h.id = i.host"))
    assert [(host, plugin) for host, listed in sorted(kept.items()) for plugin in listed] == plugins
    for name, data in identities:
        known = [fields for found_on, *fields in rows if found_on == name]
        assert list(unpacked_numbers("Q", data)) == sorted(finding_identity(*each) for each in known)
