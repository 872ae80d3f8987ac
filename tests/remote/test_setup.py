from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote import facts
from tests.remote.host import run_module

ORACLE = Path(__file__).with_name("ansible_oracle.py")
SAME = [
    "distribution",
    "distribution_version",
    "distribution_major_version",
    "distribution_release",
    "os_family",
    "kernel",
    "kernel_version",
    "architecture",
    "machine",
    "hostname",
    "nodename",
    "memtotal_mb",
    "swaptotal_mb",
    "processor_vcpus",
    "processor_count",
    "processor_cores",
    "processor_threads_per_core",
    "processor",
    "python_version",
    "pkg_mgr",
    "service_mgr",
    "system",
    "user_id",
    "user_uid",
    "user_dir",
    "user_shell",
    "userspace_bits",
    "userspace_architecture",
    "machine_id",
    "product_name",
    "system_vendor",
    "bios_vendor",
    "cmdline",
    "effective_user_id",
    "fips",
]


@pytest.mark.skipif(
    importlib.util.find_spec("ansible") is None, reason="needs ansible-core: pip install -e '.[dev]'"
)
def test_facts_are_those_that_ansible_finds_here() -> None:
    calls = [{"module": "setup", "args": {}, "check": False}]
    done = subprocess.run(
        [sys.executable, str(ORACLE)], input=json.dumps(calls), capture_output=True, text=True, check=True
    )
    theirs = json.loads(done.stdout)[0]["ansible_facts"]
    ours = run_module("setup", {}).values["ansible_facts"]

    named = [f"ansible_{name}" for name in SAME]
    assert {name: ours.get(name) for name in named} == {name: theirs.get(name) for name in named}
    # Ansible has these in the order in which the kernel's folder lists interfaces, which is none.
    for key in ("ansible_interfaces", "ansible_all_ipv4_addresses"):
        assert sorted(ours[key]) == sorted(theirs[key])
    assert set(ours["ansible_date_time"]) == set(theirs["ansible_date_time"])
    for key in ("address", "gateway", "interface", "netmask", "prefix", "macaddress"):
        assert ours["ansible_default_ipv4"].get(key) == theirs["ansible_default_ipv4"].get(key)
    mounts = {mount["mount"]: mount["fstype"] for mount in theirs["ansible_mounts"]}
    assert {mount["mount"]: mount["fstype"] for mount in ours["ansible_mounts"]} == mounts


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["all"], {"min", "hardware", "network", "virtual"}),
        (["min"], {"min"}),
        (["!all"], {"min"}),
        (["!all", "network"], {"min", "network"}),
        (["!hardware"], {"min", "network", "virtual"}),
        (["!all", "!min", "hardware"], {"hardware"}),
        (["network"], {"min", "network"}),
    ],
)
def test_subsets_are_chosen_by_ansibles_rules(wanted: list[str], found: set[str]) -> None:
    assert facts.chosen(wanted) == found


def test_an_unknown_subset_is_a_failure_that_names_the_known_ones() -> None:
    result = run_module("setup", {"gather_subset": ["hardwear"]})

    assert result.failed
    assert "hardware" in result.msg


@pytest.mark.parametrize("pattern", ["ansible_mem*", "mem*"])
def test_a_filter_keeps_what_it_names(pattern: str) -> None:
    found = run_module("setup", {"filter": pattern}).values["ansible_facts"]

    assert set(found) == {"ansible_memtotal_mb", "ansible_memfree_mb", "ansible_memory_mb"}


def test_the_boot_is_named() -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()

    assert run_module("setup", {}).values["ansible_facts"]["edgectl_boot_id"] == boot


@pytest.mark.parametrize(
    ("identity", "like", "name", "family"),
    [
        ("ubuntu", "debian", "Ubuntu", "Debian"),
        ("rocky", "rhel centos fedora", "Rocky", "RedHat"),
        ("sles", "suse", "SLES", "Suse"),
        ("alpine", "", "Alpine", "Alpine"),
        ("other", "", "Other", "Other"),
    ],
)
def test_a_distribution_has_its_family(identity: str, like: str, name: str, family: str) -> None:
    assert facts._family(identity, like, name) == family


def test_facts_can_be_sent_as_json() -> None:
    found: dict[str, Any] = facts.gather()

    assert json.loads(json.dumps(found)) == found
