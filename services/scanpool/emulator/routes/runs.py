"""Launching and commanding scans, and following what they find."""

from collections import Counter
from functools import partial
from typing import Any

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from scanpool.emulator.answers import CutConnection
from scanpool.emulator.errors import not_found
from scanpool.emulator.folders import MY_SCANS
from scanpool.emulator.lifecycle import Command, Status
from scanpool.emulator.reports.document import HostSummary, summary
from scanpool.emulator.reports.host_report import items, properties
from scanpool.emulator.reports.model import HostRun, Plugin, ScanRun
from scanpool.emulator.routes.endpoint import Routes, body, convert, done, number
from scanpool.emulator.scan import Run, Scan
from scanpool.emulator.scanner import Scanner

CHECKS_PER_HOST = 340
"""How many checks the progress of a host counts up to."""


async def launch(scanner: Scanner, request: Request) -> Response:
    """Start a scan, on other targets than its own where some are given."""
    scan = scanner.scans.get(request.path_params["scan_id"])
    targets = convert((await body(request)).get("alt_targets") or [], list[str], "alt_targets")
    run = scanner.scans.launch(scan, targets)
    if scanner.faults.take("cut_after_launch", scan.settings.name):
        return CutConnection()
    return JSONResponse({"scan_uuid": run.uuid})


async def _order(command: Command, scanner: Scanner, request: Request) -> Response:
    scanner.scans.order(scanner.scans.get(request.path_params["scan_id"]), command)
    return done()


async def delete_run(scanner: Scanner, request: Request) -> Response:
    """Forget one run of a scan."""
    scan = scanner.scans.get(request.path_params["scan_id"])
    scanner.scans.delete_run(scan, request.path_params["history_id"])
    return done()


async def details(scanner: Scanner, request: Request) -> Response:
    """Where a scan stands and what it has found so far."""
    scan = scanner.scans.get(request.path_params["scan_id"])
    history_id = number(request.query_params, "history_id")
    if history_id is None and not scan.runs:
        return JSONResponse(_of_an_empty_scan(scanner, scan))
    run = scanner.scans.run(scan, history_id)
    report = scanner.report(scan, run)
    if scanner.archived(scan):
        return JSONResponse(_of_archived_results(scanner, scan, run))
    found = await run_sync(lambda: [summary(report, host) for host in report.hosts])
    return JSONResponse(
        {
            "info": _info(scanner, scan, run),
            "hosts": _hosts(report, found) or None,
            "comphosts": [],
            "notes": _notes(run),
            "remediations": _remediations(report),
            "vulnerabilities": _vulnerabilities(found) or None,
            "compliance": [],
            "history": _history(scanner, scan),
            "filters": [],
        }
    )


def _of_archived_results(scanner: Scanner, scan: Scan, run: Run) -> dict[str, Any]:
    info = _info(scanner, scan, run) | {"is_archived": True}
    return _of_an_empty_scan(scanner, scan) | {"info": info, "history": _history(scanner, scan)}


def _of_an_empty_scan(scanner: Scanner, scan: Scan) -> dict[str, Any]:
    return {
        "info": _info(scanner, scan, None),
        "hosts": None,
        "comphosts": None,
        "notes": None,
        "remediations": None,
        "vulnerabilities": None,
        "compliance": None,
        "history": None,
        "filters": [],
    }


def _info(scanner: Scanner, scan: Scan, run: Run | None) -> dict[str, Any]:
    ended = run.ended_at if run else None
    return {
        "status": scanner.word(run.life.status if run else Status.EMPTY),
        "name": scan.settings.name,
        "uuid": run.uuid if run else None,
        "policy": scanner.policy_name(scan),
        "policy_template_uuid": scan.template.uuid,
        "scanner_name": "Local Scanner",
        "targets": run.text_targets if run else scan.settings.text_targets,
        "hostcount": len(run.seen(scanner.now())) if run else 0,
        "scan_start": int(run.launched_at) if run else None,
        "scan_end": None if ended is None else int(ended),
        "scanner_start": int(run.launched_at) if run else None,
        "scanner_end": None if ended is None else int(ended),
        "timestamp": int(ended or scanner.now()),
        "object_id": scan.id,
        "folder_id": scan.settings.folder_id or MY_SCANS,
        "user_permissions": 128,
        "control": True,
        "edit_allowed": True,
        "haskb": run is not None,
        "hasaudittrail": run is not None,
        "pci-can-upload": False,
        "acls": None,
    }


def _hosts(report: ScanRun, found: list[HostSummary]) -> list[dict[str, Any]]:
    pairs = zip(report.hosts, found, strict=True)
    return [_host(place, host, one) for place, (host, one) in enumerate(pairs)]


