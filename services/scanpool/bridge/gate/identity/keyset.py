"""The public keys of an issuer (JWKS), fetched when they are needed and kept for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from ssl import create_default_context
from typing import Any

import httpx
import msgspec
import structlog

from scanpool_schemas import decoding

FRESH_S = 600.0
"""After it they are fetched again at the next token."""
SPARED_S = 10.0
"""The issuer is asked no sooner again, whatever tokens come: a key that it has not may be made up."""
KEPT_S = 86_400.0
"""For so long keys are believed that the issuer cannot be asked for again."""
FETCH_S = 5.0
MAX_BYTES = 1024 * 1024
MAX_KEYS = 100

log = structlog.get_logger(__name__)

Key = Mapping[str, Any]
"""As the issuer writes it (RFC 7517)."""


class KeysUnavailable(Exception):
    """The issuer's keys cannot be had now; may succeed later."""


class _Document(msgspec.Struct):
    keys: list[dict[str, Any]]


class KeySet:
    """The keys of one issuer."""

    def __init__(self, fetch: Callable[[], Awaitable[bytes]], *, clock: Callable[[], float]) -> None:
        """`fetch` raises KeysUnavailable; `clock` tells seconds that never go back."""
        self._fetch = fetch
        self._clock = clock
        self._keys: tuple[Key, ...] = ()
        self._fetched_at: float | None = None
        self._asked_at: float | None = None
        self._asking = asyncio.Lock()

    async def named(self, key_id: str | None) -> tuple[Key, ...]:
        """The keys of this id, or all where the token names none; the issuer is asked where there is none."""
        is_asked = self._asking.locked()
        if not self._matching(key_id) or (self._age() > FRESH_S and not is_asked):
            await self._ask(since=self._fetched_at)
        return self._matching(key_id)

    def _matching(self, key_id: str | None) -> tuple[Key, ...]:
        return tuple(each for each in self._keys if key_id is None or each.get("kid") == key_id)

    def _age(self) -> float:
        return float("inf") if self._fetched_at is None else self._clock() - self._fetched_at

    async def _ask(self, *, since: float | None) -> None:
        """Once for all who wait, and not too often."""
        async with self._asking:
            is_spared = self._asked_at is not None and self._clock() - self._asked_at < SPARED_S
            if is_spared or self._fetched_at != since:
                return
            self._asked_at = self._clock()
            try:
                self._keys = read_keys(await self._fetch())
                self._fetched_at = self._clock()
            except KeysUnavailable as error:
                log.warning("the issuer's keys cannot be fetched", error=str(error))
                if self._age() > KEPT_S:
                    self._keys = ()


def read_keys(body: bytes) -> tuple[Key, ...]:
    """The keys of a document.

    Raises:
        KeysUnavailable: it is none.
    """
    try:
        keys = decoding.decode(body, _Document).keys
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise KeysUnavailable(f"no key set: {error}") from error
    return tuple(keys[:MAX_KEYS])


async def fetched(url: str, ca_bundle: Path | None) -> bytes:
    """The document at the URL; the server's certificate is verified, redirections are not followed.

    Raises:
        KeysUnavailable: there is none to be had.
    """
    try:
        verify = create_default_context(cafile=str(ca_bundle)) if ca_bundle else True
        async with (
            asyncio.timeout(FETCH_S),
            httpx.AsyncClient(verify=verify, timeout=FETCH_S) as client,
            client.stream("GET", url, headers={"accept": "application/json"}) as response,
        ):
            response.raise_for_status()
            return await _limited(response)
    except (httpx.HTTPError, OSError, TimeoutError) as error:
        raise KeysUnavailable(f"{url}: {str(error) or type(error).__name__}") from error


async def _limited(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_BYTES:
            raise KeysUnavailable(f"{response.url}: more than {MAX_BYTES:,} bytes")
    return bytes(body)
