"""The emulated scanner as one object: what every route works on."""

from asyncio import Event
from collections.abc import Callable
from typing import Any

from anyio import move_on_after

from scanpool.emulator import cloud
from scanpool.emulator.accounts import Accounts
from scanpool.emulator.credentials import Change
from scanpool.emulator.default_network import LINUX_ACCOUNT, LINUX_PASSWORD
from scanpool.emulator.exports import Exports
from scanpool.emulator.faults import Faults
from scanpool.emulator.files import Files
from scanpool.emulator.folders import Folders
from scanpool.emulator.licence import EDITIONS, Edition
from scanpool.emulator.lifecycle import Status
from scanpool.emulator.limits import Limits
from scanpool.emulator.options import Options
from scanpool.emulator.reporting import report_of
from scanpool.emulator.reports.model import ScanRun
from scanpool.emulator.scan import Run, Scan, Settings
from scanpool.emulator.scans import Scans
from scanpool.emulator.templates import TEMPLATES

POLICIES = {40: "Linux servers", 41: "Windows servers"}
"""The policies a Manager has; the other editions have none."""


class Scanner:
    """One scanner, with everything it holds in memory."""

    def __init__(self, options: Options, now: Callable[[], float]) -> None:
        self.options = options
        self.now = now
        self.booted_at = now()
        self.closing = Event()
        """Set when it stops serving, so that nothing waits any longer."""
        self._released = Event()
        self.edition: Edition = EDITIONS[options.profile]
        self.accounts = Accounts(options, now)
        self.faults = Faults()
        self.limits = Limits()
        self.files = Files()
        self.folders = Folders()
        self.scans = Scans(options, self.files, self.faults, now)
        self.exports = Exports(self.faults, now, options.export_seconds / options.time_scale, cloud=self.cloud)
        if not self.edition.scan_api:
            self._scan_by_hand()

    def _scan_by_hand(self) -> None:
        """Editions whose API launches nothing have scans that somebody ran in the web interface."""
        login = {"auth_method": "password", "username": LINUX_ACCOUNT, "password": LINUX_PASSWORD}
        ran = Settings(name="Office network, run by hand", text_targets="10.10.0.1-10.10.0.3,10.10.1.1")
        scan = self.scans.create(TEMPLATES[0], ran, {}, Change(add={"Host": {"SSH": [login]}}))
        self.scans.add_completed_run(scan)
        never_ran = Settings(name="Never run", text_targets="10.10.0.1")
        self.scans.create(TEMPLATES[0], never_ran, {}, Change())

    async def pause(self, seconds: float) -> None:
        """Wait as a fault asks for, but not longer than the scanner serves."""
        with move_on_after(seconds):
            await self.closing.wait()

    async def released(self) -> None:
        """Wait until the faults are cleared."""
        await self._released.wait()

    def clear_faults(self) -> None:
        """Take every fault out of force, and let go on what they held."""
        self.faults.clear()
        self._released.set()
        self._released = Event()

    @property
    def cloud(self) -> bool:
        """Whether it is Tenable's service, not a server of one's own."""
        return self.edition.cloud

    def word(self, status: Status) -> str:
        """The word for a status that this edition has."""
        return cloud.word(status) if self.cloud else status

    def archived(self, scan: Scan) -> bool:
        """Whether the results of a scan are archived."""
        return self.faults.take("archived", scan.settings.name) is not None

    def policies(self) -> dict[int, str]:
        """The policies by number."""
        return POLICIES if self.edition.scan_api else {}

    def policy_name(self, scan: Scan) -> str:
        """What a scan's policy is called: the policy's own name, else its template's."""
        return self.policies().get(scan.settings.policy_id or 0, scan.template.title)

    def may_scan(self) -> bool:
        """Whether the API creates and launches scans at the moment."""
        return self.edition.scan_api and self.faults.look("licence") is None

    def report(self, scan: Scan, run: Run) -> ScanRun:
        """What a report made now would be about."""
        run.settle(self.now())
        return report_of(scan, run, self.options, self.policy_name(scan), self.now())

    def stats(self) -> dict[str, Any]:
        """What the judge of a test asks for."""
        return {
            **self.scans.stats(),
            "auth_failures": self.accounts.failures,
            "rate_limited": self.limits.refused,
            "too_early": self.limits.too_early,
        }
