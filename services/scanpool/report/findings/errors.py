"""Why the findings of a file cannot be had as they were asked for.

FindingsError
├── NotAFindingsFile     the file is something else, or damaged
├── OtherVersion         the file was written by another version
└── BadQuery             what was asked makes no sense; the message says what would
    ├── UnknownField     no field, profile or grouping of this name
    ├── BadFilter        no such filter, or not such a value
    ├── BadCursor        no cursor, or one of another file or other filters
    └── BadPage          no such page or page size
"""

from __future__ import annotations


class FindingsError(Exception):
    """The findings cannot be had."""


class NotAFindingsFile(FindingsError):
    """The file is something else, or damaged: fetch it, or read the report, again."""


class OtherVersion(FindingsError):
    """The file was written by another version: read the report again, or use that version."""


class BadQuery(FindingsError):
    """What was asked makes no sense; asked again it will not either."""


class UnknownField(BadQuery):
    """There is no field, profile or grouping of this name; the message names the nearest and all."""


class BadFilter(BadQuery):
    """There is no such filter, or it takes no such value; the message says which it takes."""


class BadCursor(BadQuery):
    """The text is no cursor, or one of another file or of other filters."""


class BadPage(BadQuery):
    """There can be no such page."""
