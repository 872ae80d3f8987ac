"""Lines of the kernel log that are a finding by being there, apart from Xids. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from edgectl.catalog.rules_model import Rule, Rules, Severity
from edgectl.ops.health.finding import Breach, Finding, finding
from edgectl.ops.health.observed import Node
from edgectl.ops.health.observed_gpu import Gpu
from edgectl.ops.health.observed_node import KernelEvent

_LINE_CHARACTERS = 120
# An SXid names its kind: `SXid (PCI:…): 12028, Non-fatal, …`.
_FATAL = re.compile(r"(?<!non-)(?<!non)\bfatal\b", re.IGNORECASE)


def log_findings(node: Node, rules: Rules) -> Iterator[Finding]:
    """Yield a finding per kind and device of this boot; what was before the boot is history."""
    by_kind = {kind: rule for rule in rules.by_id.values() for kind in rule.events}
    gpus = {gpu.pci_bus_id: gpu for gpu in node.gpus if gpu.pci_bus_id}
    for event in node.events:
        rule = by_kind.get(event.kind)
        if rule is not None and event.boot == 0:
            yield _finding(event, rule, gpus)


def _finding(event: KernelEvent, rule: Rule, gpus: Mapping[str, Gpu]) -> Finding:
    gpu = gpus.get(event.device or "")
    breach = Breach(_severity(event, rule), _value(event), _detail(event, gpu))
    return finding(rule, breach, gpu=gpu.uuid if gpu else None, label=gpu.label if gpu else "")


def _severity(event: KernelEvent, rule: Rule) -> Severity:
    """Return the one severity of a rule; of two the line has to say that it was fatal."""
    if len(rule.sentences) == 1:
        return next(iter(rule.sentences))
    return Severity.CRITICAL if _FATAL.search(event.line) else Severity.WARNING


def _detail(event: KernelEvent, gpu: Gpu | None) -> str:
    where = f"{event.device}: " if event.device and gpu is None else ""
    times = f" ({event.count:,} times)" if event.count > 1 else ""
    return f"{where}{event.line[:_LINE_CHARACTERS]}{times}"


def _value(event: KernelEvent) -> dict[str, object]:
    return {
        "count": event.count,
        "first": event.first,
        "last": event.last,
        "device": event.device,
        "line": event.line,
    }
