"""Xids of the kernel log become findings. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from edgectl.catalog.rules_model import Component, Rules, Severity
from edgectl.catalog.xid import XidMeaning, unknown_xid
from edgectl.catalog.xid_nvlink5 import NvlinkEvent, event_of, row_of
from edgectl.catalog.xid_rows import XidSeverity
from edgectl.ops.health.driver_rules import branch_of
from edgectl.ops.health.finding import Finding
from edgectl.ops.health.observed import Node, Xid
from edgectl.ops.health.observed_gpu import Gpu, GpuState
from edgectl.ops.health.xid_repeats import next_rung

_RECOVERY_CHANGED = 154
# The GPU is not there to be reset: the driver's own word for it would be a reset, the catalogue asks for a reboot.
_DISCONNECTED = frozenset({79, 167})
_NO_RECOVERY = "none"
# Words of the Xid table's actions: nothing is wanted any more; the driver itself says what is.
SETTLED = "settled"
_FOLLOW = "follow-driver"
_REBOOTING = frozenset({"node-reboot", "system-reboot"})
_RECOVERY = re.compile(r"to (0x[0-9a-fA-F]+) \(([^)]*)\)")
# open-gpu-kernel-modules, gpu.c: what takes no GPU out of service, peers to drain and a domain to recover.
_MILD_RECOVERIES = frozenset({3, 5})
_SEVERITIES = {XidSeverity.CRITICAL: Severity.CRITICAL, XidSeverity.WARNING: Severity.WARNING}


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


@dataclass(frozen=True, slots=True)
class _Ruling:
    """How bad one Xid is here, what it says and what to do; no severity is no finding.

    `asks` is what to do in one word: of the Xid table, of its ladder, or the driver's own recovery action.
    """

    severity: Severity | None
    said: str
    action: str
    asks: str


def xid_findings(node: Node, table: XidTable) -> Iterator[Finding]:
    """Yield a finding per Xid of this boot and place.

    Notes give none, nor does a recovery action that went back to none. What was before the boot is history.
    """
    gpus = {gpu.pci_bus_id: gpu for gpu in node.gpus if gpu.pci_bus_id}
    for xid in node.xids:
        if xid.boot == 0:
            gpu = gpus.get(xid.pci_bus_id or "")
            ruling = _ruling(xid, gpu, node, table)
            if ruling.severity is not None:
                yield _finding(xid, ruling, ruling.severity, gpu, table.rules)


def _ruling(xid: Xid, gpu: Gpu | None, node: Node, table: XidTable) -> _Ruling:
    """Return what the table says, then what stands above it: earlier boots, and the driver itself."""
    if xid.code == _RECOVERY_CHANGED:
        return _recovery(xid)
    meaning = table.meaning(xid.code)
    branch = branch_of(node.driver_version)
    ruling = _by_table(xid, meaning, branch, table.rules.actions)
    rung = next_rung(xid, node.xids, meaning)
    if rung and ruling.severity is Severity.CRITICAL:
        again = f"{ruling.said}; as before the reboot"
        return _Ruling(Severity.CRITICAL, again, table.rules.actions[rung], rung)
    return _by_driver(xid, gpu, meaning, branch, ruling, table.rules.actions)


def _by_table(xid: Xid, meaning: XidMeaning, branch: int | None, actions: Mapping[str, str]) -> _Ruling:
    event = event_of(xid.line, branch) if meaning.nvlink else None
    if event is None:
        severity = _SEVERITIES.get(meaning.severity)
        return _Ruling(severity, meaning.meaning, actions[meaning.action], meaning.action)
    return _of_link(event, meaning, actions)


def _of_link(event: NvlinkEvent, meaning: XidMeaning, actions: Mapping[str, str]) -> _Ruling:
    """Return what the row of a unit says; without a row the line's own word decides."""
    where = f", link {event.link}" if event.link is not None else ""
    said = f"{meaning.meaning}: {event.unit}{where}"
    row = row_of(event, meaning.nvlink)
    if row is None:
        severity = Severity.CRITICAL if event.fatal else Severity.WARNING
        return _Ruling(severity, said, actions[meaning.action], meaning.action)
    note = f" ({row.note})" if row.note else ""
    return _Ruling(_SEVERITIES.get(row.severity), f"{said}{note}", actions[row.action], row.action)


