"""Makes the dashboards: `python -m deploy.grafana.source`. The files in `dashboards` are not edited.

Gauges of how the pools stand are told alike by every process, so their queries take `max by`; counters are each
process's own, so theirs take `sum by`.
"""

from __future__ import annotations

import json
from pathlib import Path

from deploy.grafana.source.overview import OVERVIEW
from deploy.grafana.source.pool import POOL
from deploy.grafana.source.rendering import rendered
from deploy.grafana.source.services import SERVICES

FOLDER = Path(__file__).parents[1] / "dashboards"
DASHBOARDS = (OVERVIEW, POOL, SERVICES)


def files() -> dict[str, str]:
    """File name to content."""
    return {f"{each.uid}.json": json.dumps(rendered(each), indent=2) + "\n" for each in DASHBOARDS}
