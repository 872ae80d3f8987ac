"""`nvidia-smi`: the table, `-L`, `-q -x`, `--query-gpu`, from the host's GPU state file."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from typing import Any

from edgectl.lab.guest.gpus import DRIVER_PACKAGE, NAME, loaded_driver, read_gpus, write_gpus
from edgectl.lab.guest.packages import read_packages
from edgectl.lab.guest.smi_xml import render

# nvidia-smi(1), RETURN VALUE.
_BAD_ARGUMENT, _NOT_FOUND, _NO_DRIVER, _MISMATCH = 2, 6, 9, 18
_NO_DRIVER_TEXT = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. "
    "Make sure that the latest NVIDIA driver is installed and running.\n\n"
)
_MISMATCH_TEXT = (
    "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: {library}\n"
)
_MEMORY_MIB, _RESERVED_MIB = 97887, 638


def main(arguments: list[str]) -> int:
    """Run one nvidia-smi command; return its exit code."""
    driver = loaded_driver()
    if not driver:
        sys.stdout.write(_NO_DRIVER_TEXT)
        return _NO_DRIVER
    library = _installed_library()
    if library != driver:
        sys.stdout.write(
            _MISMATCH_TEXT.format(library=".".join(library.split(".")[:2])) if library else _NO_DRIVER_TEXT
        )
        return _MISMATCH if library else _NO_DRIVER
    return _run(arguments[1:], driver)


def _installed_library() -> str:
    package = read_packages().get(DRIVER_PACKAGE)
    return package.version.partition("-")[0] if package and package.installed else ""


def _run(words: list[str], driver: str) -> int:
    gpus = _chosen(words)
    if gpus is None:
        sys.stdout.write("No devices were found\n")
        return _NOT_FOUND
    query = next((word.partition("=")[2] for word in words if word.startswith("--query-gpu=")), None)
    flags = _letters(words)
    if query is not None:
        format_ = next((word.partition("=")[2] for word in words if word.startswith("--format=")), "csv")
        return _print_query(gpus, driver, query.split(","), set(format_.split(",")))
    if "-L" in words or "--list-gpus" in words:
        sys.stdout.write("".join(f"GPU {gpu['index']}: {NAME} (UUID: {gpu['uuid']})\n" for gpu in gpus))
    elif ("x" in flags or "--xml-format" in words) and ("q" in flags or "--query" in words):
        sys.stdout.write(render(gpus, driver))
    elif "r" in flags or "--gpu-reset" in words:
        return _reset(gpus)
    elif words and words[0] not in ("-i", "-pm", "-pl", "--persistence-mode"):
        sys.stderr.write(f"nvidia-smi: the lab does not play {' '.join(words)}\n")
        return _BAD_ARGUMENT
    else:
        sys.stdout.write(_table(gpus, driver))
    return 0


def _letters(words: list[str]) -> set[str]:
    """Return the one-letter options, which may be joined as in `-qx`."""
    joined = [word[1:] for word in words if re.fullmatch("-[a-zA-Z]{1,2}", word)]
    return set("".join(joined))


def _chosen(words: list[str]) -> list[dict[str, Any]] | None:
    """Return the GPUs that answer, or the one `-i` names; None where that one does not."""
    gpus = [gpu for gpu in read_gpus() if not gpu["lost"]]
    wanted = [words[place + 1] for place, word in enumerate(words[:-1]) if word in ("-i", "--id")]
    wanted += [word.partition("=")[2] for word in words if word.startswith("--id=")]
    if not wanted:
        return gpus
    found = [
        gpu for gpu in gpus if wanted[-1] in (str(gpu["index"]), gpu["uuid"], gpu["bus_id"], gpu["serial"])
    ]
    return found or None


def _reset(gpus: list[dict[str, Any]]) -> int:
    everything = read_gpus()
    for gpu in everything:
        if any(gpu["index"] == one["index"] for one in gpus):
            gpu.update(
                remap_pending=False, sram_uncorrectable=0, dram_uncorrectable=0, recovery_action="None"
            )
            sys.stdout.write(f"GPU {gpu['bus_id']} was successfully reset.\n")
    write_gpus(everything)
    sys.stdout.write("All done.\n")
    return 0


_Field = Callable[[dict[str, Any], str], object]
_IDLE_BIT, _THERMAL_BITS = 0x1, 0x8 | 0x20 | 0x40


def _reasons(gpu: dict[str, Any]) -> str:
    return f"0x{_THERMAL_BITS if gpu['thermal_slowdown'] else _IDLE_BIT:016x}"


def _uncorrected(gpu: dict[str, Any]) -> int:
    return int(gpu["dram_uncorrectable"]) + int(gpu["sram_uncorrectable"])


_FIELDS: dict[str, tuple[str, _Field]] = {
    "index": ("", lambda gpu, _: gpu["index"]),
    "name": ("", lambda _gpu, _: NAME),
    "gpu_name": ("", lambda _gpu, _: NAME),
    "uuid": ("", lambda gpu, _: gpu["uuid"]),
    "gpu_uuid": ("", lambda gpu, _: gpu["uuid"]),
    "serial": ("", lambda gpu, _: gpu["serial"]),
    "gpu_serial": ("", lambda gpu, _: gpu["serial"]),
    "count": ("", lambda _gpu, _: len([one for one in read_gpus() if not one["lost"]])),
    "driver_version": ("", lambda _gpu, driver: driver),
    "vbios_version": ("", lambda gpu, _: gpu["vbios"]),
    "pci.bus_id": ("", lambda gpu, _: gpu["bus_id"]),
    "gpu_bus_id": ("", lambda gpu, _: gpu["bus_id"]),
    "pci.device_id": ("", lambda _gpu, _: "0x2BB510DE"),
    "compute_cap": ("", lambda _gpu, _: "12.0"),
    "persistence_mode": ("", lambda _gpu, _: "Enabled"),
    "pstate": ("", lambda gpu, _: "P0" if gpu["utilization"] else "P8"),
    "mig.mode.current": ("", lambda _gpu, _: "Disabled"),
    "ecc.mode.current": ("", lambda _gpu, _: "Enabled"),
    "pcie.link.gen.current": ("", lambda gpu, _: gpu["pcie_gen"]),
    "pcie.link.gen.max": ("", lambda _gpu, _: 5),
    "pcie.link.width.current": ("", lambda gpu, _: gpu["pcie_width"]),
    "pcie.link.width.max": ("", lambda _gpu, _: 16),
    "memory.total": ("MiB", lambda _gpu, _: _MEMORY_MIB),
    "memory.used": ("MiB", lambda gpu, _: gpu["memory_used_mib"]),
    "memory.free": ("MiB", lambda gpu, _: _MEMORY_MIB - _RESERVED_MIB - gpu["memory_used_mib"]),
    "temperature.gpu": ("", lambda gpu, _: gpu["temperature_c"]),
    "power.draw": ("W", lambda gpu, _: f"{gpu['power_w']:.2f}"),
    "power.limit": ("W", lambda _gpu, _: "600.00"),
    "power.default_limit": ("W", lambda _gpu, _: "600.00"),
    "power.max_limit": ("W", lambda _gpu, _: "600.00"),
    "utilization.gpu": ("%", lambda gpu, _: gpu["utilization"]),
    "utilization.memory": ("%", lambda _gpu, _: 0),
    "clocks.sm": ("MHz", lambda gpu, _: gpu["sm_clock_mhz"]),
    "clocks.max.sm": ("MHz", lambda _gpu, _: 2430),
    "clocks.mem": ("MHz", lambda _gpu, _: 405),
    "clocks_event_reasons.active": ("", lambda gpu, _: _reasons(gpu)),
    "clocks_throttle_reasons.active": ("", lambda gpu, _: _reasons(gpu)),
    "ecc.errors.uncorrected.volatile.total": ("", lambda gpu, _: _uncorrected(gpu)),
    "ecc.errors.uncorrected.aggregate.total": ("", lambda gpu, _: _uncorrected(gpu)),
    "ecc.errors.corrected.volatile.total": ("", lambda gpu, _: gpu["dram_correctable"]),
    "remapped_rows.pending": ("", lambda gpu, _: int(gpu["remap_pending"])),
    "remapped_rows.failure": ("", lambda gpu, _: int(gpu["remap_failure"])),
    "remapped_rows.uncorrectable": ("", lambda gpu, _: gpu["remapped_uncorrectable"]),
    "remapped_rows.correctable": ("", lambda gpu, _: gpu["remapped_correctable"]),
}  # fmt: skip


def _print_query(gpus: list[dict[str, Any]], driver: str, names: list[str], format_: set[str]) -> int:
    names = [name.strip() for name in names]
    for name in names:
        if name not in _FIELDS:
            sys.stdout.write(f'Field "{name}" is not a valid field to query.\n\n')
            return _BAD_ARGUMENT
    if "noheader" not in format_:
        heads = [
            f"{name} [{_FIELDS[name][0]}]" if _FIELDS[name][0] and "nounits" not in format_ else name
            for name in names
        ]
        sys.stdout.write(", ".join(heads) + "\n")
    for gpu in gpus:
        sys.stdout.write(
            ", ".join(_value(gpu, driver, name, units="nounits" not in format_) for name in names) + "\n"
        )
    return 0


def _value(gpu: dict[str, Any], driver: str, name: str, *, units: bool) -> str:
    unit, read = _FIELDS[name]
    return f"{read(gpu, driver)} {unit}" if unit and units else str(read(gpu, driver))


def _table(gpus: list[dict[str, Any]], driver: str) -> str:
    rule = "+" + "-" * 89 + "+\n"
    lines = [time.strftime("%a %b %d %H:%M:%S %Y\n", time.gmtime()), rule,
             f"| {'NVIDIA-SMI ' + driver:<40}{'Driver Version: ' + driver:<47} |\n", rule]  # fmt: skip
    for gpu in gpus:
        memory = f"{gpu['memory_used_mib']}MiB / {_MEMORY_MIB}MiB"
        state = f"{gpu['temperature_c']}C  {gpu['power_w']:.0f}W / 600W  {memory}"
        lines.append(f"| {gpu['index']:>3}  {NAME:<46}{gpu['bus_id']:<36} |\n|      {state:<81} |\n{rule}")
    return "".join(lines)
