"""Which rules are judged for each GPU, and by what."""

from __future__ import annotations

from collections.abc import Mapping

from edgectl.ops.health import link_rules, memory_rules, presence_rules, setting_rules, thermal_rules
from edgectl.ops.health.sight import GpuRule

GPU_RULES: Mapping[str, GpuRule] = {
    "gpu-lost": presence_rules.gpu_lost,
    "gpu-model": presence_rules.gpu_model,
    "gpu-reset-required": presence_rules.reset_required,
    "recovery-action": presence_rules.recovery_action,
    "gsp-firmware": presence_rules.gsp_firmware,
    "inforom-corrupt": presence_rules.inforom_corrupt,
    "vbios": presence_rules.vbios,
    "ecc-uncorrected": memory_rules.ecc_uncorrected,
    "ecc-sram-threshold": memory_rules.ecc_sram_threshold,
    "ecc-off": memory_rules.ecc_off,
    "ecc-pending": memory_rules.ecc_pending,
    "row-remap-pending": memory_rules.row_remap_pending,
    "row-remap-failure": memory_rules.row_remap_failure,
    "row-remap-history": memory_rules.row_remap_history,
    "row-remap-banks": memory_rules.row_remap_banks,
    "memory-unrepairable": memory_rules.memory_unrepairable,
    "retired-pages": memory_rules.retired_pages,
    "temperature": thermal_rules.temperature,
    "memory-temperature": thermal_rules.memory_temperature,
    "thermal-slowdown": thermal_rules.thermal_slowdown,
    "power-brake": thermal_rules.power_brake,
    "hw-slowdown": thermal_rules.hw_slowdown,
    "clocks-locked": thermal_rules.clocks_locked,
    "power-limit": thermal_rules.power_limit,
    "pcie-width": link_rules.pcie_width,
    "pcie-gen": link_rules.pcie_gen,
    "pcie-replay": link_rules.pcie_replay,
    "pcie-aer": link_rules.pcie_aer,
    "nvlink-down": link_rules.nvlink_down,
    "nvlink-errors": link_rules.nvlink_errors,
    "fabric": link_rules.fabric,
    "persistence-off": setting_rules.persistence_off,
    "mig-mode": setting_rules.mig_mode,
    "mig-instances": setting_rules.mig_instances,
    "mig-pending": setting_rules.mig_pending,
    "gpu-left-over": setting_rules.gpu_left_over,
    "not-collected": presence_rules.not_collected,
}
