"""What `nvidia-smi -q -x` would print of a state file, as far as the collector reads it, by driver branch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from tests.nvml.branches import BRANCHES

_ABSENT = "N/A"
_TYPE = re.compile(r"^(?:double|uint|ulong|ull|sll|int|ushort):")
_REASONS = {
    "gpu_idle": 0x1,
    "sw_power_cap": 0x4,
    "hw_slowdown": 0x8,
    "sw_thermal_slowdown": 0x20,
    "hw_thermal_slowdown": 0x40,
    "hw_power_brake_slowdown": 0x80,
}
_RECOVERY = {"0": "None", "1": "Reset", "2": "Reboot", "3": "Drain P2P", "4": "Drain and Reset"}
_ARCHITECTURES = {"7": "Ampere", "8": "Ada Lovelace", "9": "Hopper", "10": "Blackwell"}


def document(lines: Mapping[str, str], branch: str, gpus: int) -> str:
    """Return the whole XML."""
    head = f"<driver_version>{BRANCHES[branch].version}</driver_version>\n<attached_gpus>{gpus}</attached_gpus>\n"
    body = "".join(_gpu(_Answers(lines, f"gpu{index}."), branch) for index in range(gpus))
    start = '<?xml version="1.0" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">\n'
    return f"{start}<nvidia_smi_log>\n{head}{body}</nvidia_smi_log>\n"


class _Answers:
    """The readings of one GPU as nvidia-smi words them."""

    def __init__(self, lines: Mapping[str, str], prefix: str) -> None:
        self._lines, self._prefix = lines, prefix

    def text(self, key: str, unit: str = "", place: int = 0) -> str:
        said = self._lines.get(f"{self._prefix}{key}")
        if said is None:
            return _ABSENT
        if said.startswith("ret:"):
            return {"ret:3": _ABSENT, "ret:15": "GPU is lost"}.get(said, "Unknown Error")
        return f"{_TYPE.sub('', said.split(',')[place])}{unit}"

    def all(self, key: str) -> str:
        return self._lines.get(f"{self._prefix}{key}", "")

    def number(self, key: str, unit: str, divisor: int) -> str:
        said = self.text(key)
        return f"{int(said) / divisor:.2f}{unit}" if said.lstrip("-").isdigit() else said

    def word(self, key: str, words: tuple[str, str], place: int = 0) -> str:
        said = self.text(key, place=place)
        return words[said != "0"] if said.isdigit() else said


def _gpu(gpu: _Answers, branch: str) -> str:
    attribute = gpu.text("bus_id")
    sections = {
        "product_name": gpu.text("name"),
        "product_architecture": _ARCHITECTURES.get(gpu.text("architecture"), _ABSENT),
        "persistence_mode": gpu.word("persistence", ("Disabled", "Enabled")),
        "mig_mode": {
            "current_mig": gpu.word("mig_mode", ("Disabled", "Enabled")),
            "pending_mig": gpu.word("mig_mode", ("Disabled", "Enabled"), 1),
        },
        "mig_devices": _mig(gpu),
        "serial": gpu.text("serial"),
        "uuid": gpu.text("uuid"),
        "vbios_version": gpu.text("vbios"),
        "board_part_number": gpu.text("board_part"),
        "inforom_version": {"img_version": gpu.text("inforom")},
        "gsp_firmware_version": gpu.text("gsp_firmware"),
        **({"gpu_recovery_action": _recovery(gpu)} if branch >= "570" else {}),
        "pci": _pci(gpu),
        "performance_state": gpu.text("performance_state") and f"P{gpu.text('performance_state')}",
        **_reasons(gpu, branch),
        "fb_memory_usage": {
            "total": gpu.text("memory_mib", " MiB"),
            "used": gpu.text("memory_mib", " MiB", 1),
        },
        "utilization": {"gpu_util": gpu.text("utilization", " %")},
        "ecc_mode": {
            "current_ecc": gpu.word("ecc_mode", ("Disabled", "Enabled")),
            "pending_ecc": gpu.word("ecc_mode", ("Disabled", "Enabled"), 1),
        },
        "ecc_errors": _ecc(gpu, branch),
        "remapped_rows": _remapped(gpu),
        "temperature": _heat(gpu),
        "gpu_power_readings": _power(gpu),
        "clocks": {"sm_clock": gpu.text("clock_sm", " MHz"), "mem_clock": gpu.text("clock_memory", " MHz")},
        "max_clocks": {"sm_clock": gpu.text("clock_sm_max", " MHz")},
        "processes": _processes(gpu),
    }
    return f'<gpu id="{attribute}">\n{_render(sections)}</gpu>\n'


def _render(sections: Mapping[str, Any]) -> str:
    lines = []
    for tag, said in sections.items():
        end = tag.partition(" ")[0]
        if isinstance(said, Mapping):
            lines.append(f"<{tag}>\n{_render(said)}</{end}>\n")
        else:
            lines.append(f"<{tag}>{escape(str(said))}</{tag}>\n")
    return "".join(lines)


def _mig(gpu: _Answers) -> Any:
    count = gpu.text("mig_instances")
    if not count.isdigit() or count == "0":
        return "None"
    return {f"mig_device id='{number}'": {"index": number} for number in range(int(count))}


def _recovery(gpu: _Answers) -> str:
    said = gpu.text("field.230")
    return _RECOVERY.get(said, said)


def _pci(gpu: _Answers) -> dict[str, Any]:
    return {
        "pci_bus_id": gpu.text("bus_id"),
        "pci_gpu_link_info": {
            "pcie_gen": {"max_link_gen": gpu.text("pcie.gen_max"), "current_link_gen": gpu.text("pcie.gen")},
            "link_widths": {
                "max_link_width": gpu.text("pcie.width_max", "x"),
                "current_link_width": gpu.text("pcie.width", "x"),
            },
        },
        "replay_counter": gpu.text("pcie.replays"),
    }


def _reasons(gpu: _Answers, branch: str) -> dict[str, Any]:
    bits = int(gpu.text("event_reasons"), 0) if gpu.text("event_reasons")[:1].isdigit() else 0
    found: dict[str, Any] = {
        "clocks_event_reasons": {
            f"clocks_event_reason_{name}": "Active" if bits & bit else "Not Active"
            for name, bit in _REASONS.items()
        }
    }
    if branch >= "580":
        prefix = "clocks_event_reasons_counters"
        fields = {
            "sw_power_cap": 74,
            "sw_therm_slowdown": 269,
            "hw_therm_slowdown": 270,
            "hw_power_brake": 271,
        }
        found[prefix] = {f"{prefix}_{name}": _us(gpu, number) for name, number in fields.items()}
    return found


def _us(gpu: _Answers, number: int) -> str:
    said = gpu.text(f"field.{number}")
    return f"{int(said) // 1000} us" if said.isdigit() else said


def _ecc(gpu: _Answers, branch: str) -> dict[str, Any]:
    counts = {
        when: {
            "sram_correctable": "0",
            "sram_uncorrectable_parity": "0",
            "sram_uncorrectable_secded": gpu.text("ecc.sram") if when == "aggregate" else "0",
            "dram_correctable": gpu.text(f"ecc.{when}.corrected"),
            "dram_uncorrectable": gpu.text(f"ecc.{when}.uncorrected"),
        }
        for when in ("volatile", "aggregate")
    }
    counts["aggregate"]["sram_threshold_exceeded"] = gpu.word("ecc.sram", ("No", "Yes"), 1)
    newest = {"unrepairable_memory": gpu.word("unrepairable", ("No", "Yes"))} if branch >= "595" else {}
    return {**counts, **newest}


def _remapped(gpu: _Answers) -> dict[str, Any]:
    histogram = {
        f"row_remapper_histogram_{name}": gpu.text("remap_banks", " bank(s)", place)
        for place, name in enumerate(("max", "high", "partial", "low", "none"))
    }
    return {
        "remapped_row_corr": gpu.text("remapped_rows"),
        "remapped_row_unc": gpu.text("remapped_rows", place=1),
        "remapped_row_pending": gpu.word("remapped_rows", ("No", "Yes"), 2),
        "remapped_row_failure": gpu.word("remapped_rows", ("No", "Yes"), 3),
        "row_remapper_histogram": histogram if gpu.text("remap_banks") != _ABSENT else _ABSENT,
    }


def _heat(gpu: _Answers) -> dict[str, str]:
    margins = {
        "gpu_temp_tlimit": gpu.text("margin", " C"),
        "gpu_temp_slow_tlimit_threshold": gpu.text("field.194", " C"),
    }
    fixed = {"gpu_temp_slow_threshold": gpu.text("threshold.1", " C")}
    return {
        "gpu_temp": gpu.text("temperature", " C"),
        **(margins if gpu.text("margin") != _ABSENT else fixed),
        "memory_temp": gpu.text("field.82", " C"),
    }


def _power(gpu: _Answers) -> dict[str, str]:
    return {
        "average_power_draw": gpu.number("field.185", " W", 1000),
        "instant_power_draw": gpu.number("power_mw", " W", 1000),
        "current_power_limit": gpu.number("power_limit_mw", " W", 1000),
        "default_power_limit": gpu.number("power_default_mw", " W", 1000),
    }


def _processes(gpu: _Answers) -> Any:
    pairs = [pair.partition(":") for pair in gpu.all("processes").split(",") if pair]
    return {
        f"process_info id='{pid}'": {"pid": pid, "process_name": "python3", "used_memory": f"{mib} MiB"}
        for pid, _, mib in pairs
    }
