"""Which rules are judged for a node as a whole, and by what."""

from __future__ import annotations

from collections.abc import Mapping

from edgectl.ops.health import (
    dpu_rules,
    driver_rules,
    machine_rules,
    port_rules,
    presence_rules,
    storage_rules,
)
from edgectl.ops.health.sight import NodeRule

NODE_RULES: Mapping[str, NodeRule] = {
    "gpu-count": presence_rules.gpu_count,
    "gpu-dropped": presence_rules.gpu_dropped,
    "gpu-unbound": presence_rules.gpu_unbound,
    "vbios-mixed": presence_rules.vbios_mixed,
    "driver-not-loaded": driver_rules.driver_not_loaded,
    "driver-mismatch": driver_rules.driver_mismatch,
    "driver-hung": driver_rules.driver_hung,
    "driver-error": driver_rules.driver_error,
    "driver-version": driver_rules.driver_version,
    "not-collected": driver_rules.not_collected,
    "peermem": port_rules.peermem,
    "port-down": port_rules.port_down,
    "port-speed": port_rules.port_speed,
    "port-errors": port_rules.port_errors,
    "dpu-missing": dpu_rules.dpu_missing,
    "dpu-mode": dpu_rules.dpu_mode,
    "dpu-firmware": dpu_rules.dpu_firmware,
    "dpu-software": dpu_rules.dpu_software,
    "dpu-mixed": dpu_rules.dpu_mixed,
    "dpu-rshim": dpu_rules.dpu_rshim,
    "dpu-arm-down": dpu_rules.dpu_arm_down,
    "dpu-reset": dpu_rules.dpu_reset,
    "dpu-temperature": dpu_rules.dpu_temperature,
    "disk-full": storage_rules.disk_full,
    "disk-inodes": storage_rules.disk_inodes,
    "disk-read-only": storage_rules.disk_read_only,
    "memory-low": machine_rules.memory_low,
    "memory-modules": machine_rules.memory_modules,
    "stuck-processes": machine_rules.stuck_processes,
    "zombies": machine_rules.zombies,
    "threads": machine_rules.threads,
    "open-files": machine_rules.open_files,
    "time-unsynchronised": machine_rules.time_unsynchronised,
    "time-offset": machine_rules.time_offset,
    "clocksource": machine_rules.clocksource,
    "governor": machine_rules.governor,
    "serving-unit": machine_rules.serving_unit,
}
