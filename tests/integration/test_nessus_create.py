"""Creating a scan: what is looked up by name, what goes up, and what is sent."""

from __future__ import annotations

import json
import re

import pytest

from scanpool.scanners import errors
from scanpool.scanners.nessus import NessusScanner
from scanpool.scanners.scanner import Escalation, ScanSpec, SshKey
from tests.support.nessus import a_scan_spec, nessus_settings
from tests.support.scripted_scanner import NOT_FOUND, Script, ScriptedScanner, reply

TEMPLATES = {
    "templates": [
        {"name": "advanced", "uuid": "u-advanced", "unsupported": None, "license_fulfilled": 1},
        {"name": "basic", "uuid": "u-basic"},
        {"name": "pci", "uuid": "u-pci", "license_fulfilled": 0},
        {"name": "mobile", "uuid": "u-mobile", "manager_only": True},
        {"name": "old", "uuid": "u-old", "unsupported": 1},
    ]
}
SCANS = {"scans": None, "folders": [{"id": 2, "name": "Trash"}, {"id": 9, "name": "Weekly"}]}
POLICIES = {"policies": [{"id": 4, "name": "Hardened", "template_uuid": "u-policy"}]}


def a_script(**more: object) -> Script:
    return {
        "GET /editor/scan/templates": reply(TEMPLATES),
        "GET /scans": reply(SCANS),
        "GET /policies": reply(POLICIES),
        "POST /scans": reply({"scan": {"id": 41, "name": "x", "enabled": 1, "default_permisssions": 0}}),
        "POST /file/upload": reply({"fileuploaded": "stored-name"}),
    }


async def created(spec: ScanSpec) -> tuple[ScriptedScanner, dict[str, object]]:
    """Create the scan; answers the server and the body that it was sent."""
    async with ScriptedScanner(a_script()) as server, NessusScanner(nessus_settings(server.url)) as scanner:
        assert await scanner.create(spec) == 41
    return server, json.loads(server.last("POST /scans").body)


async def test_a_template_is_named_and_sent_as_its_uuid() -> None:
    server, body = await created(a_scan_spec(template="basic"))
    assert body["uuid"] == "u-basic"
    assert server.last("POST /scans").headers["content-type"] == "application/json"


async def test_a_policy_brings_its_template_and_its_number() -> None:
    _, body = await created(a_scan_spec(policy="Hardened"))
    assert body["uuid"] == "u-policy"
    assert isinstance(body["settings"], dict)
    assert body["settings"]["policy_id"] == 4


async def test_a_folder_is_named_and_sent_as_its_number() -> None:
    _, body = await created(a_scan_spec(folder="Weekly"))
    assert isinstance(body["settings"], dict)
    assert body["settings"]["folder_id"] == 9


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (a_scan_spec(template="advnced"), "no template 'advnced'; it has: advanced, basic"),
        (a_scan_spec(template="pci"), "'pci' is not supported"),
        (a_scan_spec(template="mobile"), "'mobile' is not supported"),
        (a_scan_spec(template="old"), "'old' is not supported"),
        (a_scan_spec(policy="hard"), "no policy 'hard'; it has: Hardened"),
        (a_scan_spec(folder="Daily"), "no folder 'Daily'; it has: Trash, Weekly"),
    ],
)
async def test_a_name_that_the_scanner_does_not_have_is_refused_with_those_it_has(spec: ScanSpec, said: str) -> None:
    async with ScriptedScanner(a_script()) as server, NessusScanner(nessus_settings(server.url)) as scanner:
        with pytest.raises(errors.TemplateUnknown, match=re.escape(said)):
            await scanner.create(spec)
    assert server.count("POST /scans") == 0


async def test_templates_are_looked_up_once_and_again_for_a_name_that_is_new() -> None:
    new = {"templates": [{"name": "fresh", "uuid": "u-fresh"}]}
    script = {**a_script(), "GET /editor/scan/templates": [reply(TEMPLATES), reply(new)]}
    async with ScriptedScanner(script) as server, NessusScanner(nessus_settings(server.url)) as scanner:
        await scanner.create(a_scan_spec())
        await scanner.create(a_scan_spec(template="basic"))
        assert server.count("GET /editor/scan/templates") == 1
        await scanner.create(a_scan_spec(template="fresh"))
    assert server.count("GET /editor/scan/templates") == 2


async def test_a_template_that_the_scanner_no_longer_knows_is_looked_up_anew_next_time() -> None:
    gone = [reply(NOT_FOUND, 404), reply({"scan": {"id": 42}})]
    async with (
        ScriptedScanner({**a_script(), "POST /scans": gone}) as server,
        NessusScanner(nessus_settings(server.url)) as scanner,
    ):
        with pytest.raises(errors.TemplateUnknown):
            await scanner.create(a_scan_spec())
        assert await scanner.create(a_scan_spec()) == 42
    assert server.count("GET /editor/scan/templates") == 2


async def test_a_private_key_goes_up_under_a_random_name_and_is_named_in_the_body() -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"
    login = SshKey(username="audit", private_key=key, escalation=Escalation(method="sudo"))
    names = set()
    for _ in range(2):
        server, body = await created(a_scan_spec(login=login))
        upload = server.last("POST /file/upload")
        assert key.encode() + b"\n\r\n" in upload.body
        assert b'name="no_enc"\r\n\r\n0\r\n' in upload.body
        names.add(re.search(rb'name="Filedata"; filename="(scanpool-[0-9a-f]{32})"', upload.body)[1])  # type: ignore[index]
        assert "OPENSSH" not in json.dumps(body)
        assert '"private_key": "stored-name"' in json.dumps(body)
    assert len(names) == 2