def _by_driver(
    xid: Xid,
    gpu: Gpu | None,
    meaning: XidMeaning,
    branch: int | None,
    ruling: _Ruling,
    actions: Mapping[str, str],
) -> _Ruling:
    """Put the driver's own recovery action above the table; of a GPU that is away the more severe counts."""
    wanted = gpu.recovery_action if gpu is not None and gpu.state is GpuState.OK else None
    if ruling.severity is not Severity.CRITICAL or wanted is None:
        return ruling
    if wanted == _NO_RECOVERY:
        is_told = meaning.recovery_from is not None and branch is not None and branch >= meaning.recovery_from
        if not is_told or xid.code in _DISCONNECTED:
            return ruling
        return _Ruling(Severity.WARNING, f"{ruling.said}; over, by the driver", actions[SETTLED], SETTLED)
    if xid.code in _DISCONNECTED and wanted not in _REBOOTING:
        return ruling
    said = f"the driver asks for: {wanted}; drain the node first"
    return _Ruling(Severity.CRITICAL, ruling.said, said, wanted)


def _recovery(xid: Xid) -> _Ruling:
    """Read the last `changed from … to 0x2 (Node Reboot Required)`; one we cannot read is a warning."""
    said = _RECOVERY.search(xid.line)
    if said is None:
        text = "the driver changed its recovery action"
        return _Ruling(Severity.WARNING, text, f"do what the driver says: {text}", _FOLLOW)
    number, text = int(said[1], 16), said[2]
    if number == 0:
        return _Ruling(None, text, "", _FOLLOW)
    severity = Severity.WARNING if number in _MILD_RECOVERIES else Severity.CRITICAL
    return _Ruling(severity, text, f"do what the driver says: {text}", _FOLLOW)


def _finding(xid: Xid, ruling: _Ruling, severity: Severity, gpu: Gpu | None, rules: Rules) -> Finding:
    times = f" ({xid.count:,} times)" if xid.count > 1 else ""
    return Finding(
        id=f"xid-{xid.code}",
        severity=severity,
        component=Component.GPU,
        gpu=xid.gpu,
        value=_value(xid, ruling.asks),
        rule=f"{rules.by_id['xid'].sentences[severity]}: {ruling.said}",
        action=ruling.action,
        label=_label(xid, gpu),
        detail=f"{ruling.said}{times}",
    )


def _label(xid: Xid, gpu: Gpu | None) -> str:
    if xid.pci_bus_id is None:
        return "?"
    label = gpu.label if gpu is not None else xid.pci_bus_id.partition(":")[2]
    return f"{label}/gi{int(xid.gpu_instance)}" if xid.gpu_instance is not None else label


def _value(xid: Xid, asks: str) -> dict[str, object]:
    value: dict[str, object] = {
        "count": xid.count,
        "first": xid.first,
        "last": xid.last,
        "pci_bus_id": xid.pci_bus_id,
        "line": xid.line,
        "asks": asks,
    }
    instances = {"gpu_instance": xid.gpu_instance, "compute_instance": xid.compute_instance}
    value.update({name: number for name, number in instances.items() if number is not None})
    if xid.processes:
        value["processes"] = list(xid.processes)
    return value


def codes_at(xids: Iterable[Xid], pci_bus_id: str | None) -> frozenset[int]:
    """Return the Xids that one GPU had since boot."""
    return frozenset(
        xid.code for xid in xids if xid.boot == 0 and pci_bus_id is not None and xid.pci_bus_id == pci_bus_id
    )
