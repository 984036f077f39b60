"""A dashboard as Grafana reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deploy.grafana.source.model import Dashboard, Panel, Variable

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH, HEIGHT, STAT_HEIGHT = 24, 8, 4


def rendered(dashboard: Dashboard) -> dict[str, Any]:
    """The dashboard as Grafana reads it."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.says,
        "tags": ["scanpool"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_source(), *(_variable(each) for each in dashboard.variables)]},
        "links": [
            {"type": "dashboards", "tags": ["scanpool"], "title": "scanpool", "asDropdown": False, "icon": "dashboard"}
        ],
        "panels": [
            {"id": number, "gridPos": place, **_panel(panel)}
            for number, (panel, place) in enumerate(
                zip(dashboard.panels, _places(dashboard.panels), strict=True), start=1
            )
        ],
    }


def _source() -> dict[str, Any]:
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "hide": 0}


def _variable(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "label": variable.name,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": f"label_values({variable.metric}, {variable.label})", "refId": variable.name},
        "definition": f"label_values({variable.metric}, {variable.label})",
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def _panel(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.bad_from is not None:
        steps.append({"color": "red", "value": panel.bad_from})
    words = {str(value): {"text": word, "color": colour} for value, word, colour in panel.words}
    return {
        "title": panel.title,
        "description": panel.says,
        "type": panel.kind,
        "datasource": SOURCE,
        "targets": [
            {"refId": chr(ord("A") + number), "datasource": SOURCE, "expr": each.expr, "legendFormat": each.legend}
            | ({"exemplar": True} if "_bucket" in each.expr else {})
            for number, each in enumerate(panel.queries)
        ],
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "thresholds": {"mode": "absolute", "steps": steps},
                "mappings": [{"type": "value", "options": words}] if words else [],
            },
            "overrides": [],
        },
        "options": _options(panel),
    }


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "stat":
        return {
            "colorMode": "background" if panel.words or panel.bad_from is not None else "value",
            "graphMode": "none",
        }
    return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}


def _places(panels: Sequence[Panel]) -> list[dict[str, int]]:
    """From left to right, a new row where one is full or another height begins."""
    places, x, y, height = list[dict[str, int]](), 0, 0, 0
    for panel in panels:
        own = STAT_HEIGHT if panel.kind == "stat" else HEIGHT
        if x + panel.width > WIDTH or (height and own != height):
            x, y = 0, y + height
        places.append({"x": x, "y": y, "w": panel.width, "h": own})
        x, height = x + panel.width, own
    return places
