"""How large and how deep a report may be."""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

ATTACHMENT_CHARS = 64 * KIB
"""Of one attachment that is kept; of a longer one, head and tail."""
TAG_CHARS = MIB
"""Of an attribute in a host, of an element's name with its namespace, and of the names of an item's elements together;
above these a report is refused."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Above these a report is refused, but for `text_chars` and `kept_bytes`, above which texts are cut."""

    file_bytes: int = 4 * GIB
    host_bytes: int = 512 * MIB
    """Of one host's markup, counted in blocks of 256 KiB."""
    item_bytes: int = 16 * MIB
    """Of markup in which no item ends: what has to be held in memory at once."""
    item_tags: int = 131_072
    """Of `<` and attributes in such markup, counted once it is longer than 512 KiB."""
    prologue_bytes: int = 64 * KIB
    """Of what stands before the root element and of its start tag; at most one block of 256 KiB."""
    text_chars: int = MIB
    """Of one text that is kept; of a longer one, head and tail."""
    kept_bytes: int = 5 * MIB
    """Of the texts of one item, or of one host's properties, as they take memory; of what is over, head and tail."""
    depth: int = 32
    """Of elements within each other."""
    hosts: int = 262_144
    """Of each some hundred bytes are kept, beside what `evidence_bytes` counts."""
    evidence_bytes: int = 16 * MIB
    """Of what is kept of all hosts: names, addresses, and evidence with its quotations."""
