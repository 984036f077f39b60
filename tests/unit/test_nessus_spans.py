"""What spans say of a call to a scanner."""

from __future__ import annotations

import inspect

import pytest

from scanpool.scanners.nessus import calls
from scanpool.scanners.nessus.spans import url_template

SECRET = "3f5e0c1a9d"
PLACE = f"/tokens/{SECRET}"


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/scans/17/launch", "/scans/{id}/launch"),
        ("/scans", "/scans"),
        (f"{PLACE}/download", "/tokens/{id}/download"),
        (f"/scans/17/export/{SECRET}/status", "/scans/{id}/export/{id}/status"),
        ("/scans/17/history?limit=2&offset=0", "/scans/{id}/history"),
        (f"/editor/scan/templates/{SECRET}", "/editor/scan/templates/{id}"),
        (f"/{SECRET}?token={SECRET}", "/{id}"),
    ],
)
def test_an_address_is_told_without_what_differs_from_call_to_call(path: str, template: str) -> None:
    assert url_template(path) == template


def test_every_call_that_there_is_has_its_words_told_and_nothing_else() -> None:
    made = [
        calls.server_status(),
        calls.properties(),
        calls.who_am_i(),
        calls.templates(),
        calls.policies(),
        calls.scans(),
        calls.folders(),
        calls.sign_out(),
        calls.sign_in("user", SECRET),
        calls.upload("name", SECRET.encode(), secrets=()),
        calls.create(b"{}", secrets=()),
        calls.template(SECRET),
        calls.export_status(PLACE),
        calls.download(PLACE),
        *(make(17) for make in (calls.progress, calls.latest_status, calls.percent, calls.history, calls.launch)),
        *(make(17) for make in (calls.stop, calls.pause, calls.resume, calls.delete, calls.export)),
    ]
    functions = [name for name, _ in inspect.getmembers(calls, inspect.isfunction) if name not in {"field"}]
    assert len(made) >= len([name for name in functions if inspect.getmodule(getattr(calls, name)) is calls])
    templates = [url_template(call.path) for call in made]
    assert not any(SECRET in each or "17" in each for each in templates)
    assert all(
        set(each.strip("/").split("/")) - {"{id}"}
        == set(call.path.partition("?")[0].strip("/").split("/")) - {"17", SECRET}
        for each, call in zip(templates, made, strict=True)
    )
