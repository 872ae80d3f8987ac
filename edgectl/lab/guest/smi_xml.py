"""`nvidia-smi -q -x`, in the shape of the driver branches a lab can install.

Compared with captures of real nodes (branches 570 and 595): from 575 on temperatures are distances to a limit
and remapped rows have an inactive count; from 580 on there are counters of clock event reasons and the
deprecated display mode says so.
"""

from __future__ import annotations

import time
from typing import Any
from xml.sax.saxutils import escape

from edgectl.lab.guest.gpus import NAME

_CUDA = {575: "12.9", 580: "13.0"}
_ABSENT = "N/A"
_MEMORY_MIB, _RESERVED_MIB = 97887, 638
_LIMIT_C = 93
_TLIMITS, _COUNTERS = 575, 580
_REASONS = ("gpu_idle", "applications_clocks_setting", "sw_power_cap", "hw_slowdown", "hw_thermal_slowdown",
            "hw_power_brake_slowdown", "sync_boost", "sw_thermal_slowdown",
            "display_clocks_setting")  # fmt: skip


def render(gpus: list[dict[str, Any]], driver: str) -> str:
    """Return the document for the GPUs that answer."""
    branch = int(driver.partition(".")[0])
    head = {
        "timestamp": time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime()),
        "driver_version": driver,
        "cuda_version": _CUDA.get(branch, "13.0"),
        "attached_gpus": str(len(gpus)),
    }
    body = "".join(_render({f'gpu id="{gpu["bus_id"]}"': _gpu(gpu, driver, branch)}, 1) for gpu in gpus)
    dtd = "nvsmi_device_v13.dtd" if branch >= _COUNTERS else "nvsmi_device_v12.dtd"
    return (
        f'<?xml version="1.0" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM "{dtd}">\n<nvidia_smi_log>\n'
        f"{_render(head, 1)}{body}</nvidia_smi_log>\n"
    )


def _render(values: dict[str, Any], depth: int) -> str:
    indent = "\t" * depth
    lines = []
    for tag, value in values.items():
        end = tag.split(" ")[0]
        if isinstance(value, dict):
            lines.append(f"{indent}<{tag}>\n{_render(value, depth + 1)}{indent}</{end}>\n")
        else:
            lines.append(f"{indent}<{tag}>{escape(str(value))}</{end}>\n")
    return "".join(lines)


def _gpu(gpu: dict[str, Any], driver: str, branch: int) -> dict[str, Any]:
    deprecated = "Requested functionality has been deprecated"
    return {
        "product_name": NAME,
        "product_brand": "NVIDIA RTX",
        "product_architecture": "Blackwell",
        "display_mode": deprecated if branch >= _COUNTERS else "Disabled",
        **({"display_attached": "No"} if branch >= _TLIMITS else {}),
        "display_active": "Disabled",
        "persistence_mode": "Enabled",
        "addressing_mode": "HMM",
        "mig_mode": {"current_mig": "Disabled", "pending_mig": "Disabled"},
        "mig_devices": "None",
        "accounting_mode": "Disabled",
        "accounting_mode_buffer_size": "4000",
        "serial": gpu["serial"],
        "uuid": gpu["uuid"],
        "minor_number": gpu["index"],
        "vbios_version": gpu["vbios"],
        "multigpu_board": "No",
        "board_id": f"0x{gpu['bus_id'][9:11].lower()}00",
        "board_part_number": "900-2G153-0000-000",
        "gpu_part_number": "2BB5-895-A1",
        "inforom_version": {
            "img_version": "G153.0510.00.03",
            "oem_object": "2.1",
            "ecc_object": "7.16",
            "pwr_object": _ABSENT,
        },
        "gpu_virtualization_mode": {"virtualization_mode": "None", "host_vgpu_mode": _ABSENT},
        "gpu_recovery_action": gpu["recovery_action"],
        "gsp_firmware_version": driver,
        "pci": _pci(gpu),
        "fan_speed": _ABSENT,
        "performance_state": "P0" if gpu["utilization"] else "P8",
        **_clock_reasons(gpu, branch),
        "fb_memory_usage": _memory(_MEMORY_MIB, gpu["memory_used_mib"], _RESERVED_MIB),
        "bar1_memory_usage": _memory(131072, 1, None),
        "compute_mode": "Default",
        "utilization": {"gpu_util": f"{gpu['utilization']} %", "memory_util": "0 %"},
        "ecc_mode": {"current_ecc": "Enabled", "pending_ecc": "Enabled"},
        "ecc_errors": {"volatile": _ecc(gpu), "aggregate": {**_ecc(gpu), "sram_threshold_exceeded": "No"}},
        "retired_pages": {"pending_blacklist": _ABSENT, "pending_retirement": _ABSENT},
        "remapped_rows": _remapped(gpu, branch),
        "temperature": _temperature(gpu, branch),
        "gpu_power_readings": _power(gpu),
        "clocks": _clocks(gpu["sm_clock_mhz"], 405),
        "max_clocks": _clocks(2430, 12481),
        "processes": {},
    }


