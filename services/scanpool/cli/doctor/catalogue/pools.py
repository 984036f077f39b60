"""What may be wrong with the services and pools."""

from __future__ import annotations

from scanpool.cli.doctor.catalogue.kind import Finding, Kind

KINDS: tuple[Kind, ...] = (
    Kind(
        section="services",
        name="running",
        looks_at="that somebody pulls from each consumer",
        findings=(
            Finding(
                "service_not_running",
                "problem",
                "Nobody pulls from the consumers of a service: no process of it runs for the pool.",
                "`scanpool run` with that service",
            ),
            Finding(
                "consumer_paused",
                "problem",
                "Somebody paused a consumer: nothing of it is delivered.",
                "`nats consumer resume` of it",
            ),
        ),
    ),
    Kind(
        section="pools",
        name="places",
        looks_at="that places on scanners and the events of scans agree, as the janitor looks at them",
        findings=(
            Finding(
                "place_leaked",
                "problem",
                "A place is held that no scan's event speaks of: the scanner takes fewer scans than it could.",
                "`scanpool doctor --repair`",
            ),
            Finding(
                "place_missing",
                "problem",
                "A scan is on a scanner and holds no place there: the scanner may get too many.",
                "`scanpool doctor --repair`",
            ),
            Finding(
                "events_unreadable",
                "warning",
                "Events of a scan cannot be read: they are of a newer version, or were written by hand.",
                "Update this scanpool; else look at the events with `nats stream get`.",
            ),
        ),
    ),
    Kind(
        section="pools",
        name="capacity",
        looks_at="that each scanner has the places in NATS that the configuration gives it",
        findings=(
            Finding(
                "places_differ",
                "problem",
                "A scanner has another number of places than `max_concurrent_scans` says.",
                "Send SIGHUP to a dispatcher of the pool, or start one again.",
            ),
        ),
    ),
    Kind(
        section="pools",
        name="dead_letters",
        looks_at="what was given up and waits for a person",
        findings=(
            Finding(
                "dead_letters_wait",
                "warning",
                "Scans or messages were given up, and nobody has retried or removed them.",
                "`scanpool list-dlq`, then `scanpool retry-dlq` or `scanpool purge-dlq`",
            ),
        ),
    ),
    Kind(
        section="pools",
        name="holds",
        looks_at="pools that are paused and scanners that are cordoned",
        findings=(
            Finding(
                "held_for_long",
                "warning",
                "Somebody held it back more than a day ago, without an end.",
                "`scanpool resume` or `scanpool uncordon`, if it was forgotten",
            ),
        ),
    ),
)
