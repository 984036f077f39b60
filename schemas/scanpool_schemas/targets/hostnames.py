"""Hostnames as scan targets, and the patterns that pools allow and exclude them by."""

import re
from fnmatch import fnmatchcase

from scanpool_schemas.targets.target import InvalidTarget

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_NUMBERS_ONLY = re.compile(r"[0-9.-]+")
_MAX_LENGTH = 253


def normal_hostname(text: str) -> str:
    """The hostname in lower case, without the dot at its end.

    Raises:
        InvalidTarget: it is no hostname, or other programs might read it as an address.
    """
    name = text.lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > _MAX_LENGTH:
        raise InvalidTarget(f"a hostname of {len(name)} characters", f"it has at most {_MAX_LENGTH}")
    for label in labels:
        if not _LABEL.fullmatch(label):
            rule = "each part is 1 to 63 letters, digits, '-' and '_', with no '-' at its ends"
            raise InvalidTarget(f"{label!a} is no part of a hostname", rule)
    # inet_aton and browsers read "0x7f.1" and "2130706433" as 127.0.0.1.
    if _NUMBER.fullmatch(labels[-1]) or _NUMBERS_ONLY.fullmatch(name):
        raise InvalidTarget(
            "neither an address nor a hostname: it ends in a number",
            "write an address as '10.0.0.1', a name with a last part that is no number",
        )
    return name


def normal_pattern(text: str) -> str:
    """The hostname pattern in lower case: `*` stands for what a label may hold, a leading `*.` for
    any number of labels before the rest, `*` alone for every hostname.

    Raises:
        InvalidTarget: with its stars filled in, it is no hostname.
    """
    if text == "*":
        return text
    name = text.lower().removesuffix(".")
    normal_hostname(name.replace("*", "x"))
    return name


def hostname_matches(hostname: str, pattern: str) -> bool:
    """Whether the normal pattern speaks of the normal hostname."""
    wanted, given = pattern.split("."), hostname.split(".")
    if wanted[0] == "*":
        wanted = wanted[1:]
        if len(given) <= len(wanted):
            return False
        given = given[len(given) - len(wanted) :]
    return len(given) == len(wanted) and all(map(fnmatchcase, given, wanted))
