"""A report read once and judged: what the validator and the command line answer with."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import Protocol

import msgspec

from scanpool.report.census import Census
from scanpool.report.errors import ReportError
from scanpool.report.facts import HostWitness
from scanpool.report.host import HostPart
from scanpool.report.host_verdict import judge_host
from scanpool.report.kept import KeptHosts
from scanpool.report.limits import Limits
from scanpool.report.reader import ReportReader
from scanpool.report.scan_info import ScanInfo
from scanpool.report.scan_verdict import SENTENCES, Asked, Tally, judge_scan, statistics
from scanpool.report.scan_warnings import ReportFacts, warnings
from scanpool.report.troubleshooting import advice
from scanpool_schemas.result import (
    AuthenticationStatus,
    HostVerdict,
    LoginVerdict,
    Refusal,
    Result,
    ResultsSummary,
    ValidationStats,
)

# An event may be 512 KiB, the request in it up to 256 KiB.
HOST_ROWS = 200
HOST_ROWS_BYTES = 96 * 1024
_LOOK_FIRST = (
    LoginVerdict.NOAUTH,
    LoginVerdict.LOGIN_ONLY,
    LoginVerdict.AUTH_LIMITED,
    LoginVerdict.UNKNOWN,
    LoginVerdict.NOT_SCANNED,
    LoginVerdict.LOCAL,
    LoginVerdict.AGENT,
    LoginVerdict.AUTH,
)


class Listener(Protocol):
    """Who hears the report beside the assessment, as it is read."""

    def add(self, part: HostPart) -> None:
        """Hear a part, before the reader is asked for the next one."""
        ...

    def judge(self, key: tuple[str, str], verdict: HostVerdict) -> None:
        """Hear what became of the login on a host, once all was read; `key` is the part's."""
        ...


def validate(
    pieces: Iterable[bytes],
    asked: Asked | None = None,
    limits: Limits | None = None,
    listener: Listener | None = None,
) -> Result:
    """Read a report from its bytes and judge it; a report that is refused is a result too, not an error."""
    asked, limits = asked or Asked(), limits or Limits()
    reader = ReportReader(limits)
    assessment = Assessment(reader, asked, limits)
    try:
        for part in reader.read(pieces):
            assessment.add(part)
            if listener is not None:
                listener.add(part)
    except ReportError as error:
        return refused(error, asked, reader)
    return assessment.result(listener)


def refused(error: ReportError, asked: Asked, reader: ReportReader) -> Result:
    """The result of a report that cannot be believed."""
    return Result(
        valid=False,
        authentication_status=AuthenticationStatus.UNKNOWN,
        reason=error.code,
        message=str(error),
        validation_stats=ValidationStats(credentials=asked.credentials, privileged=asked.privileged),
        results_summary=ResultsSummary(size_bytes=reader.size_bytes, sha256=reader.sha256),
        error=Refusal(code=error.code, message=str(error)),
    )


class Assessment:
    """Hears the parts of a report in order and, at its end, judges the hosts and the scan."""

    def __init__(self, reader: ReportReader, asked: Asked, limits: Limits) -> None:
        self._reader = reader
        self._asked = asked
        self._census = Census()
        self._witness = HostWitness()
        self._scan_info: ScanInfo | None = None
        self._hosts = KeptHosts(limits)

    def add(self, part: HostPart) -> None:
        """Hear a part, before the reader is asked for the next one.

        Raises:
            LimitExceeded: the report has more to say of its hosts than may be kept.
        """
        for item in part.items():
            self._census.count(item)
            self._witness.hear(item)
        if part.is_last:
            self._end_host(part)

    def _end_host(self, part: HostPart) -> None:
        evidence = self._witness.testify(part.tags, self._reader.policy.user_names(), is_web=part.is_web)
        self._scan_info = self._scan_info or self._witness.scan_info
        self._witness = HostWitness()
        self._census.clock(part.tags)
        self._hosts.add(part.key, evidence)

    def result(self, listener: Listener | None = None) -> Result:
        """The result, once the reader has read all."""
        reader = self._reader
        tally = Tally()
        worst = _worst_first(self._judged(tally, listener))
        verdict = judge_scan(tally, self._asked, policy_has_login=reader.policy.has_host_login)
        report = ReportFacts(
            has_report=reader.has_report,
            targets=reader.policy.targets,
            unrated_items=self._census.severity.unrated,
        )
        rows = tuple(_within(HOST_ROWS_BYTES, worst))
        return Result(
            valid=verdict.valid,
            authentication_status=verdict.status,
            reason=verdict.reason.value,
            message=SENTENCES[verdict.reason],
            validation_stats=statistics(tally, self._asked),
            validation_warnings=warnings(tally, self._asked, report),
            results_summary=self._summary(tally),
            hosts=rows,
            hosts_omitted=tally.total - len(rows),
            troubleshooting=advice(tally.reasons),
        )

    def _judged(self, tally: Tally, listener: Listener | None) -> Iterator[HostVerdict]:
        for facts in self._hosts:
            verdict = judge_host(facts, privileged=self._asked.privileged)
            tally.add(facts, verdict)
            if listener is not None:
                listener.judge((facts.name, facts.address), verdict)
            yield verdict

    def _summary(self, tally: Tally) -> ResultsSummary:
        reader, info, severity = self._reader, self._scan_info, self._census.severity
        return ResultsSummary(
            report_name=reader.report_name or reader.policy.scan_name,
            policy_name=reader.policy.name or (info.policy_name if info else ""),
            scanner_version=info.scanner_version if info else "",
            plugin_feed=info.plugin_feed if info else "",
            started_at=self._census.started_at,
            ended_at=self._census.ended_at,
            started_local=self._census.started_local,
            ended_local=self._census.ended_local,
            hosts_total=tally.total,
            hosts_scanned=tally.total - tally.verdicts[LoginVerdict.NOT_SCANNED],
            items=self._census.items,
            vulnerabilities=self._census.items - severity.info - severity.unrated,
            severity=severity,
            compliance=self._census.compliance,
            size_bytes=reader.size_bytes,
            sha256=reader.sha256,
        )


def _worst_first(verdicts: Iterable[HostVerdict]) -> list[HostVerdict]:
    ranks = {verdict: rank for rank, verdict in enumerate(_LOOK_FIRST)}
    return heapq.nsmallest(HOST_ROWS, verdicts, key=lambda verdict: ranks[verdict.verdict])


def _within(room_bytes: int, rows: Iterable[HostVerdict]) -> Iterator[HostVerdict]:
    for row in rows:
        room_bytes -= len(msgspec.json.encode(row))
        if room_bytes < 0:
            return
        yield row
