"""The rules about one GPU: each looks at the readings and says how it stands. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edgectl.catalog.rules_model import Rule, Severity
from edgectl.ops.health.earlier import Earlier
from edgectl.ops.health.expected import Expected
from edgectl.ops.health.finding import Breach, Judged, Standing
from edgectl.ops.health.observed_gpu import Gpu, GpuState

# Xids that say an uncorrected error was real: double bit, uncontained, escaped (NVIDIA Xid catalogue).
_CONFIRMING_XIDS = frozenset({48, 95, 140})
_URGENT_ACTIONS = frozenset({"gpu-reset", "node-reboot", "drain-and-reset", "bus-reset", "system-reboot"})


@dataclass(frozen=True, slots=True)
class Sight:
    """One GPU, what is wanted of it, the Xids it had since boot, and the last look at it in this boot."""

    gpu: Gpu
    expected: Expected
    xids: frozenset[int] = frozenset()
    earlier: Earlier | None = None


GpuRule = Callable[[Sight, Rule], Judged]


def gpu_lost(sight: Sight, _rule: Rule) -> Judged:
    """A GPU that the driver does not reach is in the list as lost."""
    if sight.gpu.state is not GpuState.LOST:
        return Standing.HOLDS
    address, serial = sight.gpu.pci_bus_id, sight.gpu.serial
    where = address if sight.gpu.index is not None else None
    said = ", ".join(filter(None, (where, f"serial {serial}" if serial else "")))
    return Breach(Severity.CRITICAL, address, said)


def gpu_model(sight: Sight, _rule: Rule) -> Judged:
    """Compare NVML's name with the catalogue's."""
    name, wanted = sight.gpu.name, sight.expected.gpu
    if name is None or wanted is None:
        return Standing.UNJUDGED
    if name == wanted.nvml_name:
        return Standing.HOLDS
    return Breach(Severity.CRITICAL, {"is": name, "wanted": wanted.nvml_name}, name)


def recovery_action(sight: Sight, _rule: Rule) -> Judged:
    """A word that nobody has seen yet is a warning, never nothing."""
    wanted = sight.gpu.recovery_action
    if wanted is None:
        return Standing.UNJUDGED
    if wanted == "none":
        return Standing.HOLDS
    severity = Severity.CRITICAL if wanted in _URGENT_ACTIONS else Severity.WARNING
    return Breach(severity, wanted, wanted, action=f"the driver asks for: {wanted}; drain the node first")


def ecc_uncorrected(sight: Sight, _rule: Rule) -> Judged:
    """Count since the driver was loaded; the lifetime count is history, not health."""
    count = sight.gpu.ecc_volatile_uncorrected
    if count is None:
        return Standing.UNJUDGED
    if count == 0:
        return Standing.HOLDS
    confirmed = sight.gpu.remap_failure or not _CONFIRMING_XIDS.isdisjoint(sight.xids)
    severity = Severity.CRITICAL if confirmed else Severity.WARNING
    return Breach(severity, count, f"{count:,} since the driver was loaded")


def ecc_off(sight: Sight, _rule: Rule) -> Judged:
    """A GPU without ECC says unsupported, not off."""
    return _flag(sight.gpu.ecc_mode, wanted=True, severity=Severity.WARNING)


def row_remap_pending(sight: Sight, _rule: Rule) -> Judged:
    """Any GPU that has the reading counts, whatever its name."""
    return _flag(sight.gpu.remap_pending, wanted=False, severity=Severity.WARNING)


def row_remap_failure(sight: Sight, _rule: Rule) -> Judged:
    """As pending, and for the card's life."""
    return _flag(sight.gpu.remap_failure, wanted=False, severity=Severity.CRITICAL)


def persistence_off(sight: Sight, _rule: Rule) -> Judged:
    """Off by the driver's own word."""
    return _flag(sight.gpu.persistence_mode, wanted=True, severity=Severity.WARNING)


