"""Takes findings, compliance results and hosts out of the parts of a report, as they pass by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from itertools import count
from typing import Any

from lxml import etree

from scanpool.report.findings.addresses import address_key
from scanpool.report.findings.elements import Facts, facts_of, first, is_true, parted, score
from scanpool.report.findings.packing import Packer
from scanpool.report.findings.writing.spool import Spool
from scanpool.report.host import COMPLIANCE_NAMESPACE, HostPart, Item, is_compliance_family, number
from scanpool.report.limits import ATTACHMENT_CHARS
from scanpool.report.redaction import STRUCK
from scanpool.report.texts import clip, head_and_tail
from scanpool.report.times import host_time

KEPT_IN_MEMORY = 16_384
"""Plugins, services and checks that are known again; a report with more of them has some twice."""
_CM = f"{{{COMPLIANCE_NAMESPACE}}}compliance-"
_OF_THE_HOST = frozenset({"result", "actual-value", "output", "error", "policy-value"})
"""Of a compliance item, the elements that are the host's; the others are the check's."""
_USER_NAMES = frozenset({"ssh-login-used", "smb-login-used"})
"""Properties that say as whom it was logged in; that is nobody's business who reads findings."""


class Harvest:
    """Fills a spool. For one thread at a time."""

    def __init__(self, spool: Spool, text_chars: int) -> None:
        self._spool = spool
        self._text_chars = text_chars
        self._packed = Packer().pack
        self._plugins: dict[bytes, int] = {}
        self._folded: dict[str, tuple[int, int, int]] = {}
        """Plugin, port and service of items without other elements than their own, by what was folded."""
        self._services: dict[tuple[str, str], int] = {}
        self._checks: dict[bytes, int] = {}
        self._ids = count(1)
        self._results = count(1)
        self._host: int | None = None

    def add(self, part: HostPart) -> None:
        """Take in a part, before the reader is asked for the next one."""
        if self._host is None:
            self._host = next(self._ids)
        for item in part.items():
            self._item(item, self._host)
        if part.is_last:
            self._end_host(part, self._host)
            self._host = None

    def _item(self, item: Item, host: int) -> None:
        own, folded, said = parted(item.element)
        known = None if said else self._folded.get(folded)
        if known is None:
            everything = (*item.unfolded(folded), *said) if folded else said
            if self._is_compliance(item, own, everything, host):
                return
            known = self._plugin(item, everything), number(item.element.get("port")) or 0, self._service(item.element)
            if folded and not said:
                self._remember(self._folded, folded, known)
        plugin, port, service = known
        output = self._output(own)
        extras = self._extras(own) if len(own) > (output is not None) else None
        self._spool.add_item((plugin, host, port, service), output, self._packed(extras) if extras else None)

    def _output(self, own: Sequence[etree._Element]) -> str | None:
        outputs = [child.text or "" for child in own if child.tag == "plugin_output"]
        return head_and_tail("\n".join(outputs), self._text_chars) if outputs else None

    def _extras(self, own: Sequence[etree._Element]) -> Facts:
        extras: Facts = {}
        for child in own:
            if child.tag != "plugin_output":
                extras.setdefault(str(child.tag), []).append(self._attached(child, child.text or ""))
        return extras

    def _attached(self, child: etree._Element, text: str) -> str:
        kept = head_and_tail(text, ATTACHMENT_CHARS if child.tag == "attachment" else self._text_chars)
        if child.tag != "attachment":
            return kept
        name = clip(child.get("name") or "", 255)
        return json.dumps({"name": name, "type": clip(child.get("type") or "", 255), "content": kept})

    def _plugin(self, item: Item, said: Sequence[str]) -> int:
        """The plugin with exactly these attributes and texts."""
        get = item.element.get
        key = (get("pluginID") or "", get("severity") or "", get("pluginName") or "", get("pluginFamily") or "")
        # No text of XML has a NUL in it, so other texts make another content.
        content = hashlib.sha256("\0".join((*key, *said)).encode()).digest()
        known = self._plugins.get(content)
        if known is None:
            known = next(self._ids)
            self._remember(self._plugins, content, known)
            self._add_plugin(known, item, facts_of(said, self._text_chars))
        return known

    def _add_plugin(self, plugin: int, item: Item, facts: Facts) -> None:
        element = item.element
        scores = {name: score(facts, f"{name}_base_score") for name in ("cvss", "cvss3", "cvss4")}
        best = next((each for each in (scores["cvss3"], scores["cvss4"], scores["cvss"]) if each is not None), None)
        row = (
            plugin,
            item.plugin_id,
            None if item.severity is None else int(item.severity),
            best,
            clip(element.get("pluginName") or first(facts, "plugin_name"), 1000),
            clip(element.get("pluginFamily") or "", 255),
            scores["cvss"],
            scores["cvss3"],
            scores["cvss4"],
            score(facts, "vpr_score"),
            score(facts, "epss_score"),
            int(is_true(facts, "exploit_available")),
            int(bool(first(facts, "cisa-known-exploited").strip())),
            self._packed(facts),
        )
        self._spool.add("plugin", row, len(row[-1]))
        for cve in {clip(text, 64).upper() for text in facts.get("cve", ())} - {""}:
            self._spool.add("cve", (plugin, cve))

    def _service(self, element: etree._Element) -> int:
        key = (clip(element.get("protocol") or "", 32).lower(), clip(element.get("svc_name") or "", 255))
        known = self._services.get(key)
        if known is None:
            known = next(self._ids)
            self._remember(self._services, key, known)
            self._spool.add("service", (known, *key))
        return known

    def _is_compliance(self, item: Item, own: Sequence[etree._Element], said: Sequence[str], host: int) -> bool:
        """Take in a compliance result; False where the item is none."""
        is_result = is_compliance_family(item.element.get("pluginFamily"))
        result = item.compliance_result if is_result else None
        if result is not None:
            self._compliance(item.element, own, said, host, result)
        return result is not None

    def _compliance(
        self, element: etree._Element, own: Sequence[etree._Element], said: Sequence[str], host: int, result: str
    ) -> None:
        of_the_check: Facts = {}
        of_the_host, output = self._extras(own), self._output(own)
        if output is not None:
            of_the_host["plugin_output"] = [output]
        for tag, texts in facts_of(said, self._text_chars).items():
            name = tag.removeprefix(_CM)
            facts = of_the_host if name != tag and name in _OF_THE_HOST else of_the_check
            facts.setdefault(name, []).extend(texts)
        of_the_host.pop("result", None)
        check = self._check(element, of_the_check)
        data = self._packed(of_the_host)
        self._spool.add("result", (next(self._results), check, host, clip(result, 32), data), len(data))

    def _check(self, element: etree._Element, facts: Facts) -> int:
        plugin_id, family = number(element.get("pluginID")), clip(element.get("pluginFamily") or "", 255)
        name = clip(first(facts, "check-name") or first(facts, "description"), 1000)
        content = self._packed(facts)
        digest = hashlib.blake2b(f"{plugin_id}\0{family}\0".encode() + content, digest_size=16).digest()
        known = self._checks.get(digest)
        if known is None:
            known = next(self._ids)
            self._remember(self._checks, digest, known)
            row = (known, plugin_id, name, clip(first(facts, "check-id"), 255), family, content)
            self._spool.add("check_", row, len(content))
        return known

    def _end_host(self, part: HostPart, host: int) -> None:
        tags, (name, address) = part.tags, part.key
        started, started_local = host_time(tags, "HOST_START")
        ended, ended_local = host_time(tags, "HOST_END")
        row = (
            host,
            name,
            address,
            address_key(address or name),
            clip(tags.get("host-fqdn", ""), 255),
            clip(tags.get("netbios-name", ""), 255),
            clip(tags.get("operating-system", tags.get("os", "")), 1000),
            started.isoformat() if started else started_local,
            ended.isoformat() if ended else ended_local,
            self._packed({tag: STRUCK if tag in _USER_NAMES else text for tag, text in tags.items()}),
        )
        self._spool.add("host", row, len(row[-1]))

    def _remember(self, known: dict[Any, Any], key: Any, value: Any) -> None:
        if len(known) >= KEPT_IN_MEMORY:
            known.clear()
            self._folded.clear()
        known[key] = value
