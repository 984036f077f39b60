"""What a pool and its scanners are doing."""

from __future__ import annotations

from deploy.grafana.source.model import Dashboard, Panel, Query, Variable, graph, most, rates, stat

_POOL, _SCANNER = '{pool=~"$pool"}', '{scanner_instance=~"$scanner"}'
_CIRCUIT = ((0, "closed", "green"), (1, "half-open", "orange"), (2, "open", "red"))
_READY = ((0, "not ready", "red"), (1, "ready", "green"))
POOL = Dashboard(
    uid="scanpool-pool",
    title="scanpool: pools and scanners",
    says="What a pool and its scanners are doing, and what keeps scans from starting.",
    variables=(
        Variable(name="pool", metric="nessus_pool_total_capacity", label="pool"),
        Variable(
            name="scanner", metric='nessus_scanner_capacity{scanner_instance=~"($pool)[.].+"}', label="scanner_instance"
        ),
    ),
    panels=(
        stat(
            "Paused",
            "Pools that a person paused.",
            f"sum({most(f'scanpool_pool_paused{_POOL}', 'pool')})",
            bad_from=1,
        ),
        stat(
            "No room",
            "Pools whose scans wait for room in NATS.",
            f"sum({most(f'scanpool_no_room{_POOL}', 'pool')})",
            bad_from=1,
        ),
        stat("Waiting", "Scans that wait for a place.", f"sum({most(f'nessus_pool_queue_depth{_POOL}', 'pool')})"),
        stat(
            "Oldest waiting",
            "Of the scans that wait for a place.",
            f"max(scanpool_pool_oldest_waiting_seconds{_POOL})",
            unit="s",
            bad_from=3600,
        ),
        stat("Places taken", "Scans on scanners.", f"sum({most(f'nessus_pool_total_active{_POOL}', 'pool')})"),
        stat("Places", "Of all scanners of the pool.", f"sum({most(f'nessus_pool_total_capacity{_POOL}', 'pool')})"),
        graph(
            "Scans by state",
            "Each state that a service acts on.",
            (most(f"scanpool_pool_scans{_POOL}", "pool", "state"), "{{pool}} {{state}}"),
            width=12,
        ),
        graph(
            "Who takes the work",
            "Pulls that wait at each consumer; 0 for long is nobody, or all are full.",
            (most(f"scanpool_pool_pulls{_POOL}", "pool", "state"), "{{pool}} {{state}}"),
            width=12,
        ),
        Panel(
            title="Ready",
            says="Enabled scanners, as they were when last looked at.",
            kind="stat",
            words=_READY,
            queries=(
                Query(
                    expr=most(f"scanpool_scanner_ready{_SCANNER}", "scanner_instance"), legend="{{scanner_instance}}"
                ),
            ),
        ),
        Panel(
            title="Breaker",
            says="Open or half-open, the scanner is not called for scans.",
            kind="stat",
            words=_CIRCUIT,
            queries=(
                Query(expr=most(f"nessus_circuit_state{_SCANNER}", "scanner_instance"), legend="{{scanner_instance}}"),
            ),
        ),
        Panel(
            title="Cordoned",
            says="A person lets it have no scan.",
            kind="stat",
            words=((0, "no", "green"), (1, "cordoned", "orange")),
            queries=(
                Query(
                    expr=most(f"scanpool_scanner_cordoned{_SCANNER}", "scanner_instance"), legend="{{scanner_instance}}"
                ),
            ),
        ),
        graph(
            "Utilisation",
            "Share of the scanner's places that is taken.",
            (most(f"nessus_scanner_utilization_pct{_SCANNER}", "scanner_instance"), "{{scanner_instance}}"),
            unit="percent",
        ),
        graph(
            "Places taken and there are",
            "By scanner.",
            (most(f"nessus_scanner_active_scans{_SCANNER}", "scanner_instance"), "{{scanner_instance}} taken"),
            (most(f"nessus_scanner_capacity{_SCANNER}", "scanner_instance"), "{{scanner_instance}} places"),
        ),
        graph(
            "Calls that count against the scanner",
            "A second; several in a row open its breaker.",
            (rates(f"nessus_circuit_failures_total{_SCANNER}", "scanner_instance"), "{{scanner_instance}} failed"),
            (rates(f"nessus_circuit_opens_total{_SCANNER}", "scanner_instance"), "{{scanner_instance}} opened"),
        ),
        graph(
            "Calls to scanners",
            "A second, by outcome.",
            (
                rates(f"scanpool_scanner_requests_total{_SCANNER}", "scanner_instance", "outcome"),
                "{{scanner_instance}} {{outcome}}",
            ),
        ),
        graph(
            "Logins that failed",
            "An hour, by what the scans asked for.",
            (f"sum by (pool, scan_type) (increase(nessus_auth_failures_total{_POOL}[1h]))", "{{pool}} {{scan_type}}"),
        ),
        graph(
            "Reports read",
            "An hour, by authentication status.",
            (f"sum by (pool, result) (increase(nessus_validation_total{_POOL}[1h]))", "{{pool}} {{result}}"),
        ),
        graph(
            "Reports fetched",
            "Bytes a second.",
            (rates(f"scanpool_export_bytes_total{_POOL}", "pool"), "{{pool}}"),
            unit="Bps",
        ),
        graph(
            "Looks at running scans",
            "A second, told by the consumer: 0 with scans running is a poller that is missing.",
            (
                'max by (pool) (rate(scanpool_pool_deliveries{pool=~"$pool",state="running"}[$__rate_interval]))',
                "{{pool}}",
            ),
        ),
        graph("Dead letters", "What waits for a person.", (most(f"nessus_pool_dlq_depth{_POOL}", "pool"), "{{pool}}")),
    ),
)
