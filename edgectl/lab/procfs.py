"""What a lab host's /proc says of this boot: the kernel's parameters, and the driver that it loaded."""

from __future__ import annotations

from pathlib import Path

from edgectl.lab import kernel
from edgectl.lab.guest.boot_entries import parameters

_STATE = Path("/run/edgectl-lab")
_DRIVERS = Path("/proc/driver")


def show_boot(driver: str) -> None:
    """Cover two places of /proc; `driver` is the version that was loaded, or an empty text."""
    cmdline = _STATE / "cmdline"
    cmdline.write_text(f"{parameters()}\n", encoding="utf-8")
    kernel.bind(cmdline, Path("/proc/cmdline"))
    kernel.mount("drivers", _DRIVERS, "tmpfs", kernel.NO_SUID | kernel.NO_DEV, "mode=755,size=64k")
    if driver:
        (_DRIVERS / "nvidia").mkdir()
        said = f"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {driver}  Release Build\n"
        (_DRIVERS / "nvidia/version").write_text(said, encoding="utf-8")
