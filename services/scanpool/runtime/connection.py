"""One connection to NATS, with the options that were found to survive restarts and lost leaders."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from scanpool.runtime.errors import BrokerError, BrokerUnavailable, ServerUnsuitable
from scanpool.runtime.jetstream_answers import NO_LEADER
from scanpool_schemas import decoding

LEAST_SERVER = (2, 14)
"""Atomic batches and message schedules as the pipeline uses them."""

DEFAULT_URL = "nats://127.0.0.1:4222"
URL_FORM = (
    "takes nats://HOST:PORT, or several separated by commas; write %40 for @ and %2C for a comma in user or password"
)

_PLAIN_URL = re.compile(r"(?:(?:nats|tls|wss?)://)?(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(?::(?P<port>[0-9]{1,5}))?/?")
"""Of a server, without user and password."""
_LAST_PORT = 65535
_BLANK = re.compile(r"\s")
_SPACES = " \t\n\r\x0b\x0c"
_CLOSES_WITHIN_S = 2.0
"""After that a connection is cut."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class NatsAddress:
    """Where NATS is and how to sign in."""

    url: str = DEFAULT_URL
    """One URL, or several of one cluster separated by commas."""
    credentials: Path | None = None
    """A NATS credentials file (JWT and seed)."""
    user: str | None = None
    """With the password, for servers whose URL names no user."""
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None
    """The certificates that the servers' own are checked against, where they are not the system's."""
    inbox: str = "_INBOX"
    """Begins the subjects on which answers are heard."""

    @property
    def servers(self) -> list[str]:
        return [part.strip() for part in self.url.split(",") if part.strip()]

    @property
    def shown(self) -> str:
        """The URL without user and password; what is no plain URL without them is not shown at all."""
        return ",".join(_shown(server) for server in self.servers)

    @property
    def is_valid(self) -> bool:
        """Whether every part of it is a URL of a NATS server."""
        return bool(self.servers) and all(_is_plain(_without_user(server)) for server in self.servers)


def _shown(server: str) -> str:
    plain = _without_user(server)
    return plain if _is_plain(plain) else "(not a NATS URL)"


def _without_user(server: str) -> str:
    scheme, separator, rest = server.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _is_plain(server: str) -> bool:
    match = _PLAIN_URL.fullmatch(server)
    return match is not None and int(match["port"] or 0) <= _LAST_PORT


class _Client(Client):
    """nats-py's client, which a publisher's broken headers do not make deaf, and a waiting call no cancel passes by.

    nats-py 2.16 ends its read loop, and so every subscription, on a status line that is not UTF-8; anybody who may
    publish a request could send one. It waits with `asyncio.wait_for`, which before Python 3.12 loses a cancel that
    comes together with the answer (python/cpython#86296). It sends a PING before what it has yet to send, so that a
    `flush` could end before the server knew of the subscription made before it. And it waits for the end of a
    connection, of which asyncio never tells where TLS was cut in its handshake.
    """

    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        timeout: float = 0.5,
        old_style: bool = False,
        headers: dict[str, Any] | None = None,
    ) -> Msg:
        with _cancellable():
            return await super().request(subject, payload, timeout, old_style, headers)

    async def flush(self, timeout: int = 10) -> None:
        with _cancellable():
            await super().flush(timeout)

    async def _send_ping(self, future: asyncio.Future[bool] | None = None) -> None:
        if self.is_connected and self._transport and self._pending:
            waiting, self._pending, self._pending_data_size = self._pending, [], 0
            self._transport.writelines(waiting)
        await super()._send_ping(future)

    async def _close(self, status: int, do_cbs: bool = True) -> None:
        with anyio.move_on_after(_CLOSES_WITHIN_S) as waiting:
            await super()._close(status, do_cbs)
        if waiting.cancelled_caught:
            writer: asyncio.StreamWriter | None = getattr(self._transport, "_io_writer", None)
            if writer is not None:
                writer.transport.abort()
            if do_cbs and self._closed_cb is not None:
                await self._closed_cb()

    async def _process_headers(self, headers: Any) -> dict[str, str] | None:
        try:
            return await super()._process_headers(headers)
        except (UnicodeDecodeError, IndexError, ValueError) as error:
            log.warning("headers of a message not understood, taken as none", error=str(error))
            return None

    @staticmethod
    def _parse_header_lines(raw: bytes) -> dict[str, str]:
        """As nats-py reads them, which looks at each character of a name by itself: a twentieth of a worker's time."""
        parts = (line.partition(":") for line in raw.decode("utf-8", "replace").split("\r\n"))
        named = ((name.strip(_SPACES), value.strip(_SPACES)) for name, colon, value in parts if colon)
        return {name: value for name, value in named if name.isascii() and not _BLANK.search(name)}


