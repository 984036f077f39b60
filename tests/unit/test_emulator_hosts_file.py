"""The hosts file of the emulator."""

from pathlib import Path

import pytest

from scanpool.emulator.hosts import Account, HostsFileError, load_hosts

GOOD = """
hosts:
  - address: 10.1.0.0/24
    accounts:
      - {username: root, password: toor, ssh_key: true, escalation: {sudo: "", "Cisco 'enable'": en}}
    services: [{port: 2222, name: ssh}]
    findings: 300
  - {address: 10.1.1.1, os: dead}
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "hosts.yaml"
    path.write_text(text)
    return path


def test_a_hosts_file_describes_hosts(tmp_path: Path) -> None:
    first, second = load_hosts(written(tmp_path, GOOD))
    assert first.accounts == (
        Account(username="root", password="toor", ssh_key=True, escalation={"sudo": "", "Cisco 'enable'": "en"}),
    )
    assert (first.findings, second.os) == (300, "dead")


def test_a_hosts_file_may_be_json(tmp_path: Path) -> None:
    (host,) = load_hosts(written(tmp_path, '{"hosts": [{"address": "10.0.0.1", "os": "windows"}]}'))
    assert host.os == "windows"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hosts: [{address: 10.0.0.1, os: beos}]", r"\$\.hosts\[0\]\.os"),
        ("hosts: [{address: 10.0.0.1, account: []}]", "unknown field `account`"),
        ("hosts: [{address: somewhere}]", r"hosts\[0\]\.address: 'somewhere' is no address"),
        ("hosts: [{address: 10.0.0.1, accounts: [{username: u, escalation: {magic: x}}]}]", "escalation"),
        ("machines: []", "unknown field `machines`"),
        ("hosts: [", "neither YAML nor JSON"),
    ],
)
def test_a_mistake_is_told_with_file_and_place(tmp_path: Path, text: str, told: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(HostsFileError, match=told) as error:
        load_hosts(path)
    assert str(error.value).startswith(str(path))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(HostsFileError, match="cannot be read"):
        load_hosts(tmp_path / "absent.yaml")
