"""What Tenable Vulnerability Management has in place of Nessus' own: its scanners, its pages, its words for errors."""

from http import HTTPStatus
from typing import Any

from scanpool.emulator.lifecycle import Status

MAX_ACTIVE = 25
"""How many scans of a container may be active at once; one more launch is answered 429."""
LAUNCH_WAIT_S = 30.0
"""The wait that such a launch is told, before scaling."""
SCANNERS = {
    "US Cloud Scanner": "00000000-0000-0000-0000-00000000000000000000000000001",
    "Office scanners": "7b6a3f0e-2d41-4c8e-9a55-0f6d1c2b3a49",
}
"""The scanners and scanner groups that a scan may run on."""
TOO_MANY = (
    "<html>\r\n<head><title>429 Too Many Requests</title></head>\r\n"
    '<body bgcolor="white">\r\n<center><h1>429 Too Many Requests</h1></center>\r\n'
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
_WORDS = {Status.PROCESSING: "publishing"}


def word(status: Status) -> str:
    """The word for a status, where it is another than Nessus'."""
    return _WORDS.get(status, status)


def failure(status: int, text: str) -> dict[str, Any]:
    """The body of an error; what is missing is told as Nessus tells it."""
    if status == HTTPStatus.NOT_FOUND:
        return {"error": text}
    return {"statusCode": status, "error": HTTPStatus(status).phrase, "message": text}


def page() -> dict[str, Any]:
    """The settings of a template's page; its defaults are the page's, not those of a scan made through the API."""
    scanners = [{"name": name, "id": number} for name, number in SCANNERS.items()]
    chosen = {
        "id": "scanner_id",
        "type": "select",
        "name": "Scanner",
        "options": scanners,
        "default": scanners[0]["id"],
    }
    return {
        "basic": {
            "inputs": [*(_field(name, "entry") for name in ("name", "description", "text_targets")), chosen],
            "groups": [],
        },
        "discovery": {
            "groups": [{"name": "host_discovery", "inputs": [_field("ping_the_remote_host", "checkbox", "yes")]}]
        },
        "report": {"groups": [{"name": "processing", "inputs": [_field("host_tagging", "checkbox", "yes")]}]},
        "advanced": {
            "groups": [{"name": "performance", "inputs": [_field("max_checks_per_host", "entry", "5")]}],
            "modes": {"id": "advanced_mode", "options": [], "default": "default"},
        },
    }


def _field(name: str, kind: str, default: str | None = None) -> dict[str, Any]:
    return {"id": name, "type": kind} | ({} if default is None else {"default": default})
