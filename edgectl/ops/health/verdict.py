"""A node's readings, the inventory and the rules become findings. Pure: no clock, no host, no file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from edgectl.catalog.rules_model import Rules, Severity
from edgectl.catalog.xid import XidMeaning
from edgectl.ops.health.causes import with_causes
from edgectl.ops.health.earlier import Earlier
from edgectl.ops.health.expected import Expected
from edgectl.ops.health.finding import STANDING_OF, Breach, Finding, Standing, finding
from edgectl.ops.health.gpu_rules import GPU_RULES
from edgectl.ops.health.log_rules import log_findings
from edgectl.ops.health.machine_rules import is_serving
from edgectl.ops.health.node_rules import NODE_RULES
from edgectl.ops.health.observed import Node
from edgectl.ops.health.observed_gpu import Gpu, GpuState
from edgectl.ops.health.sight import Sight
from edgectl.ops.health.xid_repeats import repeated_findings
from edgectl.ops.health.xid_rules import XidTable, codes_at, xid_findings

# Rules about Xids, which stand in the kernel log too.
_OF_THE_LOG = frozenset({"xid", "gpu-suspect"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with a node, the worst first, and how every rule stands there.

    `unjudged` has the label of a GPU with each rule that could not be judged there, whatever its neighbours said.
    `watched` are the rules and findings that were only counted: nothing is said of them, and so they are not clean.
    """

    findings: Sequence[Finding]
    standings: Mapping[str, Standing]
    unjudged: frozenset[tuple[str, str]] = frozenset()
    watched: frozenset[str] = frozenset()

    @property
    def worst(self) -> Severity | None:
        """The worst severity, None for a healthy node."""
        severities = {found.severity for found in self.findings}
        return next((level for level in (Severity.CRITICAL, Severity.WARNING) if level in severities), None)


def judge(
    node: Node,
    expected: Expected,
    rules: Rules,
    xids: Mapping[int, XidMeaning],
    earlier: Mapping[str, Earlier] | None = None,
) -> Verdict:
    """Return the verdict on a node; `earlier` has the last look at each card, by UUID, where there is one."""
    standings = dict.fromkeys(rules.by_id, Standing.UNJUDGED)
    findings: list[Finding] = []
    of_gpus = [
        (gpu.label, one) for gpu in node.gpus for one in _gpu(gpu, node, expected, rules, earlier or {})
    ]
    unjudged = frozenset(
        (label, rule) for label, (rule, standing, _) in of_gpus if standing is Standing.UNJUDGED
    )
    judged = (
        *_node(node, expected, rules),
        *(one for _, one in of_gpus),
        *_log(node, rules, xids),
    )
    for rule_id, standing, found in judged:
        standings[rule_id] = max(standings[rule_id], standing)
        findings.extend(found)
    findings.sort(key=lambda found: found.severity is not Severity.CRITICAL)
    return Verdict(tuple(with_causes(findings, rules.causes)), standings, unjudged)


_Judged = tuple[str, Standing, Sequence[Finding]]


def _node(node: Node, expected: Expected, rules: Rules) -> Iterator[_Judged]:
    for rule_id, rule in NODE_RULES.items():
        judged = rule(node, expected, rules.by_id[rule_id])
        if isinstance(judged, Breach):
            yield rule_id, STANDING_OF[judged.severity], [finding(rules.by_id[rule_id], judged)]
        else:
            yield rule_id, judged, ()


def _gpu(
    gpu: Gpu, node: Node, expected: Expected, rules: Rules, earlier: Mapping[str, Earlier]
) -> Iterator[_Judged]:
    sight = _sight(gpu, node, expected, earlier.get(gpu.uuid or ""))
    # What a lost GPU said last is not worth a judgement.
    ids: Iterable[str] = ("gpu-lost",) if gpu.state is GpuState.LOST else GPU_RULES
    for rule_id in ids:
        judged = GPU_RULES[rule_id](sight, rules.by_id[rule_id])
        if isinstance(judged, Breach):
            found = finding(rules.by_id[rule_id], judged, gpu=gpu.uuid, label=gpu.label)
            yield rule_id, STANDING_OF[judged.severity], [found]
        else:
            yield rule_id, judged, ()


def _sight(gpu: Gpu, node: Node, expected: Expected, earlier: Earlier | None) -> Sight:
    return Sight(
        gpu=gpu,
        expected=expected,
        xids=codes_at(node.xids, gpu.pci_bus_id),
        earlier=earlier,
        driver_version=node.driver_version,
        uptime_s=node.machine.uptime_s if node.machine else None,
        serving=is_serving(node),
    )


def _log(node: Node, rules: Rules, xids: Mapping[int, XidMeaning]) -> Iterator[_Judged]:
    """Yield what the kernel log says; a log that was read and has no such line is a rule that holds."""
    if node.kernel_log.source is not None:
        for rule in rules.by_id.values():
            if rule.events or rule.id in _OF_THE_LOG:
                yield rule.id, Standing.HOLDS, ()
    for found in xid_findings(node, XidTable(xids, rules)):
        yield "xid", STANDING_OF[found.severity], [found]
    for found in (*log_findings(node, rules), *repeated_findings(node, xids, rules)):
        yield found.id, STANDING_OF[found.severity], [found]