def _pci(gpu: dict[str, Any]) -> dict[str, Any]:
    return {
        "pci_bus": gpu["bus_id"][9:11],
        "pci_device": "00",
        "pci_domain": "0000",
        "pci_base_class": "3",
        "pci_sub_class": "2",
        "pci_device_id": "2BB510DE",
        "pci_bus_id": gpu["bus_id"],
        "pci_sub_system_id": "204E10DE",
        "pci_gpu_link_info": {
            "pcie_gen": {
                "max_link_gen": 5,
                "current_link_gen": gpu["pcie_gen"],
                "device_current_link_gen": gpu["pcie_gen"],
                "max_device_link_gen": 5,
                "max_host_link_gen": 5,
            },
            "link_widths": {"max_link_width": "16x", "current_link_width": f"{gpu['pcie_width']}x"},
        },
        "replay_counter": 0,
        "replay_rollover_counter": 0,
        "tx_util": "0 KB/s",
        "rx_util": "0 KB/s",
    }


def _clock_reasons(gpu: dict[str, Any], branch: int) -> dict[str, Any]:
    hot = gpu["thermal_slowdown"]
    active = {"hw_slowdown": hot, "hw_thermal_slowdown": hot, "sw_thermal_slowdown": hot,
              "gpu_idle": not hot and not gpu["utilization"]}  # fmt: skip
    reasons = {
        f"clocks_event_reason_{name}": "Active" if active.get(name) else "Not Active" for name in _REASONS
    }
    found: dict[str, Any] = {"clocks_event_reasons": reasons}
    if branch >= _COUNTERS:
        spent = "48211530 us" if hot else "0 us"
        prefix = "clocks_event_reasons_counters"
        found[prefix] = {
            f"{prefix}_sw_power_cap": "0 us",
            f"{prefix}_sync_boost": "0 us",
            f"{prefix}_sw_therm_slowdown": spent,
            f"{prefix}_hw_therm_slowdown": spent,
            f"{prefix}_hw_power_brake": "0 us",
        }
    return found


def _memory(total: int, used: int, reserved: int | None) -> dict[str, str]:
    values = {"total": total, "reserved": reserved, "used": used, "free": total - used - (reserved or 0)}
    return {name: f"{value} MiB" for name, value in values.items() if value is not None}


def _ecc(gpu: dict[str, Any]) -> dict[str, Any]:
    return {
        "sram_correctable": 0,
        "sram_uncorrectable_parity": 0,
        "sram_uncorrectable_secded": gpu["sram_uncorrectable"],
        "dram_correctable": gpu["dram_correctable"],
        "dram_uncorrectable": gpu["dram_uncorrectable"],
    }


def _remapped(gpu: dict[str, Any], branch: int) -> dict[str, Any]:
    inactive = branch >= _TLIMITS
    pending = gpu["remapped_uncorrectable"] if gpu["remap_pending"] else 0
    return {
        "remapped_row_corr": gpu["remapped_correctable"],
        **({"remapped_row_corr_inactive": 0} if inactive else {}),
        "remapped_row_unc": gpu["remapped_uncorrectable"],
        **({"remapped_row_unc_inactive": pending} if inactive else {}),
        "remapped_row_pending": "Yes" if gpu["remap_pending"] else "No",
        "remapped_row_failure": "Yes" if gpu["remap_failure"] else "No",
        "row_remapper_histogram": {
            "row_remapper_histogram_max": f"{512 - bool(gpu['remapped_uncorrectable'])} bank(s)",
            "row_remapper_histogram_high": f"{int(bool(gpu['remapped_uncorrectable']))} bank(s)",
            "row_remapper_histogram_partial": "0 bank(s)",
            "row_remapper_histogram_low": "0 bank(s)",
            "row_remapper_histogram_none": "0 bank(s)",
        },
    }


def _temperature(gpu: dict[str, Any], branch: int) -> dict[str, str]:
    now = f"{gpu['temperature_c']} C"
    if branch < _TLIMITS:
        return {
            "gpu_temp": now,
            "gpu_temp_max_threshold": "98 C",
            "gpu_temp_slow_threshold": "95 C",
            "memory_temp": _ABSENT,
        }
    return {
        "gpu_temp": now,
        "gpu_temp_tlimit": f"{_LIMIT_C - gpu['temperature_c']} C",
        "gpu_temp_max_tlimit_threshold": "-5 C",
        "gpu_temp_slow_tlimit_threshold": "-2 C",
        "gpu_temp_max_gpu_tlimit_threshold": "0 C",
        "gpu_target_temperature": _ABSENT,
        "memory_temp": _ABSENT,
        "gpu_temp_max_mem_tlimit_threshold": _ABSENT,
    }


def _power(gpu: dict[str, Any]) -> dict[str, str]:
    draw = f"{gpu['power_w']:.2f} W"
    limit = "600.00 W"
    return {
        "power_state": "P8",
        "average_power_draw": draw,
        "instant_power_draw": draw,
        "current_power_limit": limit,
        "requested_power_limit": limit,
        "default_power_limit": limit,
        "min_power_limit": "300.00 W",
        "max_power_limit": limit,
    }


def _clocks(graphics: int, memory: int) -> dict[str, str]:
    values = {"graphics": graphics, "sm": graphics, "mem": memory, "video": min(graphics, 1500)}
    return {f"{name}_clock": f"{value} MHz" for name, value in values.items()}
