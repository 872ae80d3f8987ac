"""The one shape in which every collector tells about a GPU.

Each reading is a value, or None and listed under `unread` as unsupported, not collected, or an error with its
text. Unsupported is never zero: a GPU without ECC has no ECC errors, it does not have 0 of them.
"""

from __future__ import annotations

from typing import Any, Dict, Optional

OK, LOST = "ok", "lost"

NAMES = (
    "uuid",
    "serial",
    "name",
    "pci_bus_id",
    "vbios",
    "memory_total_mib",
    "memory_used_mib",
    "temperature_c",
    "memory_temperature_c",
    "margin_c",  # how far the GPU is from its limit: nvidia-smi's "GPU T.Limit Temp"
    "slowdown_margin_c",  # the margin at which the hardware slows down; below 0
    "slowdown_temperature_c",  # the same as an absolute temperature, on GPUs that have no margin
    "power_w",
    "power_limit_w",
    "power_limit_default_w",
    "clock_sm_mhz",
    "clock_memory_mhz",
    "performance_state",
    "utilization_percent",
    "clocks_event_reasons",
    "sw_thermal_slowdown_us",
    "hw_thermal_slowdown_us",
    "hw_power_brake_us",
    "ecc_mode",
    "ecc_mode_pending",
    "ecc_volatile_corrected",
    "ecc_volatile_uncorrected",
    "ecc_aggregate_corrected",
    "ecc_aggregate_uncorrected",
    "remapped_rows_corrected",
    "remapped_rows_uncorrected",
    "remap_pending",
    "remap_failure",
    "pcie_gen",
    "pcie_gen_max",
    "pcie_width",
    "pcie_width_max",
    "pcie_replays",
    "mig_mode",
    "mig_mode_pending",
    "persistence_mode",
    "recovery_action",
    "board_part",
    "architecture",
    "inforom",
    "inforom_valid",
    "gsp_firmware",
    "memory_limit_temperature_c",
    "power_average_w",
    "clock_sm_max_mhz",
    "sw_power_cap_us",
    "hw_slowdown_us",  # all that heat cost, on drivers that do not tell hardware's part from software's
    "ecc_sram_uncorrected",
    "ecc_sram_threshold_exceeded",
    "remap_banks",
    "memory_unrepairable",
    "retired_pages",
    "retired_pages_pending",
    "pcie_aer_correctable",
    "pcie_aer_nonfatal",
    "pcie_aer_fatal",
    "nvlinks",
    "nvlinks_active",
    "nvlink_errors",
    "fabric_state",
    "fabric_status",
    "fabric_health",
    "mig_instances",
    "processes",
)
ARCHITECTURES = {
    2: "Kepler",
    3: "Maxwell",
    4: "Pascal",
    5: "Volta",
    6: "Turing",
    7: "Ampere",
    8: "Ada Lovelace",
    9: "Hopper",
    10: "Blackwell",
    13: "Rubin",
}  # nvml.h, NVML_DEVICE_ARCH_*; the names are nvidia-smi's
# nvml.h, nvmlGpuFabricState_t; 0 is a GPU that belongs to no fabric.
FABRIC_STATES = {1: "not-started", 2: "in-progress", 3: "completed"}

# Bits of nvmlDeviceGetCurrentClocksEventReasons, under the names that nvidia-smi's XML has for them.
EVENT_REASONS = (
    (0x1, "gpu_idle"),
    (0x2, "applications_clocks_setting"),
    (0x4, "sw_power_cap"),
    (0x8, "hw_slowdown"),
    (0x10, "sync_boost"),
    (0x20, "sw_thermal_slowdown"),
    (0x40, "hw_thermal_slowdown"),
    (0x80, "hw_power_brake_slowdown"),
    (0x100, "display_clocks_setting"),
)

# nvml.h, nvmlDeviceGpuRecoveryAction_t; nvidia-smi prints the first words of each.
RECOVERY_ACTIONS = {
    0: "none",
    1: "gpu-reset",
    2: "node-reboot",
    3: "drain-p2p",
    4: "drain-and-reset",
    5: "recover-imex-domain",
    6: "bus-reset",
    7: "system-reboot",
}


class UnansweredError(Exception):
    """A collector told nothing. `code` is NVML's, or nvidia-smi's exit code, which mean the same here."""

    def __init__(self, text: str, *, code: Optional[int] = None, hung: bool = False) -> None:
        super().__init__(text)
        self.code = code
        self.hung = hung


class Gpu:
    """A GPU while it is being read; `as_dict` is what travels."""

    def __init__(self, index: Optional[int], state: str = OK) -> None:
        self._index = index
        self.state = state
        self._values: Dict[str, Any] = {}
        self._unsupported: Dict[str, None] = {}
        self._errors: Dict[str, str] = {}

    def value(self, name: str, value: Any) -> None:
        """Note a reading; what kept an earlier way from having it is forgotten."""
        self._values[name] = value
        self._unsupported.pop(name, None)
        self._errors.pop(name, None)

    def unsupported(self, name: str) -> None:
        """Note that this GPU, or its driver, has no such reading, unless another way gave one."""
        if name not in self._values:
            self._unsupported[name] = None

    def error(self, name: str, text: str) -> None:
        """Note that the reading exists and could not be had, unless another way gave it."""
        if name not in self._values:
            self._errors[name] = text

    def get(self, name: str) -> Any:
        """Return a reading, or None."""
        return self._values.get(name)

    def as_dict(self) -> Dict[str, Any]:
        """Return every reading, those without a value as None, and why they have none."""
        known = {**self._values, **self._unsupported, **self._errors}
        unsupported = [name for name in self._unsupported if name not in self._errors]
        return {
            "index": self._index,
            "state": self.state,
            **{name: self._values.get(name) for name in NAMES},
            "unread": {
                "unsupported": unsupported,
                "error": self._errors,
                "not_collected": [name for name in NAMES if name not in known],
            },
        }


def bus_id(text: str) -> str:
    """Return a PCI address as NVML writes it: `0000:41:00` and `0000:41:00.0` become `00000000:41:00.0`."""
    domain, bus, rest = text.strip().upper().split(":")
    device, _, function = rest.partition(".")
    return f"{int(domain, 16):08X}:{bus}:{device}.{function or '0'}"
