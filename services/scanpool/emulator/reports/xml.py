"""Writing the elements of a report. What plugins say is cached, what a host says is written each time."""

import re
from functools import lru_cache
from xml.sax.saxutils import escape, quoteattr

from scanpool.emulator.reports.model import RISKS, Compliance, Item, Plugin, Rating

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(value: str) -> str:
    """Character data; a character that XML cannot carry becomes a question mark."""
    return escape(_FORBIDDEN.sub("?", value))


def attribute(value: str) -> str:
    """An attribute's value with its quotation marks."""
    return quoteattr(_FORBIDDEN.sub("?", value))


def element(name: str, value: str) -> str:
    """One element on a line of its own."""
    return f"<{name}>{text(value)}</{name}>\n"


def optional(name: str, value: str) -> str:
    """The element, or nothing where there is nothing to say."""
    return element(name, value) if value else ""


def item(reported: Item) -> str:
    """A ReportItem."""
    head = (
        f'<ReportItem port="{reported.port}" svc_name={attribute(reported.service)} '
        f'protocol="{reported.protocol}" severity="{reported.severity}" {_identity(reported.plugin)}>\n'
    )
    if reported.compliance is not None:
        return f"{head}{_compliance(reported.compliance)}{constant(reported.plugin)}</ReportItem>\n"
    output = optional("plugin_output", reported.output)
    return f"{head}{constant(reported.plugin)}{output}</ReportItem>\n"


@lru_cache(maxsize=4096)
def _identity(plugin: Plugin) -> str:
    return f'pluginID="{plugin.id}" pluginName={attribute(plugin.name)} pluginFamily={attribute(plugin.family)}'


@lru_cache(maxsize=4096)
def constant(plugin: Plugin) -> str:
    """The children of an item that are the same on every host."""
    rating = plugin.rating
    parts = [
        element("agent", plugin.agent),
        optional("cpe", plugin.cpe),
        *(element("cve", cve) for cve in plugin.cves),
        _scores(rating),
        optional("cwe", plugin.cwe),
        element("description", plugin.description),
        element("fname", f"emulated_{plugin.id}.nasl"),
        element("plugin_modification_date", plugin.modified),
        element("plugin_name", plugin.name),
        element("plugin_publication_date", plugin.published),
        element("plugin_type", plugin.type),
        element("risk_factor", RISKS[rating.severity]),
        element("script_version", plugin.script_version),
        optional("see_also", "\n".join(plugin.see_also)),
        element("solution", plugin.solution),
        element("synopsis", plugin.synopsis),
        *(element("xref", xref) for xref in plugin.xrefs),
    ]
    return "".join(parts)


def _scores(rating: Rating) -> str:
    return (
        optional("cvss3_base_score", rating.cvss3_base_score)
        + optional("cvss3_vector", rating.cvss3_vector)
        + optional("cvss_base_score", rating.cvss_base_score)
        + optional("cvss_vector", rating.cvss_vector)
    )


def _compliance(check: Compliance) -> str:
    return (
        element("cm:compliance-audit-file", check.audit_file)
        + element("cm:compliance-check-id", check.check_id)
        + element("cm:compliance-check-name", check.check_name)
        + element("cm:compliance-policy-value", check.policy_value)
        + element("cm:compliance-actual-value", check.actual_value)
        + element("cm:compliance-result", check.result)
    )
