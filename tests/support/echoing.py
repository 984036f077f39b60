"""A scanner that says back what it is told: it stands before another, and answers some calls with the call itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from scanpool.runtime.http import serving
from tests.support.ports import own_port

_METHODS = ["GET", "POST", "PUT", "DELETE"]


@dataclass
class Echo:
    """Where it is, and what it said back."""

    url: str
    said: list[str] = field(default_factory=list)


@asynccontextmanager
async def echoing(scanner_url: str, method: str, path: str, status: int) -> AsyncIterator[Echo]:
    """Answers calls of the path with the status, and with the call's headers and body as the error's text."""
    echo = Echo(f"http://127.0.0.1:{own_port()}")

    async with httpx.AsyncClient(base_url=scanner_url) as scanner:

        async def answer(request: Request) -> Response:
            body = await request.body()
            if (request.method, request.url.path) == (method, path):
                headers = "; ".join(f"{name}: {value}" for name, value in request.headers.items())
                echo.said.append(f"{headers} {body.decode(errors='replace')}")
                return JSONResponse({"error": echo.said[-1]}, status_code=status)
            passed = {k: v for k, v in request.headers.items() if k in {"x-apikeys", "content-type", "x-cookie"}}
            got = await scanner.request(request.method, str(request.url.path), headers=passed, content=body)
            return Response(got.content, got.status_code, media_type=got.headers.get("content-type"))

        app = Starlette(routes=[Route("/{rest:path}", answer, methods=_METHODS)])
        async with serving(app, "127.0.0.1", int(echo.url.rpartition(":")[2])):
            yield echo
