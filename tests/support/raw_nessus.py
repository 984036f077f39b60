"""The shortest way to drive a Nessus over its REST API, for tests that judge the server and not a client."""

from typing import Any

import httpx

from tests.support.eventually import once

DEADLINE_S = 60.0

Json = dict[str, Any]


def ssh(username: str, password: str, **more: str) -> Json:
    """The credentials of a scan that logs in over SSH with a password."""
    login = {"auth_method": "password", "username": username, "password": password, **more}
    return {"add": {"Host": {"SSH": [login]}}}


def windows(username: str, password: str, domain: str = "CORP") -> Json:
    """The credentials of a scan that logs in over SMB."""
    login = {"auth_method": "Password", "username": username, "password": password, "domain": domain}
    return {"add": {"Host": {"Windows": [login]}}}


async def template_uuid(api: httpx.AsyncClient, name: str = "advanced") -> str:
    """The uuid of the template with this name."""
    listed = (await api.get("/editor/scan/templates")).json()["templates"]
    return next(str(template["uuid"]) for template in listed if template["name"] == name)


async def scan_body(
    api: httpx.AsyncClient,
    targets: str = "10.10.0.1",
    name: str = "a scan",
    credentials: Json | None = None,
    **settings: Any,
) -> Json:
    """What is posted to create a scan."""
    return {
        "uuid": await template_uuid(api),
        "settings": {"name": name, "text_targets": targets, **settings},
        "credentials": credentials or {},
    }


async def create(api: httpx.AsyncClient, *args: Any, **kwargs: Any) -> int:
    """Create a scan and answer its number; takes what `scan_body` takes."""
    answer = await api.post("/scans", json=await scan_body(api, *args, **kwargs))
    assert answer.status_code == 200, answer.text
    return int(answer.json()["scan"]["id"])


async def launch(api: httpx.AsyncClient, scan: int) -> str:
    """Launch a scan and answer the run's uuid."""
    answer = await api.post(f"/scans/{scan}/launch", json={})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["scan_uuid"])


async def details(api: httpx.AsyncClient, scan: int) -> Json:
    """Where a scan stands."""
    answer = await api.get(f"/scans/{scan}")
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def status_becomes(api: httpx.AsyncClient, scan: int, *wanted: str) -> Json:
    """Poll until the scan has one of these statuses; answer its details."""
    return await once(lambda: details(api, scan), lambda found: found["info"]["status"] in wanted, within_s=DEADLINE_S)


async def order_export(api: httpx.AsyncClient, scan: int) -> Json:
    """Order an export and answer its token and file number."""
    answer = await api.post(f"/scans/{scan}/export", json={"format": "nessus"})
    assert answer.status_code == 200, answer.text
    ordered: Json = answer.json()
    return ordered


async def export_becomes(api: httpx.AsyncClient, token: str, wanted: str) -> None:
    """Poll until the export has this status."""
    path = f"/tokens/{token}/status"
    await once(lambda: api.get(path), lambda answer: answer.json().get("status") == wanted, within_s=DEADLINE_S)


async def download(api: httpx.AsyncClient, scan: int) -> bytes:
    """Export a scan and fetch the file."""
    token = (await order_export(api, scan))["token"]
    await export_becomes(api, token, "ready")
    answer = await api.get(f"/tokens/{token}/download")
    assert answer.status_code == 200, answer.text
    return answer.content


async def run_to_the_end(api: httpx.AsyncClient, *args: Any, **kwargs: Any) -> int:
    """Create a scan, launch it and wait until it is completed; takes what `scan_body` takes."""
    scan = await create(api, *args, **kwargs)
    await launch(api, scan)
    await status_becomes(api, scan, "completed")
    return scan
