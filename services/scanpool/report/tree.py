"""The tree that grows while a report is parsed, and is forgotten behind what was read.

One event a host; of a large host in progress the finished items are taken out block by block, so that
memory does not depend on how large a host is. Nothing is ever removed that is its parent's last child:
libxml2 may still be appending to it.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from scanpool.report import element_names
from scanpool.report.errors import DoctypeNotAllowed, LimitExceeded, Malformed, ReportError, Truncated
from scanpool.report.folding import Folding
from scanpool.report.held import Held
from scanpool.report.host import HostPart
from scanpool.report.limits import Limits
from scanpool.report.open_host import OpenHost
from scanpool.report.policy import Policy
from scanpool.report.texts import clip
from scanpool.report.unfolding import Unfolding

# libxml2 stops at 2,048 levels by itself; no other limit of its own can be met below `item_bytes`.
_TOO_DEEP_FOR_LIBXML2 = etree.ErrorTypes.ERR_RESOURCE_LIMIT


class ReportTree:
    """Fed with blocks, answers with the hosts, and with parts of large hosts, that became complete."""

    def __init__(self, limits: Limits, folding: Folding | None = None) -> None:
        self.policy = Policy()
        self.report_name = ""
        self.has_report = False
        self._limits = limits
        self._folding = folding or Folding()
        self._unfolding = Unfolding(self._folding.constants)
        self._too_deep = [etree.XPath("boolean(" + "/".join("*" * (limits.depth - above)) + ")") for above in range(3)]
        self._parser = _new_parser()
        self._root: etree._Element | None = None
        self._root_ended = False
        self._report: etree._Element | None = None
        self._is_web = False
        self._policy: etree._Element | None = None
        self._host: OpenHost | None = None
        self._hosts_begun = 0
        self._hosts_complete = 0
        self._held = Held(limits)
        self._has_freed = False

    def feed(self, block: bytes) -> Iterator[HostPart]:
        """Parse a block; each part is good until the next one is asked for.

        Raises:
            ReportError: the report is malformed, or over a limit.
        """
        self._parse(block)
        self._has_freed = False
        for event, element in self._events():
            if event == "start":
                self._begin(element)
            else:
                yield from self._end(element)
        if self._host is not None:
            self._host.add(len(block))
            yield from self._drain(self._host)
        if self._has_freed:
            self._held.clear()
        else:
            self._held.add(block, f"in one element of {self._host}" if self._host else "outside of any host")

    def close(self) -> None:
        """Say that no more blocks follow.

        Raises:
            ReportError: the report does not end here.
        """
        try:
            self._parser.close()
        except etree.XMLSyntaxError as error:
            if not self._root_ended:
                raise Truncated(hosts_complete=self._hosts_complete, hosts_begun=self._hosts_begun) from error
            raise self._logged_refusal() from error
        if not self._root_ended:
            raise Truncated(hosts_complete=self._hosts_complete, hosts_begun=self._hosts_begun)

    def _parse(self, block: bytes) -> None:
        try:
            self._parser.feed(self._folding.fold(block))
        except etree.XMLSyntaxError as error:
            raise self._logged_refusal() from error
        # An undefined entity raises nothing: lxml would drop what it read and begin anew with the next block.
        if self._errors():
            raise self._logged_refusal()

    def _events(self) -> Iterator[tuple[str, etree._Element]]:
        for event, element in self._parser.read_events():
            if isinstance(element, etree._Element):
                yield event, element

    def _errors(self) -> list[etree._LogEntry]:
        return list(self._parser.feed_error_log.filter_from_errors())

    def _logged_refusal(self) -> ReportError:
        first = next(iter(self._errors()), None)
        if first is None:
            return Malformed("not well-formed XML")
        place = f"at line {first.line}, column {first.column}"
        if first.type == _TOO_DEEP_FOR_LIBXML2:
            return LimitExceeded("depth", self._limits.depth, f"levels of elements {place}")
        problem = first.type_name.removeprefix("ERR_").replace("_", " ").lower()
        return Malformed(f"not well-formed XML: {problem}", line=first.line, column=first.column)

    def _begin(self, element: etree._Element) -> None:
        match element.tag:
            case element_names.ROOT:
                self._begin_root(element)
            case "Policy" if element.getparent() is self._root:
                self._policy = element
            case "Report":
                self._begin_report(element)
            case "ReportHost":
                self._begin_host(element)
            case _:
                pass

    def _begin_root(self, element: etree._Element) -> None:
        if self._root is not None:
            raise Malformed(f"a second {element_names.ROOT} element")
        if element.getroottree().docinfo.internalDTD is not None:
            raise DoctypeNotAllowed
        self._root = element

    def _begin_report(self, element: etree._Element) -> None:
        if element.getparent() is not self._root:
            raise Malformed("a Report that is not directly in the root element")
        self._report = element
        self._is_web = element.get("type") == "was"
        self.report_name = self.report_name or clip(element.get("name") or "", 200)
        self.has_report = True

    def _begin_host(self, element: etree._Element) -> None:
        if self._report is None or element.getparent() is not self._report:
            raise Malformed(f"a ReportHost that is not directly in a Report, after {self._hosts_begun} hosts")
        self._host = OpenHost(element, self._limits, self._unfolding, is_web=self._is_web)
        self._hosts_begun += 1
        if self._hosts_begun > self._limits.hosts:
            raise LimitExceeded("hosts", self._limits.hosts, "hosts")

    def _end(self, element: etree._Element) -> Iterator[HostPart]:
        match element.tag:
            case "ReportHost" if self._host is not None:
                self._refuse_depth(element, 2, str(self._host))
                yield self._host.part(tuple(element), is_last=True)
                self._host = None
                self._hosts_complete += 1
                self._forget(element)
            case "Report":
                self._refuse_depth(element, 1, "the Report")
                self._report = None
                self._forget(element)
            case element_names.ROOT:
                self._refuse_depth(element, 0, "the root element")
                self._root_ended = True
            case _ if self._policy is not None:
                self._end_in_policy(element, self._policy)
            case _:
                pass

    def _end_in_policy(self, element: etree._Element, policy: etree._Element) -> None:
        match element.tag:
            case "policyName" if element.getparent() is policy:
                self.policy.name = clip(element.text or "", 200)
            case "preference":
                self.policy.read_preference(element)
            case "item":
                self.policy.read_plugin_setting(element)
            case "Policy" if element is policy:
                self._refuse_depth(element, 1, "the Policy")
                self._policy = None
            case _:
                pass
        self._forget(element)

    def _drain(self, host: OpenHost) -> Iterator[HostPart]:
        finished = host.finished()
        if finished:
            self._refuse_depth(host.element, 2, str(host))
            yield host.part(finished, is_last=False)
            del host.element[: len(finished)]
            self._has_freed = True

    def _refuse_depth(self, element: etree._Element, above: int, where: str) -> None:
        """`above` is how many elements the element stands in."""
        if self._too_deep[above](element):
            raise LimitExceeded("depth", self._limits.depth, f"levels of elements in {where}")

    def _forget(self, element: etree._Element) -> None:
        element.clear(keep_tail=True)  # type: ignore[call-arg]  # the stubs are older than lxml 4.4
        for level, node in enumerate((element, *element.iterancestors()), start=1):
            if level > self._limits.depth:
                raise LimitExceeded("depth", self._limits.depth, f"levels of elements around {element.tag}")
            parent = node.getparent()
            while parent is not None and node.getprevious() is not None:
                del parent[0]
        self._has_freed = True


def _new_parser() -> etree.XMLPullParser:
    return etree.XMLPullParser(
        events=("start", "end"),
        tag=element_names.HEARD,
        huge_tree=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        collect_ids=False,
        remove_comments=True,
        remove_pis=True,
    )