@contextmanager
def _cancellable() -> Iterator[None]:
    """Raise the cancel that came meanwhile, should it have been lost."""
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        yield
    except Exception as error:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError from error
        raise
    if task and task.cancelling() > before:
        raise asyncio.CancelledError


async def connect(
    address: NatsAddress,
    *,
    name: str,
    timeout_s: float = 10.0,
    on_closed: Callable[[], None] = lambda: None,
) -> Client:
    """Connect and check that the server will do; afterwards reconnects for ever.

    Raises:
        BrokerUnavailable: nobody answered in time, or there is no such address.
        ServerUnsuitable: the server is too old or has no JetStream.
    """
    if not address.is_valid:
        raise BrokerUnavailable(f"the address of NATS cannot be used, {address.shown}: {URL_FORM}")
    client = _Client()
    try:
        with anyio.fail_after(timeout_s):  # which cancels again where nats-py's waits lose it, and connects for ever
            await _open(client, address, name, on_closed)
        await _check_server(client, address, timeout_s)
    except BrokerError:
        await client.close()
        raise
    except ImportError as error:
        raise BrokerUnavailable(
            f"signing in to NATS with {address.credentials} needs the package nkeys; `pip install nkeys`"
        ) from error
    except (TimeoutError, OSError, nats.errors.Error, ValueError) as error:
        cause = client.last_error or error
        await client.close()
        raise BrokerUnavailable(_unreachable(address, cause)) from error
    return client


def _unreachable(address: NatsAddress, cause: Exception) -> str:
    reason = str(cause) or "no answer in time"
    if isinstance(cause, nats.errors.Error):
        return (
            f"NATS at {address.shown} answers and refuses the connection ({reason}); check user and password in its "
            "URL, or the file named by SCANPOOL_NATS_CREDS"
        )
    return (
        f"NATS at {address.shown} cannot be reached ({reason}); start one with `scanpool up`, "
        "or name yours with --nats URL or SCANPOOL_NATS_URL"
    )


async def _open(client: Client, address: NatsAddress, name: str, on_closed: Callable[[], None]) -> None:
    await client.connect(
        servers=address.servers,
        name=name,
        user_credentials=str(address.credentials) if address.credentials else None,
        user=address.user,
        password=address.password,
        tls=ssl.create_default_context(cafile=address.ca) if address.ca else None,
        inbox_prefix=address.inbox,
        connect_timeout=2,
        ping_interval=5,
        max_outstanding_pings=2,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.25,  # type: ignore[arg-type]  # nats-py takes seconds, fractions too
        error_cb=_on_error,
        disconnected_cb=_said_by(client, "disconnected from NATS"),
        reconnected_cb=_said_by(client, "reconnected to NATS"),
        closed_cb=_closing(on_closed),
    )


async def _on_error(error: Exception) -> None:
    log.debug("nats client error", error=str(error) or type(error).__name__)


def _said_by(client: Client, sentence: str) -> Callable[[], Awaitable[None]]:
    async def say() -> None:
        if not client.is_closed:  # it is told too when it closes, whether or not it ever was connected
            log.info(sentence)

    return say


def _closing(on_closed: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    async def closed() -> None:
        on_closed()

    return closed


async def _check_server(client: Client, address: NatsAddress, timeout_s: float) -> None:
    version = client.connected_server_version
    if (version.major, version.minor) < LEAST_SERVER:
        least = ".".join(map(str, LEAST_SERVER))
        raise ServerUnsuitable(
            f"NATS at {address.shown} is version {version.major}.{version.minor}; scanpool needs {least} or newer"
        )
    try:
        answer = await client.request("$JS.API.INFO", b"", timeout=timeout_s)
    except nats.errors.NoRespondersError as error:
        raise ServerUnsuitable(_no_jetstream(address)) from error
    except nats.errors.TimeoutError as error:
        raise BrokerUnavailable(
            f"JetStream of NATS at {address.shown} does not answer, or this user may not publish to $JS.API.INFO"
        ) from error
    refusal = decoding.document(answer.data).get("error", {})
    if refusal.get("err_code") == NO_LEADER:
        raise BrokerUnavailable(f"JetStream of NATS at {address.shown} has no leader at the moment; try again")
    if refusal:
        raise ServerUnsuitable(_no_jetstream(address))


def _no_jetstream(address: NatsAddress) -> str:
    return (
        f"NATS at {address.shown} has no JetStream for this account; "
        "enable it with `jetstream {}` in the server's configuration, and for the account"
    )
