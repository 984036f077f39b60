"""Is anything wrong, and in which pool."""

from __future__ import annotations

from deploy.grafana.source.model import Dashboard, graph, most, quantile, stat

OVERVIEW = Dashboard(
    uid="scanpool-overview",
    title="scanpool: overview",
    says="Is anything wrong, and in which pool.",
    panels=(
        stat("Running", "Scans that hold a place on a scanner.", "max(nessus_active_scans)"),
        stat("Waiting", "Scans that wait for a place.", 'sum(max by (queue) (nessus_queue_depth{queue=~"queued-.+"}))'),
        stat(
            "Oldest waiting",
            "How long the scan at the head of any queue has waited.",
            "max(scanpool_pool_oldest_waiting_seconds)",
            unit="s",
            bad_from=3600,
        ),
        stat("Dead letters", "What waits for a person.", "max(nessus_dlq_size)", bad_from=1),
        stat(
            "Scanners not ready",
            "Enabled scanners that are not ready.",
            f"count({most('scanpool_scanner_ready', 'scanner_instance')} == 0) or vector(0)",
            bad_from=1,
        ),
        stat(
            "Breakers not closed",
            "Scanners that are not called.",
            f"count({most('nessus_circuit_state', 'scanner_instance')} > 0) or vector(0)",
            bad_from=1,
        ),
        graph(
            "Scans that ended",
            "An hour, by how they ended.",
            ("sum by (status) (increase(nessus_scans_total[1h]))", "{{status}}"),
        ),
        graph(
            "Queue by pool",
            "Scans that wait for a place.",
            (most("nessus_pool_queue_depth", "pool"), "{{pool}}"),
        ),
        graph(
            "Places taken by pool",
            "Share of the pool's places; 100 % with a queue needs more places.",
            (
                f"{most('nessus_pool_total_active', 'pool')} / ({most('nessus_pool_total_capacity', 'pool')} > 0)",
                "{{pool}}",
            ),
            unit="percentunit",
        ),
        graph(
            "How long scans take",
            "From submission to the end.",
            (quantile(0.5, "nessus_task_duration_seconds"), "half"),
            (quantile(0.95, "nessus_task_duration_seconds"), "95 of 100"),
            unit="s",
        ),
        graph(
            "Where scans wait and work",
            "Scans in each state, all pools.",
            (f"sum by (state) ({most('scanpool_pool_scans', 'pool', 'state')})", "{{state}}"),
        ),
        graph(
            "Logins that failed",
            "Scans with credentials that could log in to no host, an hour.",
            ("sum by (pool) (increase(nessus_auth_failures_total[1h]))", "{{pool}}"),
        ),
        graph(
            "Reports that did not count",
            "By reason, an hour.",
            ("sum by (reason) (increase(nessus_validation_failures_total[1h]))", "{{reason}}"),
        ),
        graph(
            "Room in NATS",
            "Share that is left of what limits it; under 5 % nothing is admitted.",
            ("min by (store) (scanpool_store_free_ratio)", "{{store}}"),
            unit="percentunit",
        ),
        graph("Dead letters by pool", "What waits for a person.", (most("nessus_pool_dlq_depth", "pool"), "{{pool}}")),
    ),
)
