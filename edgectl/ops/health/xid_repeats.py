"""The same event twice: errors of programs that point at their GPU, and faults that outlive a reboot. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from edgectl.catalog.rules_model import Rules, Severity
from edgectl.catalog.xid import XidMeaning
from edgectl.ops.health.finding import Breach, Finding, finding
from edgectl.ops.health.observed import Node, Xid

_RULE = "xid-repeated"
# What is tried next, from the smallest step.
_LADDER = ("reset", "reboot", "power-cycle", "return")
_FIRST_RUNG = {"reset": 0, "drain-and-reset": 0, "nvlink": 0, "reboot": 1, "check-cables": 2}


def next_rung(xid: Xid, xids: Sequence[Xid], meaning: XidMeaning) -> str | None:
    """Return the step above the table's for an error that came back after a reboot; None for a first one.

    Each boot before this one that had it counts for one step.
    """
    first = _FIRST_RUNG.get(meaning.action)
    boots = {one.boot for one in xids if one.boot < 0 and _same(one, xid)}
    if first is None or not boots:
        return None
    return _LADDER[min(first + len(boots), len(_LADDER) - 1)]


def _same(one: Xid, other: Xid) -> bool:
    return one.code == other.code and one.pci_bus_id is not None and one.pci_bus_id == other.pci_bus_id


def repeated_findings(node: Node, meanings: Mapping[int, XidMeaning], rules: Rules) -> Iterator[Finding]:
    """Yield a finding per GPU whose programs failed though they are different ones.

    A program that is started again is the same: only names count, over all boots that the log has.
    """
    rule = rules.by_id[_RULE]
    gpus = {gpu.pci_bus_id: gpu for gpu in node.gpus if gpu.pci_bus_id}
    for address, programs in _programs(node.xids, meanings).items():
        if len(programs) >= rule.thresholds["programs"]:
            gpu = gpus.get(address)
            value = {name: sorted(codes) for name, codes in programs.items()}
            breach = Breach(Severity.WARNING, value, ", ".join(sorted(programs)))
            label = gpu.label if gpu else address.partition(":")[2]
            yield finding(rule, breach, gpu=gpu.uuid if gpu else None, label=label)


def _programs(
    xids: Sequence[Xid], meanings: Mapping[int, XidMeaning]
) -> Mapping[str, Mapping[str, set[int]]]:
    """Return the Xids by address and program, of those that a program can cause alone."""
    found: defaultdict[str, defaultdict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for xid in xids:
        meaning = meanings.get(xid.code)
        if xid.pci_bus_id is not None and meaning is not None and meaning.may_be_the_application:
            for process in xid.processes:
                found[xid.pci_bus_id][_name(process)].add(xid.code)
    return found


def _name(process: str) -> str:
    """Return the name in `name (pid)`."""
    return process.rpartition(" (")[0] or process
