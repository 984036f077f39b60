"""What stands before the root element: is this a Nessus report at all, and safe to parse?

lxml drops a DOCTYPE's entities in silence, so expat reads the prologue first and refuses one.
"""

from __future__ import annotations

import codecs
import re
from xml.parsers import expat

from scanpool.report.element_names import ROOT
from scanpool.report.errors import (
    DoctypeNotAllowed,
    LimitExceeded,
    Malformed,
    NessusV1Format,
    NotANessusReport,
    ReportError,
    Truncated,
    UnsupportedEncoding,
)
from scanpool.report.texts import clip

_ROOT_V1 = "NessusClientData"
# Beside a Latin alphabet's 8 bits only what expat and libxml2 read alike: a difference could hide a DOCTYPE.
_ENCODINGS = {"utf-8", "utf-16", "utf-16-le", "utf-16-be", "ascii", "iso8859-1", "iso8859-15", "cp1252"}
_MAGIC = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "a ZIP archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"\x28\xb5\x2f\xfd", "zstd data"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ", "xz data"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x7fELF", "a program"),
)
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_CSV = re.compile(rb'"?Plugin ID"?,', re.IGNORECASE)
_XML_INSIDE = re.compile(rb"<\?xml\s|<NessusClientData")
_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_XML_STARTS = (b"<", b"\x00<", *_BYTE_ORDER_MARKS)


def check_prologue(head: bytes, *, whole: bool, cap: int) -> int | None:
    """Check the first bytes of a report; `whole` says that no more follow.

    Answers at which byte the root element begins, of a report in UTF-8 alone.

    Raises:
        ReportError: it is no Nessus report of version 2, or begins in a way that is not safe.
    """
    _refuse_what_is_no_xml(head)
    prologue = _Prologue(cap)
    prologue.read(head, whole=whole)
    is_utf8 = prologue.encoding == "utf-8" and head.startswith(b"<" + ROOT.encode(), prologue.root_at)
    return prologue.root_at if is_utf8 else None


def _refuse_what_is_no_xml(head: bytes) -> None:
    if _HTML.match(head.removeprefix(codecs.BOM_UTF8).lstrip()):
        raise NotANessusReport("an HTML page")
    if head.lstrip().startswith(_XML_STARTS):
        return
    raise NotANessusReport(_kind(head))


def _kind(head: bytes) -> str:
    text = head.lstrip()
    if not text:
        return "an empty file" if not head else "white space only"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if _XML_INSIDE.search(head):
        return "text before the XML declaration"
    if _CSV.match(text):
        return "a CSV file"
    if text.startswith((b"{", b"[")):
        return "JSON"
    return "binary data" if b"\x00" in head else "plain text"


class _Prologue:
    """An expat parser that is done as soon as it sees the root element begin."""

    def __init__(self, cap: int) -> None:
        self.encoding = "utf-8"
        """As declared, or else as XML has it."""
        self.root_at = 0
        self._cap = cap
        self._root: str | None = None
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.XmlDeclHandler = self._declaration
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._element

    def read(self, head: bytes, *, whole: bool) -> None:
        """Read as far as the root element's start tag and judge it.

        Raises:
            ReportError: see `check_prologue`.
        """
        try:
            self._parser.Parse(head[: self._cap], whole and len(head) <= self._cap)
        except expat.ExpatError as error:
            if self._root is None:
                raise self._unreadable(error) from error
        if self._root is None:
            raise LimitExceeded("prologue_bytes", self._cap, "bytes before the root element")
        _judge_root(self._root)

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is None:
            return
        self.encoding = _codec(encoding)
        if self.encoding not in _ENCODINGS:
            raise UnsupportedEncoding(clip(encoding, 40))

    def _doctype(self, name: str, _system: str | None, _public: str | None, _internal: bool) -> None:
        if name.lower() == "html":
            raise NotANessusReport("an HTML page")
        raise DoctypeNotAllowed

    def _element(self, name: str, _attributes: dict[str, str]) -> None:
        if self._root is None:
            self._root = name
            self.root_at = self._parser.CurrentByteIndex

    def _unreadable(self, error: expat.ExpatError) -> ReportError:
        if error.code in _ENDS_TOO_EARLY:
            return Truncated(hosts_complete=0, hosts_begun=0)
        return Malformed(
            f"not well-formed XML: {expat.ErrorString(error.code)}",
            line=error.lineno,
            column=error.offset + 1,
        )


_ENDS_TOO_EARLY = {
    expat.errors.codes[message]
    for message in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
    )
}


def _codec(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return ""


def _judge_root(name: str) -> None:
    if name == ROOT:
        return
    if name == _ROOT_V1:
        raise NessusV1Format
    if name.rpartition(" ")[2].lower() == "html":
        raise NotANessusReport("an HTML page")
    raise NotANessusReport(f"XML whose root element is {clip(name, 60)!r}")
