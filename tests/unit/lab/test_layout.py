from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.errors import InputError
from edgectl.lab.layout import LabSpec, hosts_of, load_spec, save_spec


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


def test_a_saved_spec_is_loaded_as_it_was(tmp_path: Path) -> None:
    spec = LabSpec(tmp_path, pops=(("lhr1", 1),), port=2022, boot_s=0.5)
    save_spec(spec)
    assert load_spec(tmp_path) == spec


def test_a_folder_without_a_spec_is_no_lab(tmp_path: Path) -> None:
    assert load_spec(tmp_path) is None
