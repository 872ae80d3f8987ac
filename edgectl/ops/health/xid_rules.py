"""Xids of the kernel log become findings. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edgectl.catalog.rules_model import Component, Rules, Severity
from edgectl.catalog.xid import XidMeaning, XidSeverity, unknown_xid
from edgectl.ops.health.finding import Finding
from edgectl.ops.health.observed import Node, Xid

_RECOVERY_CHANGED = 154
# NVLink 5 lines name a unit and say whether it was fatal: `149, NETIR_LINK_EVT Fatal XC0 …`.
_NVLINK5 = range(144, 151)
_RECOVERY = re.compile(r"to (0x[0-9a-fA-F]+) \(([^)]*)\)")


@dataclass(frozen=True, slots=True)
class XidTable:
    """What Xids mean, and the sentences about what to do."""

    meanings: Mapping[int, XidMeaning]
    rules: Rules

    def meaning(self, code: int) -> XidMeaning:
        """Return a number's entry; one we do not know is a warning."""
        return self.meanings.get(code) or unknown_xid(code)

    def action(self, meaning: XidMeaning) -> str:
        """Return what to do about it."""
        return self.rules.actions[meaning.action]


def xid_findings(node: Node, table: XidTable) -> list[Finding]:
    """Return a finding per Xid and place; notes, and a recovery action that went back to none, give none."""
    labels = {gpu.pci_bus_id: gpu.label for gpu in node.gpus if gpu.pci_bus_id}
    found = [_finding(xid, table, labels) for xid in node.xids]
    return [finding for finding in found if finding is not None]


def _finding(xid: Xid, table: XidTable, labels: Mapping[str, str]) -> Finding | None:
    meaning = table.meaning(xid.code)
    severity, action, said = _severity(xid, meaning), table.action(meaning), meaning.meaning
    if xid.code == _RECOVERY_CHANGED:
        severity, said = _recovery(xid)
        action = f"do what the driver says: {said}"
    if severity is None:
        return None
    rule = table.rules.by_id["xid"]
    times = f" ({xid.count:,} times)" if xid.count > 1 else ""
    return Finding(
        id=f"xid-{xid.code}",
        severity=severity,
        component=Component.GPU,
        gpu=xid.gpu,
        value=_value(xid),
        rule=f"{rule.sentences[severity]}: {said}",
        action=action,
        label=_label(xid, labels),
        detail=f"{said}{times}",
    )


def _severity(xid: Xid, meaning: XidMeaning) -> Severity | None:
    if xid.code in _NVLINK5 and re.search(r"\bFatal\b", xid.line):
        return Severity.CRITICAL
    match meaning.severity:
        case XidSeverity.CRITICAL:
            return Severity.CRITICAL
        case XidSeverity.WARNING:
            return Severity.WARNING
        case XidSeverity.NOTE:
            return None


def _recovery(xid: Xid) -> tuple[Severity | None, str]:
    """Read the last `changed from … to 0x2 (Node Reboot Required)`; one we cannot read is a warning."""
    said = _RECOVERY.search(xid.line)
    if said is None:
        return Severity.WARNING, "the driver changed its recovery action"
    if int(said[1], 16) == 0:
        return None, said[2]
    return Severity.CRITICAL, said[2]


def _label(xid: Xid, labels: Mapping[str, str]) -> str:
    if xid.pci_bus_id is None:
        return "?"
    label = labels.get(xid.pci_bus_id) or xid.pci_bus_id.partition(":")[2]
    return f"{label}/gi{int(xid.gpu_instance)}" if xid.gpu_instance is not None else label


def _value(xid: Xid) -> dict[str, object]:
    value: dict[str, object] = {
        "count": xid.count,
        "first": xid.first,
        "last": xid.last,
        "pci_bus_id": xid.pci_bus_id,
        "line": xid.line,
    }
    instances = {"gpu_instance": xid.gpu_instance, "compute_instance": xid.compute_instance}
    value.update({name: number for name, number in instances.items() if number is not None})
    if xid.processes:
        value["processes"] = list(xid.processes)
    return value


def codes_at(xids: Iterable[Xid], pci_bus_id: str | None) -> frozenset[int]:
    """Return the Xids that one GPU had since boot."""
    return frozenset(xid.code for xid in xids if pci_bus_id is not None and xid.pci_bus_id == pci_bus_id)
