"""The rules about how a GPU is set and used: persistence, MIG, what is left on it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from edgectl.catalog.rules_model import Rule, Severity
from edgectl.ops.health.finding import Breach, Judged, Standing
from edgectl.ops.health.observed_gpu import GpuProcess
from edgectl.ops.health.sight import Sight, drift, flag, pending

_PROCESSES = 3


def persistence_off(sight: Sight, _rule: Rule) -> Judged:
    """Off by the driver's own word."""
    return flag(sight.gpu.persistence_mode, wanted=True, severity=Severity.WARNING)


def mig_mode(sight: Sight, _rule: Rule) -> Judged:
    """Wanted on where the inventory says a number of instances, off where it says none."""
    instances = sight.expected.mig_instances
    return drift(sight.gpu.mig_mode, None if instances is None else instances > 0)


def mig_instances(sight: Sight, _rule: Rule) -> Judged:
    """With MIG on as it should be; the mode is judged on its own."""
    found, wanted = sight.gpu.mig_instances, sight.expected.mig_instances
    if found is None or not wanted or not sight.gpu.mig_mode:
        return Standing.UNJUDGED
    if found == wanted:
        return Standing.HOLDS
    severity = Severity.CRITICAL if found < wanted else Severity.WARNING
    return Breach(severity, {"is": found, "wanted": wanted}, f"{found} of {wanted}")


def mig_pending(sight: Sight, _rule: Rule) -> Judged:
    """In either direction."""
    return pending(sight.gpu.mig_mode, sight.gpu.mig_mode_pending)


def gpu_left_over(sight: Sight, rule: Rule) -> Judged:
    """Only where somebody asked about a service and none runs."""
    gpu = sight.gpu
    if sight.serving is not False or (gpu.processes is None and gpu.memory_used_mib is None):
        return Standing.HOLDS if sight.serving else Standing.UNJUDGED
    processes, used_mib = gpu.processes or (), gpu.memory_used_mib or 0
    if not processes and used_mib <= rule.thresholds["idle_mib"]:
        return Standing.HOLDS
    value = {"used_mib": gpu.memory_used_mib, "processes": [_process(process) for process in processes]}
    return Breach(Severity.WARNING, value, _told(processes, used_mib))


def _process(process: GpuProcess) -> dict[str, object]:
    return {
        "pid": process.pid,
        "name": process.name,
        "used_mib": process.used_mib,
        "age_s": process.age_s,
    }


def _told(processes: Sequence[GpuProcess], used_mib: int) -> str:
    names = ", ".join(f"{process.name} ({process.pid})" for process in processes[:_PROCESSES])
    more = f" and {len(processes) - _PROCESSES} more" if len(processes) > _PROCESSES else ""
    return f"{used_mib:,} MiB; {names}{more}" if names else f"{used_mib:,} MiB"