def temperature(sight: Sight, rule: Rule) -> Judged:
    """Judge by how far the GPU is from slowing down; by fixed temperatures where it does not say."""
    gpu, near_c = sight.gpu, rule.thresholds["near_c"]
    if gpu.margin_c is not None:
        slowdown_c = gpu.slowdown_margin_c
        if slowdown_c is None:
            slowdown_c = rule.slowdown_margin_c.get(gpu.name or "", 0.0)
        # At a margin of 0 the GPU is at its highest operating temperature; it slows down a little later.
        return _heat(gpu, gpu.margin_c, near_c, slowdown_c)
    if gpu.temperature_c is None:
        return Standing.UNJUDGED
    if gpu.slowdown_temperature_c is not None:
        return _heat(gpu, gpu.slowdown_temperature_c - gpu.temperature_c, near_c, 0.0)
    to_critical_c = rule.thresholds["critical_c"] - gpu.temperature_c
    return _heat(gpu, to_critical_c, rule.thresholds["critical_c"] - rule.thresholds["warning_c"], 0.0)


def _heat(gpu: Gpu, margin_c: float, near_c: float, slowdown_c: float) -> Judged:
    if margin_c > near_c:
        return Standing.HOLDS
    severity = Severity.CRITICAL if margin_c <= slowdown_c else Severity.WARNING
    value = gpu.temperature_c if gpu.temperature_c is not None else margin_c
    return Breach(severity, value, f"{value:g} °C")


def thermal_slowdown(sight: Sight, _rule: Rule) -> Judged:
    """Hardware and software slowdown alike."""
    return _reason(sight.gpu, "hw_thermal_slowdown", "sw_thermal_slowdown")


def power_brake(sight: Sight, _rule: Rule) -> Judged:
    """The external brake; a software power cap is normal at full load and is no finding."""
    return _reason(sight.gpu, "hw_power_brake_slowdown")


def hw_slowdown(sight: Sight, _rule: Rule) -> Judged:
    """The general bit, where neither of the two that explain it is set."""
    known = {"hw_thermal_slowdown", "hw_power_brake_slowdown"}
    if sight.gpu.clocks_event_reasons is not None and known & set(sight.gpu.clocks_event_reasons):
        return Standing.HOLDS
    return _reason(sight.gpu, "hw_slowdown")


def pcie_width(sight: Sight, _rule: Rule) -> Judged:
    """Lanes do not change at idle, so any lack counts."""
    width, wanted = sight.gpu.pcie_width, sight.expected.gpu
    most = max(sight.gpu.pcie_width_max or 0, (wanted and wanted.pcie_width) or 0)
    if width is None or most == 0:
        return Standing.UNJUDGED
    if width >= most:
        return Standing.HOLDS
    return Breach(Severity.WARNING, {"is": width, "wanted": most}, f"x{width} of x{most}")


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


def not_collected(sight: Sight, _rule: Rule) -> Judged:
    """Readings that exist and could not be had."""
    errors = sight.gpu.unread.error
    if not errors:
        return Standing.HOLDS
    said = ", ".join(f"{name}: {text}" for name, text in errors.items())
    return Breach(Severity.WARNING, dict(errors), said)


GPU_RULES: Mapping[str, GpuRule] = {
    "gpu-lost": gpu_lost,
    "gpu-model": gpu_model,
    "recovery-action": recovery_action,
    "ecc-uncorrected": ecc_uncorrected,
    "ecc-off": ecc_off,
    "row-remap-pending": row_remap_pending,
    "row-remap-failure": row_remap_failure,
    "temperature": temperature,
    "thermal-slowdown": thermal_slowdown,
    "power-brake": power_brake,
    "hw-slowdown": hw_slowdown,
    "pcie-width": pcie_width,
    "pcie-gen": pcie_gen,
    "persistence-off": persistence_off,
    "not-collected": not_collected,
}


def _flag(value: bool | None, *, wanted: bool, severity: Severity) -> Judged:  # noqa: FBT001 - a reading
    if value is None:
        return Standing.UNJUDGED
    return Standing.HOLDS if value == wanted else Breach(severity, value, "")


def _reason(gpu: Gpu, *names: str) -> Judged:
    if gpu.clocks_event_reasons is None:
        return Standing.UNJUDGED
    active = [name for name in names if name in gpu.clocks_event_reasons]
    if not active:
        return Standing.HOLDS
    heat = f"{gpu.temperature_c:g} °C, " if gpu.temperature_c is not None else ""
    clock = f"SM at {gpu.clock_sm_mhz} MHz" if gpu.clock_sm_mhz is not None else ""
    return Breach(Severity.WARNING, active, f"{heat}{clock}".rstrip(", "))


def _is_busy(gpu: Gpu) -> bool:
    reasons = gpu.clocks_event_reasons
    return gpu.performance_state == "P0" and reasons is not None and "gpu_idle" not in reasons
