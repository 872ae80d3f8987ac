"""The rules about a GPU's links: PCIe, NVLink and its fabric. Pure."""

from __future__ import annotations

import math

from edgectl.catalog.rules_model import Rule, Severity
from edgectl.ops.health.finding import Breach, Judged, Standing
from edgectl.ops.health.observed_gpu import Gpu
from edgectl.ops.health.sight import Sight, grown

# PCI Express base specification: raw bits per second and lane of each generation.
_GBITS = {1: 2.5, 2: 5.0, 3: 8.0, 4: 16.0, 5: 32.0, 6: 64.0}
_FABRIC_DONE = "completed"
_FABRIC_NONE = frozenset({"not-supported", "unsupported"})
# nvml.h, NVML_GPU_FABRIC_HEALTH_MASK_*: two bits each, where 1 is true.
_FABRIC_TROUBLES = {
    "degraded bandwidth": 0,
    "route recovery": 2,
    "unhealthy route": 4,
    "access timeout recovery": 6,
}
# The same header: four bits, where 0 is unsupported and 1 is none.
_FABRIC_CONFIGURATION_SHIFT = 8


def pcie_width(sight: Sight, _rule: Rule) -> Judged:
    """Lanes do not change at idle, so any lack counts."""
    width, wanted = sight.gpu.pcie_width, sight.expected.gpu
    most = max(sight.gpu.pcie_width_max or 0, (wanted and wanted.pcie_width) or 0)
    if width is None or most == 0:
        return Standing.UNJUDGED
    if width >= most:
        return Standing.HOLDS
    return Breach(Severity.CRITICAL, {"is": width, "wanted": most}, f"x{width} of x{most}")


def pcie_gen(sight: Sight, _rule: Rule) -> Judged:
    """What the link can reach counts always, what it has only while the GPU is busy."""
    gpu, wanted = sight.gpu, sight.expected.gpu
    can, has = gpu.pcie_gen_max, gpu.pcie_gen
    should = (wanted and wanted.pcie_gen) or can
    if should is None or (can is None and has is None):
        return Standing.UNJUDGED
    reached = has if has is not None and _is_busy(gpu) else can
    if reached is None:
        return Standing.UNJUDGED
    if reached >= should:
        return Standing.HOLDS
    return Breach(Severity.WARNING, {"is": reached, "wanted": should}, f"Gen{reached} of Gen{should}")


def pcie_replay(sight: Sight, rule: Rule) -> Judged:
    """Count repeated packets since the last look against the bit errors that PCIe allows.

    Allowed are rate x bits a minute x lanes, rounded up: 31 a minute for Gen5 x16 at 1e-12.
    """
    gpu, earlier = sight.gpu, sight.earlier
    generation, lanes = gpu.pcie_gen_max or gpu.pcie_gen, gpu.pcie_width
    replays = grown(gpu.pcie_replays, earlier.gpu.pcie_replays) if earlier else None
    if replays is None or earlier is None or earlier.seconds <= 0 or generation not in _GBITS or not lanes:
        return Standing.UNJUDGED
    allowed = math.ceil(rule.thresholds["allowed"] * _GBITS[generation] * 1e9 * 60 * lanes)
    a_minute = replays * 60 / earlier.seconds
    if a_minute <= allowed:
        return Standing.HOLDS
    value = {"per_minute": round(a_minute, 1), "allowed": allowed}
    return Breach(Severity.WARNING, value, f"{a_minute:,.0f} a minute, {allowed} allowed")


def pcie_aer(sight: Sight, _rule: Rule) -> Judged:
    """Errors that the link did not repair; corrected ones are repeated packets."""
    fatal, nonfatal = sight.gpu.pcie_aer_fatal, sight.gpu.pcie_aer_nonfatal
    if fatal is None and nonfatal is None:
        return Standing.UNJUDGED
    if not fatal and not nonfatal:
        return Standing.HOLDS
    value = {"fatal": fatal, "nonfatal": nonfatal}
    said = ", ".join(f"{count:,} {name}" for name, count in value.items() if count)
    return Breach(Severity.CRITICAL if fatal else Severity.WARNING, value, said)


def nvlink_down(sight: Sight, _rule: Rule) -> Judged:
    """Only for GPUs with links: by the catalogue, else by what the GPU says it has, where it is part of a fabric.

    A card with connectors for bridges shows links too, and none of them is active while there is no bridge.
    """
    gpu, wanted = sight.gpu, sight.expected.gpu
    links = wanted.nvlinks if wanted is not None and wanted.nvlinks is not None else gpu.nvlinks
    is_unbridged = wanted is None and gpu.nvlinks_active == 0 and gpu.fabric_state is None
    if not links or gpu.nvlinks_active is None or is_unbridged:
        return Standing.UNJUDGED
    if gpu.nvlinks_active >= links:
        return Standing.HOLDS
    value = {"is": gpu.nvlinks_active, "wanted": links}
    return Breach(Severity.CRITICAL, value, f"{gpu.nvlinks_active} of {links} links")


def nvlink_errors(sight: Sight, _rule: Rule) -> Judged:
    """Only growth since the last look; a total says nothing about now."""
    before = sight.earlier.gpu.nvlink_errors if sight.earlier else None
    errors = grown(sight.gpu.nvlink_errors, before)
    if errors is None:
        return Standing.UNJUDGED
    if errors == 0:
        return Standing.HOLDS
    return Breach(Severity.WARNING, errors, f"{errors:,} since the last look")


def fabric(sight: Sight, rule: Rule) -> Judged:
    """State and status first, then what the health mask says; some minutes after boot are left alone."""
    gpu = sight.gpu
    if gpu.fabric_state is None or gpu.fabric_state in _FABRIC_NONE:
        return Standing.UNJUDGED
    if gpu.fabric_state != _FABRIC_DONE or gpu.fabric_status:
        if sight.uptime_s is not None and sight.uptime_s < rule.thresholds["grace"]:
            return Standing.HOLDS
        value = {"state": gpu.fabric_state, "status": gpu.fabric_status}
        status = f", status {gpu.fabric_status}" if gpu.fabric_status else ""
        return Breach(Severity.CRITICAL, value, f"{gpu.fabric_state}{status}")
    troubles = _troubles(gpu.fabric_health or 0)
    return Breach(Severity.WARNING, troubles, ", ".join(troubles)) if troubles else Standing.HOLDS


def _troubles(mask: int) -> list[str]:
    troubles = [name for name, shift in _FABRIC_TROUBLES.items() if mask >> shift & 3 == 1]
    is_wrong = (mask >> _FABRIC_CONFIGURATION_SHIFT & 0xF) > 1
    return [*troubles, "wrong configuration"] if is_wrong else troubles


def _is_busy(gpu: Gpu) -> bool:
    reasons = gpu.clocks_event_reasons
    return gpu.performance_state == "P0" and reasons is not None and "gpu_idle" not in reasons
