"""Names of tasks: a scan's id with a seal that only the bridge can make, so that ids cannot be guessed from scans."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence

KEY_BYTES = 32
_SEAL_BYTES = 16


class TaskIds:
    """Makes and opens ids of tasks; replicas with the same name and a key in common open each other's."""

    def __init__(self, name: str, keys: Sequence[bytes]) -> None:
        self._name = name
        self._keys = tuple(keys) or (secrets.token_bytes(KEY_BYTES),)

    def sealed(self, scan_id: str) -> str:
        """The id of the scan's task."""
        return f"{scan_id}.{self._seal(self._keys[0], scan_id)}"

    def opened(self, task_id: str) -> str | None:
        """The scan's id; None for an id that nobody sealed."""
        scan_id, _, seal = task_id.rpartition(".")
        good = [hmac.compare_digest(_bytes(self._seal(key, scan_id)), _bytes(seal)) for key in self._keys]
        return scan_id if any(good) else None

    def _seal(self, key: bytes, scan_id: str) -> str:
        document = _bytes(f"scanpool task\0{self._name}\0{scan_id}")
        return hmac.new(key, document, hashlib.sha256).digest()[:_SEAL_BYTES].hex()


def _bytes(text: str) -> bytes:
    """Of whatever a client may have sent, halves of surrogate pairs too."""
    return text.encode("utf-8", "surrogatepass")
