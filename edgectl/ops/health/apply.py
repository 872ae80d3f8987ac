"""Ask the nodes, judge them, tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from edgectl.catalog.hardware import load_catalog
from edgectl.catalog.rules import load_rules
from edgectl.catalog.rules_model import Rules, Severity
from edgectl.catalog.xid import XidMeaning, load_xids
from edgectl.engine.outcome import HostOutcome, HostStatus
from edgectl.ops.health.expected import Expected, expected_of
from edgectl.ops.health.observed import node_of
from edgectl.ops.health.report import Examined, health_report
from edgectl.ops.health.verdict import Verdict, judge
from edgectl.ops.rollout import Request, carry_out, prepare
from edgectl.ops.services import Services
from edgectl.playbook.loader import load_playbook
from edgectl.report import Report

PLAYBOOK = "health.yaml"
MODULE = "health_facts"
# A reason is one line; the report has all findings.
_REASONS = 4


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What hosts are judged by."""

    rules: Rules
    xids: Mapping[int, XidMeaning]
    expected: Mapping[str, Expected]


def check(
    services: Services, select: str | None, limit: str | None, fail_on: Severity = Severity.CRITICAL
) -> Report:
    """Return the health of the selected hosts; one with a finding as bad as `fail_on` counts as failed."""
    playbook = load_playbook(services.playbooks / PLAYBOOK)
    prepared = prepare(services, playbook, Request("health", select, limit))
    catalog = load_catalog()
    expected = {host.name: expected_of(host, catalog) for host in prepared.plan.hosts()}
    yardstick = Yardstick(load_rules(), load_xids(), expected)
    examined: dict[str, Examined] = {}

    def judged(host: HostOutcome) -> HostOutcome:
        examined[host.host] = examine(host, yardstick, fail_on)
        return examined[host.host].outcome

    outcome = carry_out(services, prepared, judged)
    return health_report(
        prepared, outcome, [examined.get(host.host) or Examined(host) for host in outcome.hosts]
    )


def examine(host: HostOutcome, yardstick: Yardstick, fail_on: Severity) -> Examined:
    """Return what one host said and how it is judged; one that did not answer stays as it is."""
    result = host.result_of(MODULE)
    if result is None or host.status is not HostStatus.OK:
        return Examined(host)
    try:
        node = node_of(result)
    except ValueError as error:
        said = str(error).splitlines()[0]
        return Examined(replace(host, status=HostStatus.FAILED, reason=f"its answer makes no sense: {said}"))
    verdict = judge(node, yardstick.expected[host.host], yardstick.rules, yardstick.xids)
    return Examined(_as_judged(host, verdict, fail_on), node, verdict, dict(result))


def _as_judged(host: HostOutcome, verdict: Verdict, fail_on: Severity) -> HostOutcome:
    counting = [finding for finding in verdict.findings if fail_on in (finding.severity, Severity.WARNING)]
    if not counting:
        return host
    said = "; ".join(str(finding) for finding in counting[:_REASONS])
    more = f"; and {len(counting) - _REASONS} more" if len(counting) > _REASONS else ""
    return replace(host, status=HostStatus.FAILED, reason=f"{said}{more}")
