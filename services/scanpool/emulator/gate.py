"""What stands before every request: the faults in force, signing in, and the licence."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from scanpool.emulator.answers import CutBody, CutConnection, error, refusal, too_many
from scanpool.emulator.errors import NO_SCAN_API, ApiError
from scanpool.emulator.faults import Fault, FaultName
from scanpool.emulator.holding import held, nowhere
from scanpool.emulator.scanner import Scanner

CONTROL = "/_control/"

_PUBLIC = frozenset(
    {("GET", "/server/status"), ("GET", "/server/properties"), ("POST", "/session"), ("DELETE", "/session")}
)
_SCAN = re.compile(r"^/scans/(?P<id>\d{1,18})(/|$)")
_SCAN_UUID = re.compile(r"^/scans/(?P<uuid>template-[0-9a-f-]+)(?=/|$)")
_EXPORT = re.compile(r"^/scans/\d+/export$")


class Gate:
    """Lets a request through, or answers it in the API's place. The control interface is always open."""

    def __init__(self, app: ASGIApp, scanner: Scanner) -> None:
        self._app = app
        self._scanner = scanner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or pass on."""
        if scope["type"] != "http" or scope["path"].startswith(CONTROL):
            await self._app(scope, receive, send)
            return
        self._scanner.limits.arrived(self._scanner.now())
        scope = self._numbered(scope)
        if hang := self._fault("hang", Request(scope)):
            await self._hang(hang, scope, receive, send)
        else:
            await self._pass(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._refusal(Request(scope, receive))
        await (answer or self._app)(scope, receive, send)

    async def _hang(self, hang: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if hang.parameters["done"]:
            await self._pass(scope, receive, nowhere)
        later = await held(receive, self._scanner.released)
        if hang.parameters["done"]:
            await CutConnection()(scope, receive, send)
        elif later is not None:
            await self._pass(scope, later, send)

    def _numbered(self, scope: Scope) -> Scope:
        """The cloud knows a scan by its uuid too; further in it goes by its number."""
        named = _SCAN_UUID.match(scope["path"]) if self._scanner.cloud else None
        number = self._scanner.scans.number_of(named["uuid"]) if named else None
        if named is None or number is None:
            return scope
        return {**scope, "path": f"/scans/{number}{scope['path'][named.end() :]}"}

    async def _refusal(self, request: Request) -> Response | None:
        if self._fault("down", request):
            return CutConnection()
        if slow := self._fault("slow", request):
            await self._scanner.pause(slow.parameters["seconds"])
        return self._fault_answer(request) or self._not_signed_in(request) or self._not_licensed(request)

    def _fault(self, name: FaultName, request: Request) -> Fault | None:
        path = request.url.path
        return self._scanner.faults.take(name, self._scan_name(path), path, request.method)

    def _scan_name(self, path: str) -> str:
        about = _SCAN.match(path)
        return self._scanner.scans.name_of(int(about["id"])) if about else ""

    def _fault_answer(self, request: Request) -> Response | None:
        if request.url.path != "/server/status" and (loading := self._scanner.faults.take("loading")):
            return CutConnection() if loading.parameters["cut"] else error(503, "Nessus is initializing")
        if (limit := self._fault("rate_limit", request)) and not self._is_allowed(limit):
            html = limit.parameters["html"] or self._scanner.cloud
            return too_many(self._retry_after(limit), html=html)
        if broken := self._fault("server_error", request):
            return error(broken.parameters["status"], "An internal error occurred")
        if garbage := self._fault("garbage", request):
            return _garbage(html=garbage.parameters["html"])
        return None

    def _is_allowed(self, limit: Fault) -> bool:
        allowed, window_s = limit.parameters["allowed"], limit.parameters["retry_after"]
        return self._scanner.limits.within(limit.id, allowed, window_s, self._scanner.now())

    def _retry_after(self, limit: Fault) -> str:
        as_date, now = limit.parameters["date"], self._scanner.now()
        seconds = self._scanner.limits.refuse(now, limit.parameters["retry_after"], as_date=as_date)
        if not as_date:
            return str(seconds)
        return format_datetime(datetime.fromtimestamp(now, UTC) + timedelta(seconds=seconds), usegmt=True)

    def _not_signed_in(self, request: Request) -> Response | None:
        cloud = self._scanner.cloud
        if (request.method, request.url.path) in _PUBLIC and not cloud:
            return None
        api_keys, cookie = request.headers.get("x-apikeys"), None if cloud else request.headers.get("x-cookie")
        if api_keys is None and cookie is not None and self._scanner.faults.take("session_expiry"):
            self._scanner.accounts.end_session(cookie)
        try:
            self._scanner.accounts.check(api_keys, cookie)
        except ApiError as refused:
            return refusal(refused.status, "Invalid credentials." if cloud else refused.text, cloud=cloud)
        return None

    def _not_licensed(self, request: Request) -> Response | None:
        path = request.url.path
        changes_scans = request.method in ("POST", "PUT", "DELETE") and (path + "/").startswith("/scans/")
        if not changes_scans or _EXPORT.match(path) or self._scanner.may_scan():
            return None
        licence = self._scanner.faults.take("licence")
        answer = error(412, NO_SCAN_API)
        if licence is not None and licence.parameters["cut"]:
            return CutBody(answer.body, 412, media_type="application/json")
        return answer


def _garbage(*, html: bool) -> Response:
    if html:
        return HTMLResponse("<!doctype html><title>Sign in</title><p>A proxy answers in place of the scanner.")
    return Response('{"scans": [{"id": 5, "na', media_type="application/json")
