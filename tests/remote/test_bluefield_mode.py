"""A BlueField's mode: set for the next power cycle, told apart from what the card is, and read again after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.hosts.fake_dpu import mlxconfig
from tests.nvml.tree import BlueField, Machine, tree
from tests.remote.host import path_with, program, run_module

CARD = "0000:b1:00.0"


class Host:
    """A host with one card."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        tree(folder, "l4", 0, "580", Machine(driver="", dpus=(BlueField("b1", rshim=False),)))
        program(self.bin, "mlxconfig", mlxconfig(str(folder)))

    def card(self, now: str, then: str) -> None:
        (self.folder / "mode").write_text(now)
        (self.folder / "next").write_text(then)

    @property
    def next(self) -> str:
        return (self.folder / "next").read_text().strip()

    def lies(self, script: str) -> None:
        program(self.bin, "mlxconfig", f"#!/bin/sh\n{script}\n")

    def set(self, *, check: bool = False, count: int = 1) -> Any:
        wanted = {"count": count, "root": str(self.folder)}
        return run_module("bluefield_mode", wanted, check=check, environment=path_with(self.bin))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_a_card_that_is_and_stays_in_its_mode_is_left_alone(host: Host) -> None:
    host.card("dpu", "dpu")
    done = host.set()

    assert (done.changed, done.failed, done.values["pending"]) == (False, False, [])
    assert done.values["cards"] == [{"pci_bus_id": CARD, "mode": "dpu", "next_mode": "dpu"}]


def test_a_card_in_nic_mode_is_set_once_and_waits_for_a_power_cycle(host: Host) -> None:
    host.card("nic", "nic")
    first, second = host.set(), host.set()

    assert (first.changed, second.changed) == (True, False), first
    assert first.values["cards"] == [{"pci_bus_id": CARD, "mode": "nic", "next_mode": "dpu"}]
    assert (first.values["pending"], second.values["pending"]) == ([CARD], [CARD])


def test_a_card_that_would_become_a_nic_is_kept_from_it(host: Host) -> None:
    host.card("dpu", "nic")
    done = host.set()

    assert (done.changed, done.values["pending"], host.next) == (True, [], "dpu")


def test_a_check_tells_and_sets_nothing(host: Host) -> None:
    host.card("nic", "nic")

    assert host.set(check=True).changed
    assert host.next == "nic"


def test_a_host_without_the_tool_changes_nothing_and_says_so(host: Host) -> None:
    (host.bin / "mlxconfig").unlink()
    done = host.set()

    assert (done.changed, done.failed, done.msg) == (False, False, "this host has no mlxconfig")


def test_fewer_cards_than_promised_are_a_failure(host: Host) -> None:
    assert "PCI shows 1 BlueFields, 2 should be there" in host.set(count=2).msg


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 0", "does not tell the mode of 0000:b1:00.0: it said nothing"),
        ("echo '-E- Failed to open device' >&2; exit 3", "-E- Failed to open device"),
        ("echo ' INTERNAL_CPU_OFFLOAD_ENGINE ENABLED(0) DISABLED(1)'", "does not tell the mode"),
        (
            'case "$*" in *query*) echo "INTERNAL_CPU_OFFLOAD_ENGINE E(0) D(1) D(1)" ;; esac',
            "0000:b1:00.0 is to be in nic mode still",
        ),
        (
            'case "$*" in *query*) echo "INTERNAL_CPU_OFFLOAD_ENGINE E(0) D(1) D(1)" ;; *set*) echo no; exit 1 ;; esac',
            "mlxconfig refuses dpu mode for 0000:b1:00.0: no; 0000:b1:00.0 is to be in nic mode still",
        ),
    ],
)
def test_a_tool_that_lies_or_fails_is_no_success(host: Host, script: str, said: str) -> None:
    host.lies(script)
    done = host.set()

    assert (done.failed, said in done.msg) == (True, True), done
