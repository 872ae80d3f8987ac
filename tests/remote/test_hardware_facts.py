"""What is in a node, read from a host's files."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from tests.nvml.tree import BlueField, Machine, tree
from tests.remote.host import run_module

GPU = "sys/bus/pci/devices/0000:1b:00.0"
SWITCH = "sys/bus/pci/devices/0000:07:00.0"


def facts(
    root: Path, files: dict[str, str] | None = None, *, gpus: int = 2, dpus: tuple[BlueField, ...] = ()
) -> dict[str, Any]:
    tree(root, "l4", gpus, "580", Machine(driver="", dpus=dpus, files=files or {}))
    return dict(run_module("hardware_facts", {"root": str(root)}).values)


def first_gpu(root: Path) -> Path:
    return next(path for path in sorted((root / "sys/bus/pci/devices").iterdir()) if path.is_dir())


def test_gpus_are_told_with_model_link_and_place_before_any_driver(tmp_path: Path) -> None:
    tree(tmp_path, "l4", 1, "580", Machine(driver=""))
    gpu = first_gpu(tmp_path)
    (gpu / "numa_node").write_text("1\n")
    (gpu / "iommu_group").mkdir()
    (gpu / "iommu_group/type").write_text("DMA-FQ\n")

    (found,) = facts(tmp_path, gpus=1)["gpus"]

    assert found["pci_bus_id"][4:].lower() == gpu.name
    assert {name: found[name] for name in ("device_id", "driver", "pcie_gen", "pcie_gen_max")} == {
        "device_id": "27b8",
        "driver": "",
        "pcie_gen": 1,
        "pcie_gen_max": 4,
    }
    assert (found["numa_node"], found["iommu"], found["pcie_width"]) == (1, "DMA-FQ", 16)


@pytest.mark.parametrize(("now", "narrow"), [("16", 0), ("8", 1), ("63", 0)])
def test_a_link_with_fewer_lanes_than_it_could_have_is_narrow_a_slow_one_only_idles(
    tmp_path: Path, now: str, narrow: int
) -> None:
    tree(tmp_path, "l4", 2, "580", Machine(driver=""))
    path = first_gpu(tmp_path) / "current_link_width"
    path.write_text(f"{now}\n")
    found = run_module("hardware_facts", {"root": str(tmp_path)}).values

    assert len(found["narrow"]) == narrow


def test_gpus_without_a_switch_are_on_pcie(tmp_path: Path) -> None:
    found = facts(tmp_path)

    assert (found["nvswitch"], found["profile"], found["acs_redirects"]) == (False, "pcie", None)


def test_a_switch_of_nvidia_s_on_pci_is_an_nvswitch(tmp_path: Path) -> None:
    found = facts(tmp_path, {f"{SWITCH}/vendor": "0x10de\n", f"{SWITCH}/class": "0x068000\n"})

    assert (found["nvswitch"], found["profile"]) == (True, "nvswitch")


def test_a_switch_that_shows_as_infiniband_is_known_by_its_product_data(tmp_path: Path) -> None:
    path = "sys/class/infiniband/mlx5_9/device/vpd"

    assert facts(tmp_path, {path: "V1\x05SW_MNG"})["profile"] == "nvswitch"
    assert facts(tmp_path / "other", {path: "V1\x05CX7"})["profile"] == "pcie"


def test_a_gpu_of_a_rack_says_rack_with_its_switches_elsewhere(tmp_path: Path) -> None:
    tree(tmp_path, "l4", 1, "580", Machine(driver=""))
    (first_gpu(tmp_path) / "device").write_text("0x2941\n")

    assert run_module("hardware_facts", {"root": str(tmp_path)}).values["profile"] == "rack"


@pytest.mark.parametrize(("control", "redirects"), [(0b1100, True), (0b10001, False)])
def test_a_bridge_that_redirects_peers_is_told(tmp_path: Path, control: int, redirects: bool) -> None:
    tree(tmp_path, "l4", 1, "580", Machine(driver=""))
    bridge = tmp_path / "sys/bus/pci/devices/0000:00:01.0"
    bridge.mkdir()
    (bridge / "class").write_text("0x060400\n")
    (bridge / "config").write_bytes(bytes(0x100) + struct.pack("<IHH", 0x0001000D, 0, control))

    assert run_module("hardware_facts", {"root": str(tmp_path)}).values["acs_redirects"] is redirects


def test_dpus_are_told_with_their_mode(tmp_path: Path) -> None:
    found = facts(tmp_path, dpus=(BlueField("b1"), BlueField("c1", mode="NIC mode")))

    assert [(dpu["pci_bus_id"], dpu["mode"]) for dpu in found["dpus"]] == [
        ("00000000:B1:00.0", "dpu"),
        ("00000000:C1:00.0", "nic"),
    ]


@pytest.mark.parametrize(("value", "said"), [(b"\1", True), (b"\0", False), (b"", None)])
def test_secure_boot_is_what_the_firmware_s_variable_says(
    tmp_path: Path, value: bytes, said: bool | None
) -> None:
    tree(tmp_path, "l4", 1, "580", Machine(driver=""))
    path = tmp_path / "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\6\0\0\0" + value)

    assert run_module("hardware_facts", {"root": str(tmp_path)}).values["secure_boot"] is said


def test_a_host_without_uefi_says_nothing_of_secure_boot(tmp_path: Path) -> None:
    assert facts(tmp_path)["secure_boot"] is None


def test_a_disk_is_known_by_the_names_that_stay_and_free_where_nothing_uses_it(tmp_path: Path) -> None:
    for device in ("nvme0n1", "nvme1n1", "nvme2n1", "nvme3n1"):
        (tmp_path / f"sys/block/{device}/device").mkdir(parents=True)
        (tmp_path / f"sys/block/{device}/size").write_text("2048\n")
        (tmp_path / f"sys/block/{device}/device/serial").write_text(f"S{device[4]}\n")
        (tmp_path / "dev").mkdir(exist_ok=True)
        (tmp_path / "dev" / device).touch()
    (tmp_path / "sys/block/nvme0n1/nvme0n1p2").mkdir()
    (tmp_path / "sys/block/nvme2n1/holders/dm-0").mkdir(parents=True)
    ids = tmp_path / "dev/disk/by-id"
    ids.mkdir(parents=True)
    for name in ("nvme-eui.1", "nvme-Samsung_S1"):
        (ids / name).symlink_to("../../nvme1n1")

    found = {
        disk["device"]: disk
        for disk in facts(tmp_path, {"proc/self/mounts": "/dev/nvme3n1 /x ext4 rw 0 0\n"})["disks"]
    }

    assert found["/dev/nvme1n1"] == {
        "device": "/dev/nvme1n1",
        "size_bytes": 1048576,
        "serial": "S1",
        "free": True,
        "ids": ["nvme-Samsung_S1", "nvme-eui.1"],
    }
    assert [disk for disk, told in found.items() if not told["free"]] == [
        "/dev/nvme0n1",
        "/dev/nvme2n1",
        "/dev/nvme3n1",
    ]
