"""The scans of the emulated scanner: made, launched, commanded, forgotten, and all of it counted."""

import uuid
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import msgspec

from scanpool.emulator.cloud import LAUNCH_WAIT_S, MAX_ACTIVE
from scanpool.emulator.credentials import Change, changed, offered
from scanpool.emulator.errors import TooManyError, conflict, forbidden, not_found
from scanpool.emulator.faults import FaultName, Faults
from scanpool.emulator.files import Files
from scanpool.emulator.licence import EDITIONS
from scanpool.emulator.lifecycle import CLOUD_COMMANDS, COMMANDS, Command, Life, Status, Timing, Turn
from scanpool.emulator.network import Found, Network
from scanpool.emulator.options import Options
from scanpool.emulator.scan import Run, Scan, Settings, hosts_of
from scanpool.emulator.templates import Template

_TURNS: dict[FaultName, Status] = {
    "aborted": Status.ABORTED,
    "canceled": Status.CANCELED,
    "paused": Status.PAUSED,
}
_STUCK: dict[FaultName, Status] = {"never_starts": Status.PENDING, "never_stops": Status.STOPPING}


class Scans:
    """Every scan there ever was. Numbers are never given twice."""

    def __init__(self, options: Options, files: Files, faults: Faults, now: Callable[[], float]) -> None:
        self._network = Network(options.hosts)
        cloud = EDITIONS[options.profile].cloud
        self._timing = Timing.of(options.scan_seconds, options.time_scale, cloud=cloud)
        self._commands = CLOUD_COMMANDS if cloud else COMMANDS
        self._max_active = options.max_active_scans or (MAX_ACTIVE if cloud else None)
        self._launch_wait_s = LAUNCH_WAIT_S / options.time_scale
        self._max_hosts = options.max_hosts_per_scan
        self._files = files
        self._faults = faults
        self._now = now
        self._scans: dict[int, Scan] = {}
        self._ids = count(5)
        self._history_ids = count(6)
        self._credential_ids = count(1)
        self._max_running = 0

    def listed(self) -> list[Scan]:
        """The scans that exist."""
        return [scan for scan in self._scans.values() if self._known(scan)]

    def get(self, scan_id: int) -> Scan:
        """One scan.

        Raises:
            ApiError: 404 where there is none.
        """
        scan = self._scans.get(scan_id)
        if scan is None or not self._known(scan):
            raise not_found()
        return scan

    def number_of(self, uuid: str) -> int | None:
        """The number of the scan with this uuid of its own, as which the cloud knows it too."""
        return next((scan.id for scan in self._scans.values() if scan.uuid == uuid), None)

    def name_of(self, scan_id: int) -> str:
        """What a scan is called, or was; empty where there never was one."""
        scan = self._scans.get(scan_id)
        return scan.settings.name if scan else ""

    def _known(self, scan: Scan) -> bool:
        if scan.exists and self._faults.take("lost_scan", scan.settings.name):
            scan.lost = True
        return scan.exists

    def create(self, template: Template, settings: Settings, preferences: dict[str, Any], change: Change) -> Scan:
        """Make a scan; it does not run yet."""
        now = self._now()
        scan = Scan(
            id=next(self._ids),
            uuid=f"template-{_run_uuid()}",
            template=template,
            settings=settings,
            preferences=preferences,
            credentials=changed((), change, self._credential_ids),
            created_at=now,
            modified_at=now,
        )
        self._scans[scan.id] = scan
        return scan

    def copy(self, original: Scan, name: str | None, folder_id: int | None) -> Scan:
        """Make a scan like another; it has no runs."""
        settings = msgspec.structs.replace(
            original.settings,
            name=name or f"Copy of {original.settings.name}",
            folder_id=folder_id or original.settings.folder_id,
        )
        scan = self.create(original.template, settings, dict(original.preferences), Change())
        scan.credentials = original.credentials
        return scan

    def edit(
        self, scan: Scan, template: Template, settings: Settings, preferences: dict[str, Any], change: Change
    ) -> None:
        """Change a scan's configuration; runs that there were stay as they were."""
        scan.template, scan.settings, scan.preferences = template, settings, preferences
        scan.credentials = changed(scan.credentials, change, self._credential_ids)
        scan.modified_at = self._now()

    def launch(self, scan: Scan, alt_targets: Sequence[str] = ()) -> Run:
        """Start a scan.

        Raises:
            ApiError: 409 while it is active, 403 where it is disabled.
            TooManyError: as many are active as may be.
        """
        now = self._now()
        if scan.status(now).active:
            raise conflict("The scan is already running")
        if self._max_active is not None and self.running() >= self._max_active:
            raise TooManyError(self._launch_wait_s)
        if self._faults.take("launch_forbidden", scan.settings.name):
            raise forbidden("The scan is disabled")
        run = self._run(scan, ",".join(alt_targets) or scan.settings.text_targets, self._launched(scan, now))
        if self._faults.take("no_hosts", scan.settings.name):
            run.hosts = ()
        scan.launched += 1
        scan.modified_at = now
        self._max_running = max(self._max_running, self.running())
        return run

    def _launched(self, scan: Scan, now: float) -> Life:
        """The life before a run, with what the faults in force will make of it."""
        name = scan.settings.name
        ordered = {status: self._faults.take(fault, name) for fault, status in _TURNS.items()}
        turns = [Turn(at=fault.parameters["at"], to=status) for status, fault in ordered.items() if fault]
        stuck = [status for fault, status in _STUCK.items() if self._faults.take(fault, name)]
        return Life(status=Status.PENDING, since=now, turn=next(iter(turns), None), stuck=next(iter(stuck), None))

    def add_completed_run(self, scan: Scan) -> Run:
        """Give a scan a run that is over, as if somebody had launched it elsewhere."""
        return self._run(scan, scan.settings.text_targets, Life(status=Status.COMPLETED, since=self._now()))

    def _run(self, scan: Scan, targets: str, life: Life) -> Run:
        found = self._network.find(targets, limit=self._max_hosts)
        keys = self._files.private_keys(encrypted=False), self._files.private_keys(encrypted=True)
        run = Run(
            history_id=next(self._history_ids),
            uuid=_run_uuid(),
            launched_at=life.since,
            timing=self._timing,
            life=life,
            text_targets=targets,
            hosts=hosts_of(found, offered(scan.credentials, *keys)),
            notes=_notes(found),
        )
        scan.runs.append(run)
        return run

    def order(self, scan: Scan, order: Command) -> None:
        """Pause, resume, stop or kill the run of a scan.

        Raises:
            ApiError: 409 where its status does not allow it.
        """
        now = self._now()
        if not scan.runs or not scan.runs[-1].order(order, now, self._commands):
            raise conflict(f"The scan is {scan.status(now)}: it cannot {order} now")
        scan.stopped += order in (Command.STOP, Command.KILL)
        scan.modified_at = now

    def delete(self, scan: Scan) -> None:
        """Forget a scan.

        Raises:
            ApiError: 409 while it is active.
        """
        if scan.status(self._now()).active:
            raise conflict("The scan is running and cannot be deleted")
        scan.deleted = 1

    def delete_run(self, scan: Scan, history_id: int) -> None:
        """Forget one run of a scan.

        Raises:
            ApiError: 404 where there is none, 409 while it is active.
        """
        run = self.run(scan, history_id)
        if run.settle(self._now()).active:
            raise conflict("The scan is running and cannot be deleted")
        scan.runs.remove(run)

    def run(self, scan: Scan, history_id: int | None = None) -> Run:
        """One run of a scan, the latest by default.

        Raises:
            ApiError: 404 where there is none.
        """
        runs = [run for run in scan.runs if history_id in (None, run.history_id)]
        if not runs:
            raise not_found()
        return runs[-1]

    def running(self) -> int:
        """How many scans are active now."""
        now = self._now()
        return sum(scan.exists and scan.status(now).active for scan in self._scans.values())

    def stats(self) -> dict[str, Any]:
        """What was done with every scan there ever was, and how many were active at once."""
        return {
            "scans": [
                {
                    "id": scan.id,
                    "name": scan.settings.name,
                    "created": 1,
                    "launched": scan.launched,
                    "stopped": scan.stopped,
                    "deleted": scan.deleted,
                }
                for scan in self._scans.values()
            ],
            "running": self.running(),
            "max_running": self._max_running,
        }


def _run_uuid() -> str:
    return f"{uuid.uuid4()}{uuid.uuid4().hex[:16]}"


def _notes(found: Found) -> tuple[str, ...]:
    unknown = [f"The target {target!r} could not be resolved." for target in found.unknown]
    cut = ["More hosts answer for these targets than one scan may report on."] if found.cut else []
    return tuple(unknown + cut)
