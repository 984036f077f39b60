"""Where NATS is and how to sign in, out of the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from scanpool.runtime.connection import DEFAULT_URL, URL_FORM, NatsAddress
from scanpool.runtime.environ import SettingInvalid, path

_USER, _PASSWORD = "SCANPOOL_NATS_USER", "SCANPOOL_NATS_PASSWORD_FILE"
_INBOX = re.compile(r"[A-Za-z0-9_-]{1,128}(?:\.[A-Za-z0-9_-]{1,128})*")


def nats_address(environ: Mapping[str, str]) -> NatsAddress:
    """The address that the variables of the environment name.

    Raises:
        SettingInvalid: names the variable, what it holds and what it takes.
    """
    address = NatsAddress(
        url=environ.get("SCANPOOL_NATS_URL") or DEFAULT_URL,
        credentials=path(environ, "SCANPOOL_NATS_CREDS", "takes an existing file", Path.is_file),
        user=environ.get(_USER) or None,
        password=_password(environ),
        ca=path(environ, "SCANPOOL_NATS_CA", "takes an existing file of certificates", Path.is_file),
        inbox=_inbox(environ, "SCANPOOL_NATS_INBOX"),
    )
    if not address.is_valid:
        raise SettingInvalid("SCANPOOL_NATS_URL", address.shown, URL_FORM)
    if address.user is not None and address.password is None:
        raise SettingInvalid(_USER, address.user, f"takes {_PASSWORD} beside it")
    return address


def _password(environ: Mapping[str, str]) -> str | None:
    file = path(environ, _PASSWORD, "takes an existing file", Path.is_file)
    if file is None:
        return None
    if not environ.get(_USER):
        raise SettingInvalid(_PASSWORD, str(file), f"takes {_USER} beside it")
    try:
        text = file.read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise SettingInvalid(_PASSWORD, str(file), "takes a file that can be read, with the password alone") from None
    if not text or "\n" in text:
        raise SettingInvalid(_PASSWORD, str(file), "takes a file with the password alone, on one line")
    return text


def _inbox(environ: Mapping[str, str], variable: str) -> str:
    """As said; else one of the user's own, where one is named, which is all that its rights let it hear answers on."""
    user = environ.get(_USER)
    text = environ.get(variable) or (f"_INBOX_{user}" if user else NatsAddress().inbox)
    if not _INBOX.fullmatch(text):
        raise SettingInvalid(variable, text, "takes words of A-Z, a-z, 0-9, '_' and '-' separated by dots")
    return text