def _host(place: int, host: HostRun, found: HostSummary) -> dict[str, Any]:
    info, low, medium, high, critical = found.by_severity
    current = CHECKS_PER_HOST if host.done >= 1.0 else int(host.done * CHECKS_PER_HOST)
    return {
        "host_id": place + 2,
        "host_index": place,
        "hostname": host.label,
        "host_ip": host.address,
        "progress": f"{current}-{CHECKS_PER_HOST}/{CHECKS_PER_HOST}",
        "severity": sum(found.by_severity),
        "critical": critical,
        "high": high,
        "medium": medium,
        "low": low,
        "info": info,
        "totalchecksconsidered": CHECKS_PER_HOST,
        "numchecksconsidered": current,
        "scanprogresstotal": CHECKS_PER_HOST,
        "scanprogresscurrent": current,
        "score": critical * 10_000 + high * 1_000 + medium * 100 + low * 10 + info,
        "severitycount": {
            "item": [{"count": count, "severitylevel": level} for level, count in enumerate(found.by_severity)]
        },
    }


def _vulnerabilities(found: list[HostSummary]) -> list[dict[str, Any]]:
    counted: Counter[Plugin] = Counter()
    for one in found:
        counted.update(one.by_plugin)
    worst_first = sorted(counted.items(), key=lambda pair: (-pair[0].rating.severity, pair[0].id))
    return [_vulnerability(place, plugin, count) for place, (plugin, count) in enumerate(worst_first)]


def _vulnerability(place: int, plugin: Plugin, count: int) -> dict[str, Any]:
    return {
        "plugin_id": plugin.id,
        "plugin_name": plugin.name,
        "plugin_family": plugin.family,
        "count": count,
        "vuln_index": place,
        "severity_index": place,
        "severity": plugin.rating.severity,
    }


def _notes(run: Run) -> dict[str, Any] | None:
    if not run.notes:
        return None
    return {"note": [{"title": "Targets", "message": message, "severity": 2} for message in run.notes]}


def _remediations(report: ScanRun) -> dict[str, Any]:
    return {
        "remediations": None,
        "num_cves": 0,
        "num_hosts": len(report.hosts),
        "num_impacted_hosts": 0,
        "num_remediated_cves": 0,
    }


def _history(scanner: Scanner, scan: Scan) -> list[dict[str, Any]] | None:
    runs = [
        {
            "history_id": run.history_id,
            "uuid": run.uuid,
            "owner_id": 2,
            "status": scanner.word(run.settle(scanner.now())),
            "creation_date": int(run.launched_at),
            "last_modification_date": int(run.ended_at or scanner.now()),
        }
        for run in scan.runs
    ]
    return runs or None


def _host_of(scanner: Scanner, request: Request) -> tuple[ScanRun, HostRun]:
    scan = scanner.scans.get(request.path_params["scan_id"])
    run = scanner.scans.run(scan, number(request.query_params, "history_id"))
    report = scanner.report(scan, run)
    place = request.path_params["host_id"] - 2
    if not 0 <= place < len(report.hosts):
        raise not_found()
    return report, report.hosts[place]


async def host_details(scanner: Scanner, request: Request) -> Response:
    """What a scan found on one host."""
    report, host = _host_of(scanner, request)
    tags = properties(report, host)
    info = {
        "host-ip": host.address,
        "host-fqdn": tags.get("host-fqdn"),
        "mac-address": None,
        "netbios-name": tags.get("netbios-name"),
        "operating-system": tags.get("operating-system"),
        "host_start": tags["HOST_START"],
        "host_end": tags.get("HOST_END"),
    }
    found = _vulnerabilities([summary(report, host)])
    return JSONResponse({"info": info, "vulnerabilities": found or None, "compliance": None})


async def plugin_output(scanner: Scanner, request: Request) -> Response:
    """What one plugin says of one host."""
    report, host = _host_of(scanner, request)
    reported = [one for one in items(report, host) if one.plugin.id == request.path_params["plugin_id"]]
    if not reported:
        raise not_found()
    outputs = [
        {
            "plugin_output": one.output,
            "severity": one.severity,
            "ports": {f"{one.port} / {one.protocol} / {one.service}": [{"hostname": host.label}]},
            "hosts": None,
            "custom_description": None,
        }
        for one in reported
    ]
    plugin = reported[0].plugin
    attributes = {"synopsis": plugin.synopsis, "description": plugin.description, "solution": plugin.solution}
    description = {
        "pluginid": str(plugin.id),
        "pluginname": plugin.name,
        "pluginfamily": plugin.family,
        "severity": str(plugin.rating.severity),
        "pluginattributes": attributes,
    }
    return JSONResponse({"outputs": outputs, "info": {"plugindescription": description}})


ROUTES: Routes = (
    ("POST", "/scans/{scan_id:int}/launch", launch),
    *(("POST", f"/scans/{{scan_id:int}}/{command}", partial(_order, command)) for command in Command),
    ("GET", "/scans/{scan_id:int}", details),
    ("DELETE", "/scans/{scan_id:int}/history/{history_id:int}", delete_run),
    ("GET", "/scans/{scan_id:int}/hosts/{host_id:int}", host_details),
    ("GET", "/scans/{scan_id:int}/hosts/{host_id:int}/plugins/{plugin_id:int}", plugin_output),
)
