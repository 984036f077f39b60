"""What the scanner answers, as far as we read it.

Nessus is loose with types: numbers come as strings, booleans as 0 and 1, lists as null. Fields that nobody
reads are not named here.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

ScanNumber = Annotated[int, msgspec.Meta(gt=0)]
Token = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]+\Z")]
"""Goes into a header or a path, so it must be nothing but a token."""
FileName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_:-]+\Z")]
"""Names an export in a path."""
Number = int | float | str | None
"""Meant as a number, whatever it is; see `progress.number`."""


class Nothing(msgspec.Struct):
    """An answer that says nothing; its body may be empty."""


class FailureInfo(msgspec.Struct):
    error: str | None = None


class Failure(msgspec.Struct):
    """Nessus gives `error` alone; Tenable's cloud a message beside it, or puts the error into `info`."""

    error: str | None = None
    message: str | None = None
    info: FailureInfo | None = None


class Engine(msgspec.Struct):
    status: str | None = None
    progress: Number = None


class ServerStatus(msgspec.Struct):
    status: str | None = None
    progress: Number = None
    plugin_data: bool | None = msgspec.field(default=None, name="pluginData")
    engine_status: Engine | None = None


class Features(msgspec.Struct):
    scan_api: bool | None = None


class LicenceProperties(msgspec.Struct):
    type: str | None = None
    name: str | None = None
    features: Features | None = None
    ips: Number = None
    ips_used: Number = None
    agents: Number = None
    agents_used: Number = None
    expiration_date: Number = None


class Properties(msgspec.Struct):
    nessus_type: str | None = None
    server_version: str | None = None
    plugin_set: str | None = None
    loaded_plugin_set: str | None = None
    expiration: Number = None
    used_ip_count: Number = None
    license: LicenceProperties | None = None


class SignedIn(msgspec.Struct):
    token: Token


class Template(msgspec.Struct):
    name: str
    uuid: str | None = None
    unsupported: bool | None = None
    license_fulfilled: bool | None = None
    manager_only: bool | None = None


class Templates(msgspec.Struct):
    templates: list[Template] | None


class Policy(msgspec.Struct):
    id: int
    name: str
    template_uuid: str | None = None


class Policies(msgspec.Struct):
    policies: list[Policy] | None


class Folder(msgspec.Struct):
    id: int
    name: str


class Folders(msgspec.Struct):
    folders: list[Folder] | None


class ListedScan(msgspec.Struct):
    id: int
    name: str | None = None
    status: str | None = None


class Scans(msgspec.Struct):
    scans: list[ListedScan] | None
    folders: list[Folder] | None = None


class Uploaded(msgspec.Struct):
    fileuploaded: str


class CreatedScan(msgspec.Struct):
    id: ScanNumber


class Created(msgspec.Struct):
    scan: CreatedScan


class Launched(msgspec.Struct):
    scan_uuid: str


class ScanInfo(msgspec.Struct):
    status: str


class ScanHost(msgspec.Struct):
    scanprogresscurrent: Number = None
    scanprogresstotal: Number = None
    progress: Number = None


class ScanDetails(msgspec.Struct):
    info: ScanInfo
    hosts: list[ScanHost] | None = None
    history: list[msgspec.Raw] | None = None


class LatestStatus(msgspec.Struct):
    status: str


class Percent(msgspec.Struct):
    progress: Number = None


class Pagination(msgspec.Struct):
    total: int


class History(msgspec.Struct):
    pagination: Pagination | None = None
    history: list[msgspec.Raw] | None = None


class TemplateDetails(msgspec.Struct):
    settings: dict[str, object] | None = None
    """The editor's page: what it holds at which depth differs between templates."""


class Exporting(msgspec.Struct):
    token: Token | None = None
    file: FileName | int | None = None


class ExportStatus(msgspec.Struct):
    status: str
    message: str | None = None
