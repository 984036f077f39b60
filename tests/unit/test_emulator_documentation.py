"""The emulator's reference page says what the code does."""

from pathlib import Path

import pytest

from scanpool.emulator import default_network
from scanpool.emulator.faults import CATALOGUE, FaultName
from scanpool.emulator.options import PROFILES, Options

PAGE = (Path(__file__).parents[2] / "docs/reference/emulator.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_fault_is_listed_with_its_parameters(name: FaultName) -> None:
    (row,) = (line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
    assert all(f"`{parameter}`" in row for parameter in CATALOGUE[name].parameters)


def test_profiles_keys_and_passwords_are_the_real_ones() -> None:
    names = ("LINUX_PASSWORD", "ROOT_PASSWORD", "WINDOWS_PASSWORD", "NETWORK_PASSWORD", "ENABLE_PASSWORD")
    passwords = {getattr(default_network, name) for name in names}
    options = Options()
    credentials = {options.access_key, options.secret_key, options.username, options.password}
    assert all(f"`{word}`" in PAGE for word in credentials | passwords | set(PROFILES))


def test_every_network_of_the_default_hosts_is_described() -> None:
    networks = {host.address for host in default_network.DEFAULT_HOSTS if host.address.startswith("10.10.")}
    assert all(network in PAGE for network in networks)
