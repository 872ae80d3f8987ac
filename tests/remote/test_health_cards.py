"""BlueField DPUs and network ports as their host sees them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.health import dpus, ports
from tests.nvml.tree import RSHIM, BlueField, Machine, tree


def host(root: Path, *cards: BlueField, **files: str) -> str:
    given = {path.replace("__", "/"): text for path, text in files.items()}
    tree(root, "l4", 0, "580", Machine(dpus=cards, files=given))
    return str(root)


def one(root: Path, card: BlueField, **files: str) -> dict[str, Any]:
    (found,) = dpus.read(host(root, card, **files))
    return found


def test_a_dpu_is_one_card_however_many_functions_it_shows(tmp_path: Path) -> None:
    found = one(tmp_path, BlueField())

    wanted = {
        "pci_bus_id": "00000000:B1:00.0",
        "model": "BlueField-3",
        "device_id": "a2dc",
        "firmware": "32.43.1014",
        "mode": "dpu",
        "rshim": "rshim0",
        "arm_up": True,
        "uptime_s": 86300.0,
        "temperature_c": 58.0,
    }
    assert {name: found[name] for name in wanted} == wanted


@pytest.mark.parametrize(("said", "mode"), [("DPU mode", "dpu"), ("NIC mode", "nic"), ("Unknown", None)])
def test_the_mode_is_what_rshim_says_and_unknown_is_none(tmp_path: Path, said: str, mode: str | None) -> None:
    assert one(tmp_path, BlueField(mode=said))["mode"] == mode


def test_a_card_that_is_locked_is_in_nic_mode(tmp_path: Path) -> None:
    said = RSHIM.format(mode="Unknown", slot="0000:b1:00", uptime_s=5)
    locked = said.replace("SECURE_NIC_MODE 0", "SECURE_NIC_MODE 1")

    assert one(tmp_path, BlueField(), dev__rshim0__misc=locked)["mode"] == "nic"


def test_without_rshim_the_card_is_there_and_its_inside_is_not_collected(tmp_path: Path) -> None:
    found = one(tmp_path, BlueField(rshim=False))

    assert (found["rshim"], found["mode"], found["uptime_s"]) == (None, None, None)
    assert {"mode", "uptime_s", "arm_up", "rshim"} <= set(found["unread"]["not_collected"])
    assert found["firmware"] == "32.43.1014"


def test_each_console_belongs_to_its_own_card(tmp_path: Path) -> None:
    root = host(tmp_path, BlueField("b1", uptime_s=10), BlueField("c1", mode="NIC mode", uptime_s=20))

    told = [(card["pci_bus_id"][9:11], card["mode"], card["uptime_s"]) for card in dpus.read(root)]

    assert told == [("B1", "dpu", 10.0), ("C1", "nic", 20.0)]


@pytest.mark.parametrize("name", ["pcie-0000:b1:00.2", "pcie-b1:00.2", "pcie-B1:00.2 (ro)"])
def test_a_console_is_its_card_s_in_every_form_of_its_name(tmp_path: Path, name: str) -> None:
    said = RSHIM.format(mode="DPU mode", slot="?", uptime_s=5).replace("pcie-?.2", name)
    found = one(tmp_path, BlueField(), dev__rshim0__misc=said)

    assert (found["rshim"], found["mode"], found["uptime_s"]) == ("rshim0", "dpu", 5.0)


def test_the_log_of_the_card_says_how_far_its_boot_is(tmp_path: Path) -> None:
    said = RSHIM.format(mode="DPU mode", slot="0000:b1:00", uptime_s=5)
    log = f"{said}  Log Messages\n INFO[UEFI]: eMMC init\n INFO[MISC]: Linux up\n INFO[MISC]: DPU is ready\n"
    found = one(tmp_path, BlueField(), dev__rshim0__misc=log, sys__class__net__tmfifo_net0__carrier="0\n")

    assert (found["boot_state"], found["arm_up"]) == ("DPU is ready", True)


def test_without_a_carrier_on_its_network_the_card_s_own_system_is_down(tmp_path: Path) -> None:
    assert one(tmp_path, BlueField(), sys__class__net__tmfifo_net0__carrier="0\n")["arm_up"] is False


def test_part_and_serial_come_from_the_card_s_product_data(tmp_path: Path) -> None:
    root = host(tmp_path, BlueField())
    data = b"\x82\x04\x00Card\x90\x20\x00PN\x0c900-9D3B6-00SN\x0bMT240500001RV\x01\x00\x78"
    (tmp_path / "sys/bus/pci/devices/0000:b1:00.0/vpd").write_bytes(data)

    (found,) = dpus.read(root)

    assert (found["part"], found["serial"]) == ("900-9D3B6-00", "MT240500001")


def test_a_plain_network_card_is_no_dpu_and_no_card_is_an_empty_list(tmp_path: Path) -> None:
    folder = tmp_path / "sys/bus/pci/devices/0000:b1:00.0"
    folder.mkdir(parents=True)
    (folder / "vendor").write_text("0x15b3\n", encoding="ascii")
    (folder / "device").write_text("0x1021\n", encoding="ascii")

    assert dpus.read(str(tmp_path)) == []


def test_a_port_is_told_with_its_interface_state_rate_and_error_counters(tmp_path: Path) -> None:
    card = BlueField(state="1: DOWN", link="down")
    root = host(tmp_path, card, sys__class__infiniband__mlx5_0__ports__1__counters__link_downed="7\n",
                sys__class__net__ens0np0__carrier_down_count="9\n")  # fmt: skip

    first, _second = ports.read(root)

    assert (first["device"], first["port"], first["interface"]) == ("mlx5_0", 1, "ens0np0")
    assert (first["state"], first["physical_state"], first["rate_gbps"]) == ("DOWN", "Disabled", 200.0)
    assert (first["link_layer"], first["pci_bus_id"]) == ("Ethernet", "00000000:B1:00.0")
    assert (first["counters"]["link_downed"], first["counters"]["carrier_down_count"]) == (7, 9)
    assert "port_xmit_wait" not in first["counters"]


def test_a_card_without_its_rdma_driver_is_told_by_its_interface(tmp_path: Path) -> None:
    host(tmp_path, BlueField())
    shutil.rmtree(tmp_path / "sys/class/infiniband")
    net = tmp_path / "sys/class/net/ens0np0"
    (net / "operstate").write_text("up\n", encoding="ascii")
    (net / "speed").write_text("200000\n", encoding="ascii")
    other = tmp_path / "sys/class/net/lo"
    other.mkdir()
    (other / "operstate").write_text("unknown\n", encoding="ascii")

    found = ports.read(str(tmp_path))

    told = [(port["device"], port["state"], port["rate_gbps"], port["pci_bus_id"]) for port in found]
    assert told == [
        ("ens0np0", "ACTIVE", 200.0, "00000000:B1:00.0"),
        ("ens1np1", None, None, "00000000:B1:00.1"),
    ]


def test_on_the_dpu_itself_its_own_system_answers(tmp_path: Path) -> None:
    found = one(
        tmp_path, BlueField(rshim=False), **{"etc__mlnx-release": "bf-bundle-3.1.0-76_25.07_ubuntu-22.04\n"}
    )

    assert (found["software"], found["mode"]) == ("bf-bundle-3.1.0-76_25.07_ubuntu-22.04", "dpu")
    assert (found["arm_up"], found["uptime_s"]) == (True, 86400.0)


def test_a_host_without_such_cards_has_an_empty_list(tmp_path: Path) -> None:
    assert ports.read(str(tmp_path)) == []
