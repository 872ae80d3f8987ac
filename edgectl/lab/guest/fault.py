"""`edgectl-lab-fault`: make this host's hardware sick, or well again. Called by `edgectl lab fault`."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from edgectl.lab.guest.gpus import heal, read_gpus, write_gpus

_KERNEL_LOG = "/run/edgectl-lab/kmsg"
_FILLER = "/var/lib/edgectl-lab/filler"
_PIECE = b"\0" * (1 << 20)
_ERROR = 3
# What the driver prints behind the number, shortened to what parsers look at.
_XID_TEXTS = {
    13: "pid=4242, name=python3, Graphics SM Warp Exception on (GPC 3, TPC 1, SM 0): Illegal Instruction",
    31: "pid=4242, name=python3, Ch 0000000a, intr 00000000. MMU Fault: ENGINE GRAPHICS faulted",
    48: "pid='<unknown>', name=<unknown>, DBE (double bit error) ECC Error",
    63: "pid='<unknown>', name=<unknown>, Row Remapper: New row marked for remapping, reset gpu to activate.",
    79: "pid='<unknown>', name=<unknown>, GPU has fallen off the bus.",
    94: "pid=4242, name=python3, Contained: LTC (0x1,0x0). RST: No, D-RST: No",
    95: "pid='<unknown>', name=<unknown>, Uncontained: LTC TAG (0x2,0x0). RST: Yes, D-RST: No",
    119: "pid=4242, name=nvidia-smi, Timeout after 45s of waiting for RPC response from GPU0 GSP!",
}


def main(arguments: list[str]) -> int:
    """Play one fault: KIND [VALUE]."""
    kind, *values = arguments[1:]
    value = int(values[0]) if values and values[0].isdecimal() else 0
    gpus = read_gpus()
    if kind not in _FAULTS:
        sys.stderr.write(f"unknown fault {kind}\n")
        return 1
    if kind in ("gpu-lost", "gpu-ecc", "gpu-hot") and value >= len(gpus):
        sys.stderr.write(f"there is no GPU {value}; this host has {len(gpus)}, counted from 0\n")
        return 1
    _FAULTS[kind](gpus, value)
    if kind != "disk-full":
        write_gpus(gpus)
    return 0


def _lost(gpus: list[dict[str, Any]], index: int) -> None:
    gpus[index]["lost"] = True
    _xid(gpus[index], 79)
    bus = gpus[index]["bus_id"][4:]
    _log(f"NVRM: GPU {bus}: GPU has fallen off the bus.")
    _log(f"NVRM: GPU {bus}: GPU serial number is {gpus[index]['serial']}.")


def _ecc(gpus: list[dict[str, Any]], index: int) -> None:
    gpus[index].update(
        dram_uncorrectable=1, remapped_uncorrectable=1, remap_pending=True, recovery_action="Reset"
    )
    _xid(gpus[index], 48)
    _xid(gpus[index], 63)


def _hot(gpus: list[dict[str, Any]], index: int) -> None:
    gpus[index].update(
        temperature_c=96, thermal_slowdown=True, sm_clock_mhz=705, power_w=312.0, utilization=98
    )


def _any_xid(gpus: list[dict[str, Any]], number: int) -> None:
    _xid(gpus[0], number)


def _fill_disk(_gpus: list[dict[str, Any]], _value: int) -> None:
    descriptor = os.open(_FILLER, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for size in (len(_PIECE), 4096):  # to the last page
        with contextlib.suppress(OSError):
            while True:
                os.write(descriptor, _PIECE[:size])
    os.close(descriptor)


def _clear(gpus: list[dict[str, Any]], _value: int) -> None:
    for gpu in gpus:
        heal(gpu)
    if os.path.exists(_FILLER):
        os.unlink(_FILLER)


def _xid(gpu: dict[str, Any], number: int) -> None:
    text = _XID_TEXTS.get(number, "pid='<unknown>', name=<unknown>, Ch 00000008")
    _log(f"NVRM: Xid (PCI:{gpu['bus_id'][4:-2]}): {number}, {text}")


def _log(message: str) -> None:
    with open(_KERNEL_LOG, encoding="utf-8") as file:
        number = sum(1 for _ in file)
    microseconds = int((time.time() - os.stat("/run/edgectl-lab/boot_id").st_mtime) * 1e6)
    with open(_KERNEL_LOG, "a", encoding="utf-8") as file:
        file.write(f"{_ERROR},{number},{microseconds},-;{message}\n")


_FAULTS: dict[str, Callable[[list[dict[str, Any]], int], None]] = {
    "gpu-lost": _lost,
    "gpu-ecc": _ecc,
    "gpu-hot": _hot,
    "gpu-xid": _any_xid,
    "disk-full": _fill_disk,
    "clear": _clear,
}
