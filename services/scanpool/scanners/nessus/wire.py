"""One HTTP exchange with a scanner, and exactly how far it came.

The layer below httpx's client is used on purpose: it follows no redirect, keeps no cookie, reads no proxy
from the environment, and writes no address to a log (an export's address holds its one-time token).
"""

from __future__ import annotations

import math
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version

import anyio
import httpx

from scanpool.scanners.nessus.calls import Call, Upload
from scanpool.scanners.nessus.settings import Kind, NessusSettings
from scanpool.scanners.nessus.spans import CallSpan, answered, unanswered
from scanpool.scanners.nessus.tls import PinMismatch, context

MAX_BODY_BYTES = 64 * 1024 * 1024
"""More than any answer in JSON; a longer one is given up."""
CHUNK_BYTES = 1024 * 1024
"""How much of a download is handed on at once."""
KEEP_ALIVE_S = 3.0
"""Under the 5 s of common servers, so that no request meets a connection that the scanner just closed."""

UNTOLD_WAIT_S = 10.0
"""How long a scanner is left alone that wants no more calls and does not say for how long."""

Sink = Callable[[bytes], Awaitable[None]]
"""Takes a download's bytes as they come."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A status came, perhaps with a body."""

    status: int
    body: bytes = field(default=b"", repr=False)
    broken: str = ""
    """Why the body is not whole; empty if it is."""
    retry_after: str | None = None
    date: str | None = None
    """The scanner's clock, as it says it."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, kw_only=True, slots=True)
class NotSent:
    """Not a byte of the request reached the scanner."""

    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Not a byte was sent: the scanner asked to be left alone, and that is not over."""

    left_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class NoAnswer:
    """The request may have reached the scanner; no status came."""

    why: str
    cut: bool
    """The connection ended; otherwise time did."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WrongCertificate:
    """The scanner showed a certificate that is not the pinned one; nothing was sent."""

    found: str


Exchange = Answer | NotSent | Held | NoAnswer | WrongCertificate


class _Quiet(Exception):
    """The scanner is not to be called now. Not an error of the transport, so that it arrives untranslated."""


class Wire:
    """The connections to one scanner."""

    def __init__(self, settings: NessusSettings) -> None:
        self._url = settings.url.rstrip("/")
        self._agent = user_agent(settings.kind)
        self._span = CallSpan(settings.scanner_instance, settings.url)
        self._quiet_until = -math.inf
        self._timeout = {
            "connect": settings.connect_timeout.total_seconds(),
            "read": settings.request_timeout.total_seconds(),
            "write": settings.request_timeout.total_seconds(),
            "pool": None,  # the deadline of the call bounds it
        }
        limits = httpx.Limits(
            max_connections=settings.max_connections,
            max_keepalive_connections=settings.max_connections,
            keepalive_expiry=KEEP_ALIVE_S,
        )
        # Without https there is nothing to verify, and a context that trusts nobody costs no loading of CAs.
        https = self._url.lower().startswith("https:")
        tls = context(settings.tls) if https else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._transport = httpx.AsyncHTTPTransport(verify=tls, limits=limits)

    def leave_alone(self, seconds: float | None) -> None:
        """Send nothing for so long, whoever calls; None where the scanner did not say how long."""
        until = anyio.current_time() + (UNTOLD_WAIT_S if seconds is None else seconds)
        self._quiet_until = max(self._quiet_until, until)

    async def exchange(
        self, call: Call, headers: Mapping[str, str], deadline: float, sink: Sink | None = None
    ) -> Exchange:
        """Send the call and read its answer until the deadline (in the event loop's time).

        A body that comes with status 200 goes to the sink where there is one.
        """
        with self._span.around(call):
            exchange = await self._exchanged(call, headers, deadline, sink)
            if isinstance(exchange, Answer):
                answered(call, exchange.status)
            else:
                unanswered(type(exchange).__name__)
            return exchange

    async def _exchanged(self, call: Call, headers: Mapping[str, str], deadline: float, sink: Sink | None) -> Exchange:
        trail = _Trail(self._check_quiet)
        with anyio.CancelScope(deadline=deadline):
            try:
                self._check_quiet()
                await self._run(self._request(call, headers, trail), trail, sink)
                return trail.end("")
            except PinMismatch as error:
                return WrongCertificate(found=error.found)
            except _Quiet:
                return Held(left_s=self._quiet_until - anyio.current_time())
            except (httpx.TransportError, ssl.SSLError) as error:
                return trail.end(_why(error), cut=not isinstance(error, httpx.TimeoutException))
        return trail.end("time ran out")

    def _request(self, call: Call, headers: Mapping[str, str], trail: _Trail) -> httpx.Request:
        common = {"User-Agent": self._agent, "Accept": "application/json", "Accept-Encoding": "identity"}
        url = self._url + call.path
        extensions = {"timeout": self._timeout, "trace": trail.trace}
        if isinstance(call.body, Upload):
            form = {"Filedata": (call.body.name, call.body.content)}
            return httpx.Request(
                call.method,
                url,
                headers={**common, **headers},
                data={"no_enc": "0"},
                files=form,
                extensions=extensions,
            )
        kind = {} if call.body is None else {"Content-Type": "application/json"}
        return httpx.Request(
            call.method, url, headers={**common, **kind, **headers}, content=call.body, extensions=extensions
        )

    async def _run(self, request: httpx.Request, trail: _Trail, sink: Sink | None) -> None:
        response = await self._transport.handle_async_request(request)
        try:
            trail.status = response.status_code
            trail.retry_after = response.headers.get("Retry-After")
            trail.date = response.headers.get("Date")
            if sink is not None and response.status_code == 200:
                async for chunk in response.aiter_raw(CHUNK_BYTES):
                    await sink(chunk)
            else:
                await trail.read(response)
        finally:
            await response.aclose()

    def _check_quiet(self) -> None:
        if anyio.current_time() < self._quiet_until:
            raise _Quiet

    async def close(self) -> None:
        await self._transport.aclose()


def user_agent(kind: Kind) -> str:
    """How we name ourselves: to Tenable's cloud in the form that it asks of integrations."""
    ours = version("scanpool")
    return f"Integration/1.0 (scanpool; scanpool; Build/{ours})" if kind == "tenable-vm" else f"scanpool/{ours}"


class _Trail:
    """How far one exchange came."""

    def __init__(self, check: Callable[[], None]) -> None:
        """`check` raises where nothing may be sent; a request may have waited for its connection since it was made."""
        self._check = check
        self.sent = False
        self.status: int | None = None
        self.retry_after: str | None = None
        self.date: str | None = None
        self._body = bytearray()
        self._too_large = False

    async def trace(self, event: str, _info: object) -> None:
        """Called by the connection pool at each step of the exchange."""
        if event.endswith(".send_request_headers.started"):
            self._check()
            self.sent = True

    async def read(self, response: httpx.Response) -> None:
        async for chunk in response.aiter_raw():
            self._body += chunk
            if len(self._body) > MAX_BODY_BYTES:
                self._too_large = True
                return

    def end(self, why: str, *, cut: bool = False) -> Exchange:
        """What the exchange came to, ended for this reason."""
        if self.status is None:
            return NoAnswer(why=why, cut=cut) if self.sent else NotSent(why=why)
        broken = f"its answer is larger than {MAX_BODY_BYTES} bytes" if self._too_large else why
        body = b"" if self._too_large else bytes(self._body)
        return Answer(status=self.status, body=body, broken=broken, retry_after=self.retry_after, date=self.date)


def _why(error: Exception) -> str:
    """The reason in words of ours: what came over the connection is not repeated."""
    if _is_certificate_error(error):
        return f"its certificate is not trusted ({error}): set tls.ca_bundle or tls.fingerprint for it"
    match error:
        case httpx.ConnectError():
            return f"cannot connect: {error}"
        case httpx.ConnectTimeout():
            return "no connection came about in time"
        case httpx.TimeoutException():
            return "it fell silent"
        case httpx.RemoteProtocolError() | httpx.NetworkError() | ssl.SSLError():
            return "the connection broke off"
        case _:
            return f"the request failed ({type(error).__name__})"


def _is_certificate_error(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__  # the pool drops the cause, not the context
    return False
