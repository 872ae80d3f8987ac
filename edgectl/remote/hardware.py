"""What is in a node, by the kernel's own word: GPUs and what connects them, DPUs, disks by id, Secure Boot."""

from __future__ import annotations

import os

from edgectl.remote.gpu.kernel import link, pci_gpus
from edgectl.remote.health import bus, dpus
from edgectl.remote.health.files import names, number, text
from edgectl.remote.lean import Any, Dict, List, Optional

_PCI = "sys/bus/pci/devices"
_NVIDIA, _BRIDGE = "0x10de", "0x0680"
# B200 and B300 show their NVSwitches as InfiniBand devices, whose product data has this word; it takes mlx5_ib
# (linux-modules-extra) to see them: NVIDIA/gpu-operator#2781.
_SWITCH_WORD = b"SW_MNG"
# pci.ids: GB200 and GB300, whose NVSwitches are in trays of their own.
_RACK_GPUS = frozenset({"2941", "31c2", "31c3"})
# UEFI 2.10, 3.3: four bytes of attributes, then the value.
_SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_SECTOR_BYTES = 512


def read(root: str = "") -> Dict[str, Any]:
    """Return everything; `root` stands for `/`.

    `profile` is what connects the GPUs, as baselines say it. `narrow` are the addresses of GPUs whose link has
    fewer lanes than it could, which stays so while a GPU idles, as its speed does not. `acs_redirects` and each
    GPU's `iommu` are None where nothing says it.
    """
    gpus = [_gpu(root, gpu) for gpu in pci_gpus(root)]
    has_switch = _has_nvswitch(root)
    is_rack = any(gpu["device_id"] in _RACK_GPUS for gpu in gpus)
    return {
        "gpus": gpus,
        "narrow": [gpu["pci_bus_id"] for gpu in gpus if _is_narrow(gpu)],
        "nvswitch": has_switch,
        "profile": "rack" if is_rack else "nvswitch" if has_switch else "pcie",
        "acs_redirects": bus.acs_enabled(root),
        "dpus": dpus.read(root),
        "secure_boot": _secure_boot(root),
        "disks": disks(root),
    }


def _gpu(root: str, gpu: Dict[str, Any]) -> Dict[str, Any]:
    folder = f"{root}/{_PCI}/{gpu['pci_bus_id'][4:].lower()}"
    figures = link(gpu["pci_bus_id"], root)
    node = number(f"{folder}/numa_node")
    return {
        **gpu,
        **{name: figures.get(name) for name in ("pcie_gen", "pcie_gen_max", "pcie_width", "pcie_width_max")},
        "numa_node": node if node is not None and node >= 0 else None,
        # "DMA" and "DMA-FQ" translate addresses, "identity" lets them through.
        "iommu": text(f"{folder}/iommu_group/type"),
    }


def _is_narrow(gpu: Dict[str, Any]) -> bool:
    now, most = gpu["pcie_width"], gpu["pcie_width_max"]
    return now is not None and most is not None and now < most


def _has_nvswitch(root: str) -> bool:
    for address in names(f"{root}/{_PCI}"):
        folder = f"{root}/{_PCI}/{address}"
        if text(f"{folder}/vendor") == _NVIDIA and (text(f"{folder}/class") or "").startswith(_BRIDGE):
            return True
    ports = names(f"{root}/sys/class/infiniband")
    return any(_SWITCH_WORD in _bytes(f"{root}/sys/class/infiniband/{port}/device/vpd") for port in ports)


def _secure_boot(root: str) -> Optional[bool]:
    said = _bytes(f"{root}/{_SECURE_BOOT}")
    return said[4] == 1 if len(said) > 4 else None  # noqa: PLR2004 - behind its attributes


def disks(root: str = "") -> List[Dict[str, Any]]:
    """Return every whole disk with the names that stay: `free` where nothing is on it, mounted or holds it."""
    ids: Dict[str, List[str]] = {}
    for name in names(f"{root}/dev/disk/by-id"):
        device = os.path.basename(os.path.realpath(f"{root}/dev/disk/by-id/{name}"))
        ids.setdefault(device, []).append(name)
    return [{**_disk(root, device), "ids": ids.get(device, [])} for device in names(f"{root}/sys/block")]


def _disk(root: str, device: str) -> Dict[str, Any]:
    folder = f"{root}/sys/block/{device}"
    mounts = (text(f"{root}/proc/self/mounts") or "").splitlines()
    is_mounted = any(line.split(" ")[0] == f"/dev/{device}" for line in mounts)
    has_parts = any(name.startswith(device) for name in names(folder))
    return {
        "device": f"/dev/{device}",
        "size_bytes": (number(f"{folder}/size") or 0) * _SECTOR_BYTES,
        "serial": text(f"{folder}/device/serial") or text(f"{folder}/serial"),
        "free": not (is_mounted or has_parts or names(f"{folder}/holders")),
    }


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(4096)
    except OSError:
        return b""
