"""Files uploaded to the scanner. They are private keys for SSH, as far as the emulator uses them."""

import binascii
from base64 import b64decode
from enum import Enum, auto

from scanpool.emulator.errors import ApiError

MAX_FILE_BYTES = 1_048_576
MAX_FILES = 10_000


class Files:
    """The uploaded files by the name under which they may be used."""

    def __init__(self) -> None:
        self._content: dict[str, bytes] = {}

    def upload(self, name: str, content: bytes) -> str:
        """Keep a file and answer its name; a name that is taken gets a number.

        Raises:
            ApiError: the file is too large, or there are too many.
        """
        if len(content) > MAX_FILE_BYTES or len(self._content) >= MAX_FILES:
            raise ApiError(413, f"At most {MAX_FILES} files of {MAX_FILE_BYTES} bytes may be uploaded")
        kept, number = name, 1
        while kept in self._content:
            kept, number = f"{name}-{number}", number + 1
        self._content[kept] = content
        return kept

    def private_keys(self, *, encrypted: bool) -> frozenset[str]:
        """The names of the files that are private keys, those with a passphrase or those without."""
        wanted = Lock.PASSPHRASE if encrypted else Lock.NONE
        return frozenset(name for name, content in self._content.items() if lock_of(content) is wanted)


class Lock(Enum):
    """What keeps a private key from being used."""

    NONE = auto()
    PASSPHRASE = auto()


def lock_of(content: bytes) -> Lock | None:
    """What locks a private key; None for what is no private key."""
    if b"BEGIN OPENSSH PRIVATE KEY" in content:
        return _openssh_lock(content)
    if b"PRIVATE KEY-----" not in content:
        return None
    locked = b"BEGIN ENCRYPTED PRIVATE KEY" in content or b"Proc-Type: 4,ENCRYPTED" in content
    return Lock.PASSPHRASE if locked else Lock.NONE


def _openssh_lock(content: bytes) -> Lock | None:
    """An OpenSSH key names its cipher after a magic word and the length of the name."""
    body = b"".join(line for line in content.splitlines() if not line.startswith(b"-----"))
    try:
        _, magic, rest = b64decode(body[:64]).partition(b"openssh-key-v1\0")
    except binascii.Error:
        return None
    if not magic:
        return None
    return Lock.NONE if rest[4:].startswith(b"none") else Lock.PASSPHRASE
