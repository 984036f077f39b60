"""Every report of the sample set gives the verdict of its manifest, and as many hosts and items.

`SCANPOOL_CORPUS` names the folder with the samples and their MANIFEST.tsv.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scanpool.report.reader import pieces_of
from scanpool.report.scan_verdict import Asked
from scanpool.report.validate import validate
from scanpool_schemas.result import AuthenticationStatus, Credentials, Result
from tests.support.requirements import require

CORPUS = os.environ.get("SCANPOOL_CORPUS", "")

# Where what is read and what the manifest says differ, and why that is right.
REPEATED_HOSTS = {
    "EthanChamps__Nessus-Merger__merged_nodup.nessus": (18, 8),
}
"""The manifest counts ReportHost elements; this merged file has the same host in it several times."""

HOST_STATES = {
    "agent": "agents",
    "auth": "authenticated",
    "no": "not_authenticated",
    "local": "local",
    "unknown": "unknown",
}


@dataclass(frozen=True)
class Sample:
    """One line of the manifest."""

    path: Path
    supplied: str
    unknown: str
    hosts: int
    items: int
    compliance: int
    host_states: str


def samples() -> Iterator[Sample]:
    """The samples that the manifest lists; none where there is no manifest."""
    manifest = Path(CORPUS) / "MANIFEST.tsv"
    if not CORPUS or not manifest.exists():
        return
    with manifest.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            yield Sample(
                path=Path(CORPUS) / row["file"],
                supplied=row["verdict_if_creds_expected"],
                unknown=row["verdict_observed"],
                hosts=int(row["hosts"]),
                items=int(row["items"]),
                compliance=int(row["compliance_items"]),
                host_states=row["host_states"],
            )


ABSENT = "SCANPOOL_CORPUS names no folder of sample reports"
SAMPLES = list(samples())
every_sample = pytest.mark.parametrize(
    "sample",
    [pytest.param(sample, id=sample.path.name) for sample in SAMPLES]
    or [pytest.param(None, id="none", marks=pytest.mark.skip(reason=f"corpus: {ABSENT}"))],
)


def read(sample: Sample, credentials: Credentials) -> Result:
    with sample.path.open("rb") as file:
        return validate(pieces_of(file), Asked(credentials=credentials))


def label(result: Result) -> str:
    """The result in the words of the manifest."""
    if result.error is not None:
        return "unknown(reject file)"
    status = result.authentication_status
    if status is AuthenticationStatus.SUCCESS and not result.validation_stats.credential_proof:
        return "success(local only)"
    return "unknown(no hosts)" if result.results_summary.hosts_total == 0 else status.value


def test_the_sample_set_is_there() -> None:
    if not CORPUS:
        require("corpus", ABSENT)
    assert SAMPLES


@every_sample
def test_the_verdict_is_the_manifests(sample: Sample) -> None:
    assert label(read(sample, Credentials.SUPPLIED)) == sample.supplied
    assert label(read(sample, Credentials.UNKNOWN)) == sample.unknown


@every_sample
def test_what_is_to_be_refused_is_not_valid(sample: Sample) -> None:
    result = read(sample, Credentials.UNKNOWN)
    if sample.unknown == "unknown(reject file)":
        assert not result.valid
    else:
        assert result.valid is (sample.unknown != "failed")


@every_sample
def test_every_host_and_item_is_counted(sample: Sample) -> None:
    result = read(sample, Credentials.UNKNOWN)
    if result.error is not None:
        return
    summary, compliance = result.results_summary, result.results_summary.compliance
    results = compliance.passed + compliance.failed + compliance.warning + compliance.error + compliance.skipped
    assert (summary.items, results) == (sample.items - sample.compliance, sample.compliance)
    in_manifest, expected = REPEATED_HOSTS.get(sample.path.name, (sample.hosts, sample.hosts))
    assert (sample.hosts, summary.hosts_total) == (in_manifest, expected)


@every_sample
def test_each_host_has_the_state_of_the_manifest(sample: Sample) -> None:
    result = read(sample, Credentials.UNKNOWN)
    if result.error is not None or sample.path.name in REPEATED_HOSTS:
        return
    counts = result.validation_stats.hosts
    for state in filter(None, sample.host_states.split("; ")):
        word, _, number = state.partition("=")
        assert getattr(counts, HOST_STATES[word]) == int(number)
