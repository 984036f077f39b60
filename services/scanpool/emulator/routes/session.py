"""Signing in and out."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from scanpool.emulator.answers import error
from scanpool.emulator.routes.endpoint import Routes, body, done
from scanpool.emulator.scanner import Scanner


async def log_in(scanner: Scanner, request: Request) -> Response:
    """Open a session."""
    given = await body(request)
    if scanner.faults.take("too_many_users"):
        return error(500, "Too many users are connected")
    token = scanner.accounts.log_in(given.get("username"), given.get("password"))
    return JSONResponse({"token": token})


async def log_out(scanner: Scanner, request: Request) -> Response:
    """Close the session."""
    scanner.accounts.log_out(request.headers.get("x-cookie"))
    return done()


async def who(scanner: Scanner, _request: Request) -> Response:
    """The user of the request."""
    return JSONResponse(
        {
            "id": 2,
            "username": scanner.accounts.username,
            "name": scanner.accounts.username,
            "email": None,
            "type": "local",
            "permissions": 128,
            "lastlogin": int(scanner.booted_at),
            "container_id": 0,
            "groups": None,
        }
    )


async def renew_keys(scanner: Scanner, _request: Request) -> Response:
    """Make a new pair of API keys; the old one is void at once."""
    access_key, secret_key = scanner.accounts.renew_keys()
    return JSONResponse({"accessKey": access_key, "secretKey": secret_key})


ROUTES: Routes = (
    ("POST", "/session", log_in),
    ("DELETE", "/session", log_out),
    ("GET", "/session", who),
    ("PUT", "/session/keys", renew_keys),
)
