"""The PCI devices that a lab host shows under /sys: its GPUs and one BlueField-3, as the kernel writes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgectl.lab import kernel

_BUS = Path("/sys/bus")
_DEVICES = _BUS / "pci/devices"
_DRIVER = _BUS / "pci/drivers/nvidia"
# pci.ids: NVIDIA's RTX PRO 6000 Blackwell Server Edition as a 3D controller, and the BlueField-3's network function.
_GPU = {
    "vendor": "0x10de",
    "device": "0x2bb5",
    "class": "0x030200",
    "current_link_speed": "32.0 GT/s PCIe",
    "max_link_speed": "32.0 GT/s PCIe",
    "max_link_width": "16",
}
_DPU_ADDRESS = "0000:e1:00.0"
_DPU = {"vendor": "0x15b3", "device": "0xa2dc", "class": "0x020000"}


def show_pci(gpus: Sequence[dict[str, Any]], *, has_driver: bool) -> None:
    """Cover the machine's buses with this host's own; GPUs have their driver where one is loaded."""
    kernel.mount("bus", _BUS, "tmpfs", kernel.NO_SUID | kernel.NO_DEV, "mode=755,size=1m")
    _DRIVER.mkdir(parents=True)
    for gpu in gpus:
        folder = _DEVICES / str(gpu["bus_id"])[4:].lower()
        _write(folder, {**_GPU, "current_link_width": str(gpu["pcie_width"])})
        if has_driver:
            (folder / "driver").symlink_to(_DRIVER)
    _write(_DEVICES / _DPU_ADDRESS, _DPU)


def _write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_text(f"{content}\n", encoding="utf-8")
