"""The dashboards and rules, against a real Prometheus that scrapes a real run."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from deploy.grafana.source import DASHBOARDS, FOLDER, files

from scanpool.runtime.metrics import Metrics
from tests.support.alerts_reference import alerts
from tests.support.eventful import eventful_run, goes_on, metrics_url, much_happens
from tests.support.eventually import once
from tests.support.prometheus import Prometheus, running_prometheus, tool
from tests.support.watching import in_a_task

pytestmark = pytest.mark.asyncio(loop_scope="module")

WITHIN_S = 60
"""The last of what happened is scraped within it, and twice."""
PANELS = [
    pytest.param(query.expr, id=f"{board.uid}: {panel.title} {number}")
    for board in DASHBOARDS
    for panel in board.panels
    for number, query in enumerate(panel.queries, start=1)
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def prometheus() -> AsyncIterator[Prometheus]:
    tool("prometheus")
    with tempfile.TemporaryDirectory(prefix="scanpool-test-") as folder:
        async with in_a_task(eventful_run()) as pipeline:
            target = metrics_url(pipeline).removeprefix("http://").removesuffix("/metrics")
            async with in_a_task(running_prometheus(Path(folder), [target])) as prometheus:
                await gives_data(prometheus, "up == 1")
                await much_happens(pipeline)
                going_on = asyncio.create_task(goes_on(pipeline))
                yield prometheus
                going_on.cancel()
                await asyncio.wait({going_on})


def asked(expr: str) -> str:
    """The query as Grafana sends it, with everything chosen."""
    return expr.replace("$__rate_interval", "5m").replace("$pool", ".+").replace("$scanner", ".+")


async def gives_data(prometheus: Prometheus, expr: str) -> list[dict[str, Any]]:
    """What it gives, once it gives numbers."""

    async def numbers() -> list[dict[str, Any]]:
        return [each for each in await prometheus.query(expr) if each["value"][1] != "NaN"]

    return await once(numbers, within_s=WITHIN_S)


@pytest.mark.parametrize("expr", PANELS)
async def test_a_panels_query_gives_data(prometheus: Prometheus, expr: str) -> None:
    assert await gives_data(prometheus, asked(expr))


async def test_no_rule_is_broken(prometheus: Prometheus) -> None:
    async def health() -> dict[str, str]:
        return {rule["name"]: rule["health"] for rule in await prometheus.rules()}

    found = await once(health, lambda states: "unknown" not in states.values(), within_s=WITHIN_S)  # all evaluated
    assert found == {rule["alert"]: "ok" for rule in alerts()}


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
async def test_every_metric_of_a_rule_is_scraped(prometheus: Prometheus, rule: dict[str, Any]) -> None:
    for selector in re.findall(r"\b(?:nessus|scanpool)_\w+(?:\{[^}]*\})?", rule["expr"]):
        assert await gives_data(prometheus, f"count({selector})"), selector


async def test_an_open_breaker_is_pending_and_names_the_scanner(prometheus: Prometheus) -> None:
    async def active() -> set[tuple[str, str]]:
        return {
            (alert["labels"]["scanner_instance"], alert["state"])
            for rule in await prometheus.rules()
            if rule["name"] == "ScanpoolBreakerOpen"
            for alert in rule["alerts"]
        }

    await once(active, lambda found: found == {("lab.sick", "pending")}, within_s=WITHIN_S)


async def test_exemplars_of_scans_are_kept(prometheus: Prometheus) -> None:
    found = await once(lambda: prometheus.exemplars("nessus_task_duration_seconds_bucket"), within_s=WITHIN_S)
    assert all(re.fullmatch("[0-9a-f]{32}", each["labels"]["trace_id"]) for each in found)


async def test_the_files_are_what_the_source_makes() -> None:
    kept = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*")}
    assert kept == files(), "run `python -m deploy.grafana.source`"


async def test_panels_do_not_lie_over_each_other_and_fit_the_width() -> None:
    for text in files().values():
        taken: set[tuple[int, int]] = set()
        for panel in json.loads(text)["panels"]:
            place = panel["gridPos"]
            cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
            assert not cells & taken, panel["title"]
            assert place["x"] + place["w"] <= 24
            taken |= cells


async def test_every_metric_of_ours_is_on_a_dashboard() -> None:
    shown = "\n".join(files().values())
    known = [family.name for part in (Metrics().work, Metrics().shared) for family in vars(part).values()]
    assert [name for name in known if not re.search(rf"\b{name}(_bucket|_count)?\b", shown)] == []


async def test_no_panel_adds_up_what_every_process_tells_alike() -> None:
    shared = "|".join(family.name for family in vars(Metrics().shared).values())
    added = re.compile(rf"\bsum *(by *\([^()]*\) *)?\((?:{shared})\b")
    queries = [query.expr for board in DASHBOARDS for panel in board.panels for query in panel.queries]
    assert [expr for expr in queries if added.search(expr)] == []


async def test_grafana_is_told_of_the_prometheus_and_of_the_folder() -> None:
    provisioning = FOLDER.parent / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "scanpool.yml").read_text())["providers"]
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    compose = yaml.safe_load((FOLDER.parents[1] / "compose.yaml").read_text())
    mounted = {each.split(":")[0]: each.split(":")[1] for each in compose["services"]["grafana"]["volumes"][:2]}
    assert mounted["./grafana/dashboards"] == provider["options"]["path"]
    assert mounted["./grafana/provisioning"] == "/etc/grafana/provisioning"
