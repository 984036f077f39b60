"""Writes configuration files for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

Keys = dict[str, Any]


def a_scanner(**changes: Any) -> Keys:
    """One scanner that signs in with keys of the environment; a change to None removes the key."""
    keys: Keys = {
        "instance_id": "scanner1",
        "url": "https://nessus1.corp.example:8834",
        "access_key": {"env": "ACCESS_KEY"},
        "secret_key": {"env": "SECRET_KEY"},
    }
    return _changed(keys, changes)


def a_pool(**changes: Any) -> Keys:
    """A pool of one scanner."""
    return _changed({"scanners": [a_scanner()]}, changes)


def a_credential(**changes: Any) -> Keys:
    """A login by SSH with a password of the environment."""
    keys: Keys = {
        "id": "linux",
        "kind": "ssh_password",
        "username": "audit",
        "password": {"env": "LINUX_PASSWORD"},
        "pools": ["internal"],
    }
    return _changed(keys, changes)


def a_client(**changes: Any) -> Keys:
    """A client of the bridge that may scan one network."""
    return _changed({"subject": "agent", "pools": ["internal"], "networks": ["10.0.0.0/16"]}, changes)


def a_configuration(**changes: Any) -> Keys:
    """A configuration of one pool."""
    return _changed({"pools": {"internal": a_pool()}}, changes)


def of_scanner(**changes: Any) -> Keys:
    """A configuration of one scanner."""
    return a_configuration(pools={"internal": a_pool(scanners=[a_scanner(**changes)])})


def of_pool(**changes: Any) -> Keys:
    """A configuration of one pool."""
    return a_configuration(pools={"internal": a_pool(**changes)})


def of_credential(**changes: Any) -> Keys:
    """A configuration of one credential."""
    return a_configuration(credentials=[a_credential(**changes)])


def of_client(**changes: Any) -> Keys:
    """A configuration of one client and one credential."""
    return a_configuration(credentials=[a_credential()], clients=[a_client(**changes)])


def of_escalation(**keys: Any) -> Keys:
    """A configuration of one credential that escalates."""
    return of_credential(escalation=keys)


ENVIRON = {"ACCESS_KEY": "the-access-key", "SECRET_KEY": "the-secret-key", "LINUX_PASSWORD": "the-password"}
"""What the builders' secrets are."""


def written(folder: Path, content: Keys | str) -> Path:
    """The file `scanners.yaml` in the folder, with that content."""
    path = folder / "scanners.yaml"
    text = content if isinstance(content, str) else yaml.dump(content, Dumper=_PlainDumper, sort_keys=False)
    path.write_text(text, encoding="utf-8")
    return path


class _PlainDumper(yaml.SafeDumper):
    """Writes a value that stands in two places out in both."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _changed(keys: Keys, changes: Keys) -> Keys:
    return {key: value for key, value in {**keys, **changes}.items() if value is not None}
