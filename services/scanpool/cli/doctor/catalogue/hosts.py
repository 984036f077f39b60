"""What may be wrong with the room there is, and the configuration of this host."""

from __future__ import annotations

from scanpool.cli.doctor.catalogue.kind import Finding, Kind

KINDS: tuple[Kind, ...] = (
    Kind(
        section="disk",
        name="room",
        looks_at="the room that NATS has left, as the janitor wrote it down and as the limits show it",
        findings=(
            Finding(
                "nats_nearly_full",
                "problem",
                "NATS is nearly full: no scan is admitted or placed.",
                "Raise the limit, keep scans for a shorter time, or clean up now with `scanpool janitor --once`.",
            ),
        ),
    ),
    Kind(
        section="disk",
        name="work_dir",
        looks_at="the folder of this host where reports lie while in hand",
        findings=(
            Finding(
                "work_dir_unusable",
                "problem",
                "The folder cannot be written to.",
                "Correct its owner, or name another with `SCANPOOL_WORK_DIR`.",
            ),
            Finding(
                "work_dir_small",
                "warning",
                "The folder has not the room for one report of the greatest size.",
                "Make room, or name another with `SCANPOOL_WORK_DIR`.",
            ),
        ),
    ),
    Kind(
        section="disk",
        name="findings_cache",
        looks_at="the folder of this host where files of findings are kept for reading",
        findings=(
            Finding(
                "cache_unusable",
                "warning",
                "The folder cannot be written to, so that results are fetched each time or not at all.",
                "Correct its owner, or set `XDG_CACHE_HOME`.",
            ),
            Finding(
                "cache_small",
                "warning",
                "The disk of the folder has not the room that the cache may take.",
                "Make room, or set `XDG_CACHE_HOME`.",
            ),
        ),
    ),
    Kind(
        section="configuration",
        name="file",
        looks_at="the file `scanners.yaml`",
        findings=(
            Finding(
                "configuration_absent",
                "warning",
                "There is no configuration here: no scanner is called, and only NATS is looked at.",
                "Name it with `--config` or `SCANPOOL_CONFIG`.",
            ),
            Finding(
                "configuration_invalid",
                "problem",
                "The file cannot be used: no service that needs it starts, and none reads it again.",
                "`scanpool config check`",
            ),
            Finding(
                "configuration_warning", "warning", "The file can be used, and should not be as it is.", "In the check."
            ),
            Finding(
                "configuration_open",
                "warning",
                "The file holds secrets, and everybody on this host can read it.",
                "`chmod o-rwx` of the file, or keep the secrets in files of their own.",
            ),
        ),
    ),
    Kind(
        section="configuration",
        name="secrets",
        looks_at="that each secret of the file can be read, and only by its owner",
        findings=(
            Finding(
                "secret_unavailable",
                "problem",
                "A secret or a bundle of certificates cannot be read here, or others can read it.",
                "In the check: a variable to set, or a file's mode.",
            ),
        ),
    ),
    Kind(
        section="configuration",
        name="rules",
        looks_at="that dispatchers go by the same file, and that each pool is in it",
        findings=(
            Finding(
                "rules_differ",
                "problem",
                "The pool's dispatchers read another configuration than this file.",
                "Give them this file, or name theirs with `--config`; they read it again when it changes.",
            ),
            Finding(
                "rules_absent",
                "warning",
                "No dispatcher has ever served the pool with its configuration.",
                "`scanpool run dispatcher`",
            ),
            Finding(
                "pool_retired",
                "warning",
                "The pool left the configuration: it is served until it is empty, and refuses requests.",
                "Once it is empty, remove its stream; or put it into the file again.",
            ),
            Finding(
                "pool_unconfigured",
                "warning",
                "NATS has the pool, and this file has not.",
                "Add it to the file, or name the right one with `--config`.",
            ),
        ),
    ),
    Kind(
        section="configuration",
        name="clients",
        looks_at="that each client of the bridge may do something",
        findings=(
            Finding(
                "client_without_use",
                "warning",
                "A client's entry allows it nothing, or names a credential that none of its pools has.",
                "Give it networks, correct its credentials, or remove it.",
            ),
        ),
    ),
)
