"""The processes of scanpool themselves."""

from __future__ import annotations

from deploy.grafana.source.model import Dashboard, graph, most, quantile, rates

SERVICES = Dashboard(
    uid="scanpool-services",
    title="scanpool: services",
    says="The processes of scanpool themselves: which run, how fast they work, what they repeat.",
    panels=(
        graph(
            "Processes",
            "By service and version.",
            ("count by (service, version) (scanpool_service_info)", "{{service}} {{version}}"),
        ),
        graph(
            "Deliveries settled",
            "A second, by consumer and outcome.",
            (rates("scanpool_deliveries_total", "stage", "outcome"), "{{stage}} {{outcome}}"),
        ),
        graph(
            "Handed over again",
            "A second; beyond those put off, processes were killed or too slow.",
            (rates("scanpool_redeliveries_total", "stage"), "{{stage}}"),
        ),
        graph(
            "Time in each state",
            "Half of the scans that left it were in it for less.",
            (quantile(0.5, "scanpool_state_seconds", "state"), "{{state}}"),
            unit="s",
        ),
        graph(
            "Tries",
            "A second, by state; more than scans is repeated work.",
            (rates("scanpool_attempts_total", "state"), "{{state}}"),
        ),
        graph(
            "Poll lateness",
            "How much later than planned running scans are looked at.",
            (quantile(0.5, "scanpool_poll_lateness_seconds"), "half"),
            (quantile(0.99, "scanpool_poll_lateness_seconds"), "99 of 100"),
            unit="s",
        ),
        graph(
            "Calls to scanners, how long",
            "95 of 100 took less.",
            (quantile(0.95, "scanpool_scanner_request_seconds", "operation"), "{{operation}}"),
            unit="s",
        ),
        graph(
            "Calls by tool",
            "A second: tools of the bridge, and operations of scanners' APIs.",
            (rates("nessus_api_requests_total", "tool", "status"), "{{tool}} {{status}}"),
        ),
        graph(
            "Event loop lag",
            "99 of 100 tasks ran less late.",
            (quantile(0.99, "scanpool_event_loop_lag_seconds", "job", "instance"), "{{instance}}"),
            unit="s",
        ),
        graph(
            "Janitor: rounds",
            "A second; none is no janitor.",
            ("sum(rate(scanpool_janitor_round_seconds_count[$__rate_interval]))", "rounds"),
            (quantile(0.95, "scanpool_janitor_round_seconds"), "seconds, 95 of 100"),
        ),
        graph(
            "Janitor: put right and found wrong",
            "An hour.",
            ("sum by (kind) (increase(scanpool_janitor_repairs_total[1h]))", "{{kind}}"),
            ("sum by (pool) (increase(scanpool_place_disagreements_total[1h]))", "{{pool}} disagrees"),
        ),
        graph(
            "Janitor: deleted",
            "An hour, by what it was.",
            ("sum by (kind) (increase(scanpool_deletions_total[1h]))", "{{kind}}"),
            ("sum(increase(nessus_ttl_deletions_total[1h]))", "scans after their retention"),
        ),
        graph(
            "Janitor: freed",
            "Bytes an hour.",
            ("sum by (kind) (increase(scanpool_ttl_freed_bytes_total[1h]))", "{{kind}}"),
            unit="bytes",
        ),
        graph("Memory", "By process.", ("process_resident_memory_bytes", "{{job}} {{instance}}"), unit="bytes"),
        graph(
            "Processor",
            "Cores, by process.",
            ("rate(process_cpu_seconds_total[$__rate_interval])", "{{job}} {{instance}}"),
        ),
        graph(
            "How old the gauges are",
            "Since a process last read from NATS how the pools stand.",
            ("time() - max(scanpool_gauges_refreshed_seconds)", "age"),
            unit="s",
        ),
        graph(
            "Scanners in the configuration",
            "By kind, and whether they are enabled.",
            (most("nessus_scanner_instances", "scanner_type", "enabled"), "{{scanner_type}} enabled {{enabled}}"),
        ),
    ),
)
