"""The rules about the node itself: memory, processes, time, processors, services. Pure."""

from __future__ import annotations

from edgectl.catalog.rules_model import Rule, Severity
from edgectl.ops.health.expected import Expected
from edgectl.ops.health.finding import Breach, Judged, Standing
from edgectl.ops.health.observed import Node
from edgectl.ops.health.observed_node import Machine, TimeKeeping, Unit
from edgectl.ops.health.sight import drift

_MIB = 1024 * 1024
# How the driver names its kernel threads and programs.
_DRIVER_PROCESSES = ("nvidia", "nv_queue")
_PROCESSES = 4
# Linux kernel: clock sources that cost no trip out of the processor or the guest.
_FAST_CLOCKS = (
    "tsc",
    "kvm-clock",
    "arch_sys_counter",
    "hyperv_clocksource_tsc_page",
    "xen",
    "timebase",
)
_UNTOUCHED = Machine()


def memory_low(node: Node, _expected: Expected, rule: Rule) -> Judged:
    """Available memory as the kernel counts it, with what it could give up."""
    machine = _machine(node)
    total, available = machine.memory_total_bytes, machine.memory_available_bytes
    if not total or available is None:
        return Standing.UNJUDGED
    if available / total >= rule.thresholds["low"]:
        return Standing.HOLDS
    is_out = available < rule.thresholds["least_mib"] * _MIB
    said = f"{available // _MIB:,} of {total // _MIB:,} MiB"
    return Breach(Severity.CRITICAL if is_out else Severity.WARNING, available, said)


def memory_modules(node: Node, expected: Expected, _rule: Rule) -> Judged:
    """Where the inventory says how many."""
    found, wanted = _machine(node).memory_modules, expected.memory_modules
    if found is None or wanted is None:
        return Standing.UNJUDGED
    if found >= wanted:
        return Standing.HOLDS
    return Breach(Severity.CRITICAL, {"is": found, "wanted": wanted}, f"{found} of {wanted}")


def stuck_processes(node: Node, _expected: Expected, rule: Rule) -> Judged:
    """Those of the GPU driver that are not young; of others only very many, as each may wait for a moment."""
    stuck = _machine(node).stuck
    if stuck is None:
        return Standing.UNJUDGED
    driver = [
        one
        for one in stuck
        if one.name.startswith(_DRIVER_PROCESSES) and (one.age_s or 0) >= rule.thresholds["age"]
    ]
    if not driver and len(stuck) < rule.thresholds["many"]:
        return Standing.HOLDS
    told = driver or stuck
    value = [{"pid": one.pid, "name": one.name, "age_s": one.age_s} for one in told]
    more = f" and {len(told) - _PROCESSES} more" if len(told) > _PROCESSES else ""
    said = ", ".join(f"{one.name} ({one.pid})" for one in told[:_PROCESSES]) + more
    return Breach(Severity.CRITICAL if driver else Severity.WARNING, value, said)


def zombies(node: Node, _expected: Expected, rule: Rule) -> Judged:
    """Ended processes that their parents do not take note of."""
    count = _machine(node).zombies
    if count is None:
        return Standing.UNJUDGED
    if count < rule.thresholds["some"]:
        return Standing.HOLDS
    severity = Severity.CRITICAL if count >= rule.thresholds["many"] else Severity.WARNING
    return Breach(severity, count, f"{count:,}")


def threads(node: Node, _expected: Expected, rule: Rule) -> Judged:
    """Of all that the kernel allows."""
    return _most(_machine(node).threads, _machine(node).threads_max, rule)


def open_files(node: Node, _expected: Expected, rule: Rule) -> Judged:
    """Of all that the kernel allows."""
    return _most(_machine(node).files, _machine(node).files_max, rule)


def time_unsynchronised(node: Node, _expected: Expected, _rule: Rule) -> Judged:
    """By the word of whoever keeps the time."""
    time = _time(node)
    if time.synchronised is None:
        return Standing.UNJUDGED
    if time.synchronised:
        return Standing.HOLDS
    return Breach(Severity.WARNING, {"source": time.source, "stratum": time.stratum}, time.source or "")


def time_offset(node: Node, _expected: Expected, rule: Rule) -> Judged:
    """Ahead or behind."""
    offset_s = _time(node).offset_s
    if offset_s is None:
        return Standing.UNJUDGED
    if abs(offset_s) <= rule.thresholds["off"]:
        return Standing.HOLDS
    severity = Severity.CRITICAL if abs(offset_s) > rule.thresholds["wrong"] else Severity.WARNING
    return Breach(severity, offset_s, f"{offset_s:+.3g} s")


def clocksource(node: Node, _expected: Expected, _rule: Rule) -> Judged:
    """Any that the processor or the hypervisor offers is fast."""
    name = _machine(node).clocksource
    if name is None:
        return Standing.UNJUDGED
    return Standing.HOLDS if name in _FAST_CLOCKS else Breach(Severity.WARNING, name, name)


def governor(node: Node, expected: Expected, _rule: Rule) -> Judged:
    """Where the inventory says which."""
    return drift(_machine(node).governor, expected.cpu_governor)


def serving_unit(node: Node, _expected: Expected, rule: Rule) -> Judged:
    """Units that somebody asked about."""
    units = _machine(node).units
    if not units:
        return Standing.UNJUDGED
    troubled = {unit.name: level for unit in units if (level := _unit(unit, rule))}
    if not troubled:
        return Standing.HOLDS
    is_critical = Severity.CRITICAL in troubled.values()
    told = [unit for unit in units if unit.name in troubled]
    value = {unit.name: {"active": unit.active, "sub": unit.sub, "restarts": unit.restarts} for unit in told}
    said = ", ".join(f"{unit.name} {_state(unit)}" for unit in told)
    return Breach(Severity.CRITICAL if is_critical else Severity.WARNING, value, said)


def is_serving(node: Node) -> bool | None:
    """Say whether a unit that somebody asked about runs, None where nobody asked; a front alone serves nobody."""
    units = _machine(node).units
    if not units:
        return None
    return any(unit.active == "active" and not unit.name.endswith("-front.service") for unit in units)


def _unit(unit: Unit, rule: Rule) -> Severity | None:
    if unit.active == "failed" or unit.load == "not-found":
        return Severity.CRITICAL
    if unit.active != "active" or (unit.restarts or 0) >= rule.thresholds["restarts"]:
        return Severity.WARNING
    return None


def _state(unit: Unit) -> str:
    if unit.load == "not-found":
        return "is not there"
    restarts = f", {unit.restarts} restarts" if unit.restarts else ""
    return f"{unit.active} ({unit.sub}{restarts})"


def _most(used: int | None, most: int | None, rule: Rule) -> Judged:
    if used is None or not most:
        return Standing.UNJUDGED
    if used <= rule.thresholds["most"] * most:
        return Standing.HOLDS
    return Breach(Severity.WARNING, {"is": used, "most": most}, f"{used:,} of {most:,}")


def _machine(node: Node) -> Machine:
    return node.machine or _UNTOUCHED


def _time(node: Node) -> TimeKeeping:
    return _machine(node).time or TimeKeeping()
