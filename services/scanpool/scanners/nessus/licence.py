"""Whether a scanner's licence lets an API client create and launch scans.

The scanner says so itself; where it does not, its product name tells. It is never found out by trying.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio

from scanpool.scanners.errors import ScanApiNotLicensed, ScannerError
from scanpool.scanners.nessus import calls
from scanpool.scanners.nessus.api import Api
from scanpool.scanners.nessus.faults import AnswerCut
from scanpool.scanners.nessus.replies import Features, LicenceProperties, Properties

LOOK_AFTER_CUT_S = 5.0
"""How long reading the properties may take after a call was cut; it comes on top of the call's own time."""
RESTRICTED = ("essentials", "home", "professional", "expert")
ON_REFUSAL = "HTTP 412 'API is not available'"


@dataclass(frozen=True, kw_only=True, slots=True)
class Licence:
    """What a scanner's properties say of its product and licence."""

    edition: str = ""
    version: str = ""
    plugin_set: str = field(default="", compare=False)
    """Changes by the day, under the same licence."""
    name: str = ""
    scan_api: bool | None = None
    """`license.features.scan_api`; None where the scanner does not state it."""
    inferred: bool | None = None
    """What the product's name tells; None where it tells nothing."""

    @property
    def product(self) -> str:
        """The product and its version, for a sentence."""
        return " ".join(filter(None, (self.edition or self.name or "Nessus of unknown edition", self.version)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Permission:
    """Whether scans may be launched, and how that is known."""

    launch: bool | None
    """None: nothing tells."""
    evidence: str


def read(properties: Properties) -> Licence:
    """The licence as the properties state it."""
    licence = properties.license or LicenceProperties()
    return Licence(
        edition=properties.nessus_type or licence.name or "",
        version=properties.server_version or "",
        plugin_set=properties.loaded_plugin_set or properties.plugin_set or "",
        name=licence.name or "",
        scan_api=(licence.features or Features()).scan_api,
        inferred=_inferred(properties.nessus_type, licence.type, licence.name),
    )


def _inferred(*names: str | None) -> bool | None:
    text = " ".join(filter(None, names)).lower()
    if any(word in text for word in RESTRICTED):
        return False
    return True if "manager" in text else None


def permission(licence: Licence, refused: Licence | None) -> Permission:
    """What the licence permits; `refused` is the licence under which a call was refused at run time.

    A refusal outweighs an inference for as long as the licence is the same; the scanner's own word
    outweighs a refusal.
    """
    if licence.scan_api is not None:
        return Permission(
            launch=licence.scan_api, evidence=f"license.features.scan_api={str(licence.scan_api).lower()}"
        )
    if refused == licence:
        return Permission(launch=False, evidence=ON_REFUSAL)
    if licence.inferred is None:
        return Permission(launch=None, evidence="it states no license.features.scan_api and no known edition")
    return Permission(
        launch=licence.inferred,
        evidence=f"inferred from {licence.edition!r}: it states no license.features.scan_api",
    )


def sentence(scanner: str, licence: Licence, evidence: str) -> str:
    """What is not allowed, how that is known, and what to do."""
    return (
        f"Scanner '{scanner}' ({licence.product}) does not allow scans to be created or launched "
        f"through its API ({evidence}). Read, export and validation still work. Use Nessus Manager, "
        "Tenable Vulnerability Management or Tenable Security Center to launch."
    )


class Licensing:
    """Remembers what a scanner last said of its licence, and its refusals."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._licence: Licence | None = None
        self._permission: Permission | None = None
        self._refused: Licence | None = None

    async def look(self, deadline: float) -> tuple[Licence, Permission]:
        """Ask the scanner for its licence, and what that permits."""
        licence = read(await self._api.call(calls.properties(), Properties, deadline))
        permitted = permission(licence, self._refused)
        self._licence, self._permission = licence, permitted
        return licence, permitted

    async def require(self, operation: str, deadline: float) -> None:
        """Raise `ScanApiNotLicensed` unless launching is known to be permitted; asks if nothing is known."""
        if self._licence is None or self._permission is None:
            await self.look(deadline)
        assert self._licence is not None
        assert self._permission is not None
        if not self._permission.launch:
            raise self._error(operation, self._licence, self._permission.evidence)

    async def refused(self, operation: str) -> ScanApiNotLicensed:
        """Remember that the scanner refused the operation for its licence, and answer the error for it."""
        licence = self._licence or await self._look_briefly() or Licence()
        self._licence, self._refused = licence, licence
        self._permission = Permission(launch=False, evidence=ON_REFUSAL)
        stated = "" if licence.scan_api is None else f"{permission(licence, None).evidence}; "
        return self._error(operation, licence, stated + ON_REFUSAL)

    async def after_cut(self, error: AnswerCut) -> ScannerError:
        """What a cut call amounts to: the licence's error if the scanner now states so, else the cut."""
        licence = await self._look_briefly()
        if licence is None or licence.scan_api is not False:
            return error
        evidence = f"{permission(licence, None).evidence}; it cut the connection"
        return self._error(error.operation, licence, evidence)

    async def _look_briefly(self) -> Licence | None:
        try:
            licence, _ = await self.look(anyio.current_time() + LOOK_AFTER_CUT_S)
        except ScannerError:
            return None  # the error that led here is the one to tell
        return licence

    def _error(self, operation: str, licence: Licence, evidence: str) -> ScanApiNotLicensed:
        scanner = self._api.scanner
        return ScanApiNotLicensed(scanner, operation, sentence(scanner, licence, evidence))
