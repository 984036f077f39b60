"""The templates, policies and folders of a scanner, found by name."""

from __future__ import annotations

from collections.abc import Iterable

from scanpool.scanners.errors import TemplateUnknown
from scanpool.scanners.nessus import calls
from scanpool.scanners.nessus.api import Api
from scanpool.scanners.nessus.bodies import Base
from scanpool.scanners.nessus.replies import Policies, Policy, Scans, Template, Templates
from scanpool.scanners.scanner import ScanSpec

MAX_NAMED = 40
"""How many known names an error lists."""


def usable(template: Template) -> bool:
    """Whether a scan can be made from it, with targets, under the scanner's licence."""
    return bool(
        template.uuid
        and not template.unsupported
        and template.license_fulfilled is not False
        and not template.manager_only
    )


class Catalogue:
    """Looks names up; keeps the templates, which change only when the scanner is updated."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._templates: dict[str, str] = {}

    def forget(self) -> None:
        """Look the templates up again next time."""
        self._templates = {}

    async def base(self, spec: ScanSpec, deadline: float) -> Base:
        """What the scanner calls the template or policy, and the folder, that the scan names.

        Raises:
            TemplateUnknown: it has none of that name; the error lists those it has.
        """
        folder_id = None if spec.folder is None else await self._folder(spec.folder, deadline)
        if spec.policy is None:
            return Base(uuid=await self._template(spec.template, deadline), folder_id=folder_id)
        policy = await self._policy(spec.policy, deadline)
        assert policy.template_uuid is not None
        return Base(uuid=policy.template_uuid, policy_id=policy.id, folder_id=folder_id)

    async def _template(self, name: str, deadline: float) -> str:
        if name not in self._templates:
            found = (await self._api.call(calls.templates(), Templates, deadline)).templates or []
            self._templates = {each.name: each.uuid for each in found if usable(each) and each.uuid}
            if name not in self._templates and any(each.name == name for each in found):
                raise TemplateUnknown(
                    self._api.scanner, "create", f"template {name!r} is not supported under its licence"
                )
        if name not in self._templates:
            raise self._unknown("template", name, self._templates)
        return self._templates[name]

    async def _policy(self, name: str, deadline: float) -> Policy:
        found = (await self._api.call(calls.policies(), Policies, deadline)).policies or []
        named = {each.name: each for each in found if each.template_uuid}
        if name not in named:
            raise self._unknown("policy", name, named)
        return named[name]

    async def _folder(self, name: str, deadline: float) -> int:
        found = (await self._api.call(calls.scans(), Scans, deadline)).folders or []
        named = {each.name: each.id for each in found}
        if name not in named:
            raise self._unknown("folder", name, named)
        return named[name]

    def _unknown(self, kind: str, name: str, known: Iterable[str]) -> TemplateUnknown:
        names = sorted(known)
        listed = ", ".join(names[:MAX_NAMED]) + (", …" if len(names) > MAX_NAMED else "")
        return TemplateUnknown(
            self._api.scanner,
            "create",
            f"it has no {kind} {name!r}; it has: {listed}" if names else f"it has no {kind} at all",
        )
