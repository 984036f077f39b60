"""What may be wrong with NATS, its topology and clocks."""

from __future__ import annotations

from scanpool.cli.doctor.catalogue.kind import Finding, Kind

KINDS: tuple[Kind, ...] = (
    Kind(
        section="nats",
        name="connection",
        looks_at="whether NATS answers, its version, and whether it has JetStream",
        findings=(
            Finding(
                "nats_unreachable",
                "problem",
                "NATS does not answer, or does not let us in.",
                "Start it, correct `--nats` or `SCANPOOL_NATS_URL`, or the user and password.",
            ),
            Finding(
                "nats_unsuitable",
                "problem",
                "The server is too old, or has no JetStream for this account.",
                "Update it, or switch JetStream on in its configuration.",
            ),
        ),
    ),
    Kind(
        section="nats",
        name="replicas",
        looks_at="that each stream has a leader, and that all its copies are there and up to date",
        findings=(
            Finding(
                "server_offline",
                "problem",
                "A server of the cluster is gone: one loss more, and streams stand still.",
                "Start the server again; `nats server report jetstream` shows when it has caught up.",
            ),
            Finding(
                "stream_without_leader",
                "problem",
                "A stream has no leader, so that nothing is read from it or written to it.",
                "Bring the servers back that hold its copies.",
            ),
            Finding(
                "replica_behind",
                "warning",
                "A copy of a stream is not up to date.",
                "Wait a minute and look again; else look at that server's disk and network.",
            ),
            Finding(
                "single_copy",
                "warning",
                "The servers are a cluster, and a stream has one copy: the loss of one server stops it.",
                "`scanpool topology apply --replicas 3`",
            ),
        ),
    ),
    Kind(
        section="nats",
        name="account",
        looks_at="how much of the account's streams and consumers is used",
        findings=(
            Finding(
                "account_limit_near",
                "warning",
                "Nine tenths of a limit of the account are used.",
                "Raise the limit in the server's configuration before the next pool is added.",
            ),
            Finding(
                "account_limit_reached",
                "problem",
                "A limit of the account is used up: no stream or consumer can be made.",
                "Raise the limit in the server's configuration.",
            ),
        ),
    ),
    Kind(
        section="topology",
        name="topology",
        looks_at="streams, consumers and schedules against what this version of scanpool needs",
        findings=(
            Finding(
                "topology_missing",
                "problem",
                "A stream, a consumer or a schedule is not there.",
                "`scanpool topology apply`",
            ),
            Finding(
                "topology_differs",
                "problem",
                "A stream or a consumer is set otherwise than needed: services do not start.",
                "`scanpool topology apply`",
            ),
        ),
    ),
    Kind(
        section="clock",
        name="clock",
        looks_at="the clocks of the NATS servers against this host's",
        findings=(
            Finding(
                "clock_skew",
                "problem",
                "Two clocks are more than two seconds apart: launches are no longer exactly once.",
                "Synchronise the clocks of all hosts (NTP).",
            ),
            Finding(
                "clock_drifts",
                "warning",
                "Two clocks are more than half a second apart.",
                "Synchronise the clocks of all hosts (NTP).",
            ),
        ),
    ),
)
