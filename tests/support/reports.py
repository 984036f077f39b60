"""Builders of .nessus reports: the structure is the scanners', every text is our own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape, quoteattr

FAR = "Wed Mar 24 21:03:39 2021"


def item(
    plugin_id: int | str,
    output: str | None = None,
    *,
    severity: int | str | None = 0,
    family: str | None = "General",
    children: str = "",
    port: int = 0,
) -> str:
    """One ReportItem; `children` is markup."""
    attributes = f'port="{port}" svc_name="general" protocol="tcp" pluginID={quoteattr(str(plugin_id))}'
    attributes += f' pluginName="Plugin {escape(str(plugin_id))}"'
    attributes += "" if severity is None else f" severity={quoteattr(str(severity))}"
    attributes += "" if family is None else f" pluginFamily={quoteattr(family)}"
    printed = "" if output is None else f"<plugin_output>{escape(output)}</plugin_output>"
    return f"<ReportItem {attributes}>{children}{printed}</ReportItem>\n"


def compliance(result: str, *, severity: int = 3) -> str:
    """One compliance item."""
    children = f"<cm:compliance-check-name>a check</cm:compliance-check-name><cm:compliance-result>{result}"
    return item(21157, severity=severity, family="Policy Compliance", children=f"{children}</cm:compliance-result>")


def scan_info(
    answer: str | None = None,
    *,
    scan_type: str = "Normal",
    scan_name: str = "weekly",
    policy: str = "Advanced Scan",
    newline: str = "\n",
) -> str:
    """Plugin 19506; `answer` is what follows `Credentialed checks : `, None leaves the line out."""
    lines = [
        "Information about this scan :",
        "",
        "Nessus version : 10.8.3",
        "Plugin feed version : 202503010800",
        f"Scan type : {scan_type}",
        f"Scan name : {scan_name}",
        f"Scan policy used : {policy}",
        "Scanner IP : 10.0.0.5",
        *([] if answer is None else [f"Credentialed checks : {answer}"]),
        "Patch management checks : None",
        "Scan duration : 60 sec",
    ]
    return item(19506, newline.join(lines), family="Settings")


def host(
    name: str = "10.0.0.1",
    *items: str,
    tags: Mapping[str, str] | None = None,
    address: str | None = None,
    finished: bool = True,
) -> str:
    """One ReportHost."""
    shown = {"host-ip": name if address is None else address, **(tags or {})}
    if finished:
        shown |= {"HOST_START": FAR, "HOST_END": FAR}
    properties = "".join(f"<tag name={quoteattr(key)}>{escape(value)}</tag>" for key, value in shown.items())
    content = f"<HostProperties>{properties}</HostProperties>\n{''.join(items)}"
    return f"<ReportHost name={quoteattr(name)}>{content}</ReportHost>\n"


def preference(name: str, value: str) -> str:
    """One setting of the server, for `policy`."""
    return f"<preference><name>{escape(name)}</name><value>{escape(value)}</value></preference>\n"


def plugin_setting(plugin: str, name: str, value: str, kind: str = "entry") -> str:
    """One setting of a plugin, for `policy`."""
    return (
        f"<item><pluginName>{escape(plugin)}</pluginName><pluginId>1</pluginId>"
        f"<fullName>{escape(f'{plugin}[{kind}]:{name}')}</fullName><preferenceName>{escape(name)}</preferenceName>"
        f"<preferenceType>{kind}</preferenceType><selectedValue>{escape(value)}</selectedValue></item>\n"
    )


def policy(*settings: str, name: str = "Advanced Scan") -> str:
    """A Policy of settings made by `preference` and `plugin_setting`."""
    server = "".join(text for text in settings if text.startswith("<preference>"))
    plugins = "".join(text for text in settings if text.startswith("<item>"))
    return (
        f"<Policy><policyName>{escape(name)}</policyName><Preferences><ServerPreferences>{server}"
        f"</ServerPreferences><PluginsPreferences>{plugins}</PluginsPreferences></Preferences>"
        "<FamilySelection><FamilyItem><FamilyName>General</FamilyName><Status>enabled</Status></FamilyItem>"
        "</FamilySelection></Policy>\n"
    )


def report_text(*hosts: str, policy: str = "", name: str = "a scan", attributes: str = "") -> str:
    """A whole report without its XML declaration."""
    opening = f'<Report name={quoteattr(name)} {attributes} xmlns:cm="http://www.nessus.org/cm">'
    return f"<NessusClientData_v2>\n{policy}{opening}\n{''.join(hosts)}</Report>\n</NessusClientData_v2>\n"


def report(*hosts: str, policy: str = "", name: str = "a scan", attributes: str = "") -> bytes:
    """A whole report in UTF-8."""
    text = report_text(*hosts, policy=policy, name=name, attributes=attributes)
    return b'<?xml version="1.0" ?>\n' + text.encode()


def large_report(size_bytes: int, *, items_per_host: int) -> Iterator[bytes]:
    """A report of about that size in pieces, its items of about 2 KB as real ones are."""
    beginning, end = report_text("\0").encode().split(b"\0")
    yield beginning
    items = [_large_item(number).encode() for number in range(500)]
    written = index = 0
    while written < size_bytes:
        name = f"10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}"
        before, after = host(name, scan_info("yes, as 'audit' via ssh"), "\0").encode().split(b"\0")
        yield before
        written += len(before)
        for start in range(0, items_per_host, 100):
            steps = range(start, min(start + 100, items_per_host))
            piece = b"".join(items[(index * 7 + step * 13) % 500] for step in steps)
            yield piece
            written += len(piece)
        yield after
        index += 1
    yield end


def _large_item(number: int) -> str:
    sentence = f"The service numbered {number} answers in a way that lets a stranger learn about it. "
    children = (
        "<cvss3_base_score>7.5</cvss3_base_score><cvss3_vector>CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"
        f"</cvss3_vector><cvss_base_score>5.0</cvss_base_score><cve>CVE-2020-{1000 + number}</cve>"
        f"<cve>CVE-2021-{1000 + number}</cve><description>{sentence * 6}</description><fname>check.nasl</fname>"
        "<plugin_modification_date>2021/01/01</plugin_modification_date><plugin_name>a check</plugin_name>"
        "<plugin_publication_date>2020/01/01</plugin_publication_date><plugin_type>remote</plugin_type>"
        f"<risk_factor>High</risk_factor><script_version>1.{number}</script_version>"
        f"<see_also>http://www.example.com/{number}</see_also><solution>{sentence}</solution>"
        f"<synopsis>{sentence}</synopsis><xref>CWE:200</xref><exploit_available>true</exploit_available>"
    )
    return item(20000 + number, sentence * (2 + number % 12), severity=number % 5, children=children)
