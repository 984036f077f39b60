"""Templates, policies and folders of Tenable Vulnerability Management, with what its web pages would add to a scan.

A template's defaults are applied by the pages of the product only; a scan made through the API has the settings that
it is made with, so that every default is sent. Which scanner scans is a setting as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from scanpool.scanners.errors import TemplateUnknown
from scanpool.scanners.nessus import calls
from scanpool.scanners.nessus.api import Api
from scanpool.scanners.nessus.bodies import RESERVED, Base
from scanpool.scanners.nessus.catalogue import MAX_NAMED, Catalogue
from scanpool.scanners.nessus.replies import TemplateDetails
from scanpool.scanners.scanner import ScanSpec

Settings = dict[str, object]
SCANNER_FIELD = "scanner_id"


class CloudCatalogue:
    """Looks names up as `Catalogue` does, and keeps the templates' pages, which change only with the product."""

    def __init__(self, api: Api, network_scanner: str | None) -> None:
        self._api = api
        self._network_scanner = network_scanner
        self._catalogue = Catalogue(api)
        self._pages: dict[str, Settings] = {}

    def forget(self) -> None:
        """Look the templates up again next time."""
        self._catalogue.forget()
        self._pages = {}

    async def base(self, spec: ScanSpec, deadline: float) -> Base:
        """As `Catalogue`, with the template's defaults (a policy has its own) and the scanner that scans.

        Raises:
            TemplateUnknown: it has no template, policy, folder or scanner of that name.
        """
        base = await self._catalogue.base(spec, deadline)
        if spec.policy is not None and self._network_scanner is None:
            return base
        page = await self._page(base.uuid, deadline)
        defaults = defaults_of(page) if spec.policy is None else {}
        return replace(base, defaults=defaults, scanner_id=self._scanner_id(page))

    async def _page(self, uuid: str, deadline: float) -> Settings:
        if uuid not in self._pages:
            details = await self._api.call(calls.template(uuid), TemplateDetails, deadline)
            self._pages[uuid] = details.settings or {}
        return self._pages[uuid]

    def _scanner_id(self, page: Settings) -> str | None:
        name = self._network_scanner
        if name is None:
            return None
        options = scanners_of(page)
        if name not in options:
            known = ", ".join(sorted(options)[:MAX_NAMED]) or "none"
            message = f"it has no scanner {name!r} that we may use (network_scanner); it has: {known}"
            raise TemplateUnknown(self._api.scanner, "create", message)
        return options[name]


def defaults_of(page: Settings) -> Settings:
    """Every setting of a template's page that has a default and that a scan may be given."""
    found = {str(field["id"]): field["default"] for field in _fields(page) if _is_value(field.get("default"))}
    return {name: value for name, value in found.items() if name not in RESERVED}


def scanners_of(page: Settings) -> dict[str, str]:
    """The scanners and scanner groups that a scan may run on: name to id."""
    options = (field.get("options") for field in _fields(page) if field["id"] == SCANNER_FIELD)
    listed = [each for offered in options if isinstance(offered, list) for each in offered]
    return {str(each["name"]): str(each["id"]) for each in listed if {"name", "id"} <= set(each)}


def _fields(page: object) -> Iterator[dict[str, object]]:
    """Everything with an id, at any depth; `modes` repeat the same fields in other settings of the page."""
    if isinstance(page, list):
        for each in page:
            yield from _fields(each)
    elif isinstance(page, dict):
        if "id" in page:
            yield page
        for name, each in page.items():
            if name not in {"modes", "options"}:
                yield from _fields(each)


def _is_value(default: object) -> bool:
    return isinstance(default, str | int | float) and default != ""
