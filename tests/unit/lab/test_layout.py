from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgectl.errors import InputError
from edgectl.lab.layout import Backend, LabSpec, Network, hosts_of, load_spec, save_spec


def test_hosts_fill_pops_of_four_on_consecutive_addresses() -> None:
    hosts = hosts_of(LabSpec(Path("x"), hosts=6, first_address="127.5.0.254"))
    assert [(host.name, host.pop, host.address) for host in hosts[3:]] == [
        ("fra1-r1-n04", "fra1", "127.5.1.1"),
        ("iad1-r1-n01", "iad1", "127.5.1.2"),
        ("iad1-r1-n02", "iad1", "127.5.1.3"),
    ]


def test_more_hosts_than_metros_open_second_pops() -> None:
    assert [host.pop for host in hosts_of(LabSpec(Path("x"), hosts=28))][-1] == "fra2"


def test_named_pops_have_the_hosts_asked_for() -> None:
    hosts = hosts_of(LabSpec(Path("x"), pops=(("lhr1", 1), ("cdg1", 2))))
    assert [host.name for host in hosts] == ["lhr1-r1-n01", "cdg1-r1-n01", "cdg1-r1-n02"]


@pytest.mark.parametrize(
    ("hosts", "address"), [(0, "127.0.0.2"), (1000, "127.0.0.2"), (3, "10.0.0.1"), (9, "127.255.255.250")]
)
def test_a_lab_that_cannot_be_is_refused(hosts: int, address: str) -> None:
    with pytest.raises(InputError):
        LabSpec(Path("x"), hosts=hosts, first_address=address)


def _private(hosts: int = 12, subnet: str = "10.9.8.0/24", backend: Backend = Backend.NSPAWN) -> LabSpec:
    return LabSpec(Path("x"), hosts=hosts, backend=backend, network=Network.PRIVATE, subnet=subnet)


def test_hosts_of_a_private_network_leave_the_first_ten_addresses_free() -> None:
    assert [host.address for host in hosts_of(_private(2))] == ["10.9.8.11", "10.9.8.12"]


@pytest.mark.parametrize(
    ("subnet", "backend", "reason"),
    [
        ("10.9.8.0/24", Backend.SANDBOX, "only real machines"),
        ("10.9.8.0/28", Backend.NSPAWN, "too small"),
        ("10.9.8.7/24", Backend.NSPAWN, "no range"),
        ("here", Backend.NSPAWN, "no range"),
    ],
)
def test_a_private_network_that_cannot_be_is_refused(subnet: str, backend: Backend, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        _private(subnet=subnet, backend=backend)


def test_a_subnet_without_a_private_network_is_refused() -> None:
    with pytest.raises(InputError, match="private network"):
        LabSpec(Path("x"), subnet="10.9.8.0/24")


@pytest.mark.parametrize("rest", [{"boot_s": 0.5}, {"backend": Backend.NSPAWN, "network": Network.PRIVATE}])
def test_a_saved_spec_is_loaded_as_it_was(tmp_path: Path, rest: dict[str, Any]) -> None:
    spec = LabSpec(tmp_path, pops=(("lhr1", 1),), port=2022, **rest)
    save_spec(spec)
    assert load_spec(tmp_path) == spec


def test_a_folder_without_a_spec_is_no_lab(tmp_path: Path) -> None:
    assert load_spec(tmp_path) is None
