"""Names of pools, scanners and scans: what is allowed, new scan ids, and the nearest known name."""

import difflib
import hashlib
import re
from collections.abc import Iterable
from datetime import datetime

POOL_NAME_PATTERN = r"[a-z0-9][a-z0-9_-]{0,31}"
SCANNER_NAME_PATTERN = POOL_NAME_PATTERN
CREDENTIAL_ID_PATTERN = POOL_NAME_PATTERN
SCAN_ID_PATTERN = r"[A-Za-z0-9_-]{1,64}"

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID_LENGTH = 26
_ULID_ENTROPY_BYTES = 10
_DERIVED_BYTES = 16
_SHOWN_LENGTH = 64

_NAME_RULE = "1 to 32 of a-z, 0-9, '_' and '-', the first a letter or a digit"
_SCAN_ID_RULE = "1 to 64 of A-Z, a-z, 0-9, '_' and '-'"


class InvalidName(ValueError):
    """A name that may stand in no subject and no key; says what was found and what is allowed."""


def is_valid_pool_name(text: str) -> bool:
    """Whether the text may name a pool."""
    return re.fullmatch(POOL_NAME_PATTERN, text) is not None


def is_valid_scanner_name(text: str) -> bool:
    """Whether the text may name a scanner within its pool."""
    return re.fullmatch(SCANNER_NAME_PATTERN, text) is not None


def is_valid_credential_id(text: str) -> bool:
    """Whether the text may name a credential."""
    return re.fullmatch(CREDENTIAL_ID_PATTERN, text) is not None


def is_valid_scan_id(text: str) -> bool:
    """Whether the text may be the id of a scan."""
    return re.fullmatch(SCAN_ID_PATTERN, text) is not None


def check_pool_name(text: str) -> str:
    """The text itself where it may name a pool.

    Raises:
        InvalidName: it may not.
    """
    return _checked("pool name", text, is_valid_pool_name(text), _NAME_RULE)


def check_scanner_name(text: str) -> str:
    """The text itself where it may name a scanner.

    Raises:
        InvalidName: it may not.
    """
    return _checked("scanner name", text, is_valid_scanner_name(text), _NAME_RULE)


def check_credential_id(text: str) -> str:
    """The text itself where it may name a credential.

    Raises:
        InvalidName: it may not.
    """
    return _checked("credential id", text, is_valid_credential_id(text), _NAME_RULE)


def check_scan_id(text: str) -> str:
    """The text itself where it may be the id of a scan.

    Raises:
        InvalidName: it may not.
    """
    return _checked("scan id", text, is_valid_scan_id(text), _SCAN_ID_RULE)


def new_scan_id(now: datetime, entropy: bytes) -> str:
    """A ULID: sorts by time, unique by ten random bytes.

    Raises:
        ValueError: the entropy is not ten bytes, or the time has no zone or lies before 1970.
    """
    if len(entropy) != _ULID_ENTROPY_BYTES:
        raise ValueError(f"a ULID takes {_ULID_ENTROPY_BYTES} bytes of entropy, not {len(entropy)}")
    if now.tzinfo is None or now.timestamp() < 0:
        raise ValueError(f"a ULID takes an instant with a timezone, 1970 or later, not {now!r}")
    milliseconds = int(now.timestamp() * 1000)
    return _crockford(milliseconds << 80 | int.from_bytes(entropy, "big"))


def derived_scan_id(owner: str, idempotency_key: str) -> str:
    """The one scan id of this owner and key: the same key asks for the same scan."""
    # The length keeps ("ab", "c") and ("a", "bc") apart.
    text = f"{len(owner)}:{owner}{idempotency_key}"
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return "key-" + _crockford(int.from_bytes(digest[:_DERIVED_BYTES], "big"))


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant, or None where none is near."""
    by_folded = {each.casefold(): each for each in known}
    close = difflib.get_close_matches(name.casefold(), by_folded, n=1)
    return by_folded[close[0]] if close else None


def _checked(what: str, text: str, valid: bool, rule: str) -> str:
    if valid:
        return text
    shown = ascii(text if len(text) <= _SHOWN_LENGTH else text[:_SHOWN_LENGTH] + "...")
    raise InvalidName(f"{shown} is not a valid {what}: it must be {rule}")


def _crockford(number: int) -> str:
    digits = [_CROCKFORD[number >> shift & 31] for shift in range(5 * (_ULID_LENGTH - 1), -1, -5)]
    return "".join(digits)
