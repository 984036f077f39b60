"""Elements of a report that mean something to its reader, by name."""

ROOT = "NessusClientData_v2"
HEARD = (ROOT, "Policy", "policyName", "preference", "item", "FamilyItem", "PluginItem", "Report", "ReportHost")
"""At whose begin or end something happens while a report is parsed."""
OF_THE_FINDING = frozenset({"plugin_output", "attachment", "first_found", "last_found", "vulnerability_state"})
"""Elements of an item that differ from host to host; the others say the same wherever their plugin reports."""
