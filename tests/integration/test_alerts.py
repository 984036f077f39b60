"""The alert rules: Prometheus takes them, they fire when they should, and each leads to what to do."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from scanpool.runtime.metrics import Metrics
from tests.support.alerts_reference import COMMAND, alerts, rendered
from tests.support.pages import ROOT, Page
from tests.support.prometheus import RULES, RULES_TEST, tool

KNOWN = {family.name for part in (Metrics().work, Metrics().shared) for family in vars(part).values()}
SUFFIX = re.compile(r"_(count|sum|bucket)$")


def name_of(rule: dict[str, Any]) -> str:
    return str(rule["alert"])


def names_in(expr: str) -> set[str]:
    return {SUFFIX.sub("", name) for name in re.findall(r"\b(?:nessus|scanpool)_\w+", expr)}


def test_prometheus_takes_the_rules() -> None:
    subprocess.run([tool("promtool"), "check", "rules", str(RULES)], check=True, capture_output=True)


def test_each_alert_fires_when_it_should_and_not_before() -> None:
    ran = subprocess.run([tool("promtool"), "test", "rules", str(RULES_TEST)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    cases = yaml.safe_load(RULES_TEST.read_text(encoding="utf-8"))["tests"]
    told = [(each["alertname"], bool(each["exp_alerts"])) for case in cases for each in case["alert_rule_test"]]
    assert {(name_of(rule), fires) for rule in alerts() for fires in (True, False)} == set(told)


@pytest.mark.parametrize("rule", alerts(), ids=name_of)
def test_an_alert_says_what_is_wrong_and_leads_to_what_to_do(rule: dict[str, Any]) -> None:
    says = rule["annotations"]
    assert says["summary"].endswith(".")
    assert says["description"].endswith((".", "}}"))
    assert rule["labels"]["severity"] in {"critical", "warning"}
    path, _, anchor = says["runbook_url"].partition("#")
    page = Page(path=ROOT / path, text=Path(ROOT / path).read_text(encoding="utf-8"))
    assert anchor == name_of(rule).lower()
    assert anchor in page.anchors


@pytest.mark.parametrize("rule", alerts(), ids=name_of)
def test_an_alert_asks_for_metrics_that_there_are(rule: dict[str, Any]) -> None:
    assert names_in(rule["expr"])
    assert names_in(rule["expr"]) <= KNOWN


def test_gauges_of_how_the_pools_stand_are_never_added_up_over_processes() -> None:
    shared = "|".join(family.name for family in vars(Metrics().shared).values())
    added = re.compile(rf"\bsum *(by *\([^()]*\) *)?\((?:{shared})\b")
    assert [rule["alert"] for rule in alerts() if added.search(rule["expr"])] == []


def test_the_reference_is_what_the_rules_say() -> None:
    page = ROOT / "docs" / "reference" / "alerts.md"
    assert page.read_text(encoding="utf-8") == rendered(), f"run `{COMMAND}`"
