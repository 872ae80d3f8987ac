"""The rules about a node's DPUs, as their host sees them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

from edgectl.catalog.rules_model import Rule, Severity
from edgectl.ops.health.expected import Expected
from edgectl.ops.health.finding import Breach, Judged, Standing
from edgectl.ops.health.observed import Node
from edgectl.ops.health.observed_node import Dpu, DpuMode

_Read = Callable[[Dpu], object | None]


def dpu_missing(node: Node, expected: Expected, _rule: Rule) -> Judged:
    """Against the hardware's profile; a card that the inventory does not know is nobody's trouble."""
    if node.dpus is None or expected.dpu_count is None:
        return Standing.UNJUDGED
    found, wanted = len(node.dpus), expected.dpu_count
    if found >= wanted:
        return Standing.HOLDS
    return Breach(Severity.CRITICAL, {"is": found, "wanted": wanted}, f"{found} of {wanted}")


def dpu_mode(node: Node, expected: Expected, _rule: Rule) -> Judged:
    """Where the inventory says which."""
    return _drift(node, expected.dpu_mode, lambda dpu: dpu.mode and dpu.mode.value, Severity.CRITICAL)


def dpu_firmware(node: Node, expected: Expected, _rule: Rule) -> Judged:
    """Where the inventory says which."""
    return _drift(node, expected.dpu_firmware, lambda dpu: dpu.firmware, Severity.WARNING)


def dpu_software(node: Node, expected: Expected, _rule: Rule) -> Judged:
    """Where the inventory says which."""
    return _drift(node, expected.dpu_software, lambda dpu: dpu.software, Severity.WARNING)


def dpu_mixed(node: Node, expected: Expected, _rule: Rule) -> Judged:
    """Compare DPUs of one model; where the inventory says which firmware, each is judged by that."""
    by_model: defaultdict[str, set[str]] = defaultdict(set)
    for dpu in node.dpus or ():
        if dpu.firmware:
            by_model[dpu.model or ""].add(dpu.firmware)
    if not by_model or expected.dpu_firmware:
        return Standing.UNJUDGED
    mixed = {model: sorted(versions) for model, versions in by_model.items() if len(versions) > 1}
    if not mixed:
        return Standing.HOLDS
    return Breach(Severity.WARNING, mixed, "; ".join(", ".join(versions) for versions in mixed.values()))


def dpu_rshim(node: Node, expected: Expected, _rule: Rule) -> Judged:
    """Asked where the inventory wants DPU mode; elsewhere a BMC may hold the one end there is."""
    looked = [dpu for dpu in node.dpus or () if "rshim" not in dpu.unread.error]
    if expected.dpu_mode != DpuMode.DPU or not looked:
        return Standing.UNJUDGED
    return _breach(Severity.WARNING, {dpu.pci_bus_id: None for dpu in looked if not dpu.rshim}, "no rshim")


def dpu_arm_down(node: Node, _expected: Expected, _rule: Rule) -> Judged:
    """In NIC mode its processor is not in the path."""
    asked = [dpu for dpu in node.dpus or () if dpu.arm_up is not None and dpu.mode is not DpuMode.NIC]
    if not asked:
        return Standing.UNJUDGED
    down = {dpu.pci_bus_id: dpu.boot_state for dpu in asked if not dpu.arm_up}
    return _breach(Severity.CRITICAL, down, "not up")


def dpu_reset(node: Node, _expected: Expected, rule: Rule) -> Judged:
    """Compare uptimes: one that is older than its host only outlived a reboot of the host."""
    host_s = node.machine.uptime_s if node.machine else None
    known = {dpu.pci_bus_id: dpu.uptime_s for dpu in node.dpus or () if dpu.uptime_s is not None}
    if host_s is None or not known:
        return Standing.UNJUDGED
    later = {address: up_s for address, up_s in known.items() if host_s - up_s > rule.thresholds["skew"]}
    if not later:
        return Standing.HOLDS
    said = ", ".join(f"{_short(address)} up {_span(up_s)}" for address, up_s in later.items())
    return Breach(Severity.WARNING, later, f"{said}, the host {_span(host_s)}")


def dpu_temperature(node: Node, _expected: Expected, rule: Rule) -> Judged:
    """The hottest counts."""
    known = {dpu.pci_bus_id: dpu.temperature_c for dpu in node.dpus or () if dpu.temperature_c is not None}
    if not known:
        return Standing.UNJUDGED
    hottest_c = max(known.values())
    if hottest_c < rule.thresholds["warm"]:
        return Standing.HOLDS
    severity = Severity.CRITICAL if hottest_c >= rule.thresholds["hot"] else Severity.WARNING
    return Breach(severity, known, f"{hottest_c:g} °C")


def _drift(node: Node, wanted: str | None, read: _Read, severity: Severity) -> Judged:
    known = {dpu.pci_bus_id: read(dpu) for dpu in node.dpus or () if read(dpu) is not None}
    if wanted is None or not known:
        return Standing.UNJUDGED
    others = {address: value for address, value in known.items() if value != wanted}
    return _breach(severity, others, f"wanted {wanted}")


def _breach(severity: Severity, broken: Mapping[str, object], said: str) -> Judged:
    if not broken:
        return Standing.HOLDS
    told = [f"{_short(address)}{f' {value}' if value else ''}" for address, value in broken.items()]
    return Breach(severity, dict(broken), f"{', '.join(told)}: {said}")


def _short(address: str) -> str:
    return address.partition(":")[2] or address


def _span(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h"
