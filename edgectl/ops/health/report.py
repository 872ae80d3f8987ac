"""How health is told: folded by finding for a person, whole for programs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from edgectl.engine.outcome import HostOutcome, RunOutcome, exit_code
from edgectl.ops.clusters.comparison import Comparison
from edgectl.ops.health.examined import Examined
from edgectl.ops.health.finding import Finding, Standing
from edgectl.ops.health.history.subjects import uuid_of
from edgectl.ops.health.lines import Telling, finding_lines, has_alarm
from edgectl.ops.health.look_metrics import look_metrics
from edgectl.ops.health.metrics import health_metrics, incident_metrics
from edgectl.ops.health.observed import Node
from edgectl.ops.health.over_time import fleet_data, states_data
from edgectl.ops.health.verdict import Verdict
from edgectl.ops.health.words import counted
from edgectl.ops.rollout import Prepared, compared, host_entry, run_report, with_clusters
from edgectl.ops.told import closing, clusters, trouble
from edgectl.report import Check, HostEntry, Line, Report, Table, Tone

_CHECK_WORDS = {
    Standing.HOLDS: "ok",
    Standing.WARNING: "warning",
    Standing.CRITICAL: "failed",
}
_DATA = ("driver_version", "kernel", "boot_id", "xids", "kernel_log", "attempts")


def health_report(
    prepared: Prepared, outcome: RunOutcome, examined: Sequence[Examined], telling: Telling
) -> Report:
    """Return the report of a run whose hosts were judged."""
    comparison = compared(prepared, outcome)
    body = _body(outcome, examined, comparison, telling)
    ended = prepared.started + timedelta(seconds=outcome.seconds)
    judged = {host.outcome.host for host in examined if host.verdict is not None}
    metrics = [
        *health_metrics(_rows(examined, telling)),
        *incident_metrics(telling.view.incidents),
        *look_metrics(outcome.hosts, judged, ended),
    ]
    told = run_report(prepared, outcome, body=body, metrics=metrics)
    told = with_clusters(told, clusters(_unjudged(examined), comparison))
    return replace(
        told,
        data={**told.data, "fleet": fleet_data(examined, telling)},
        hosts=tuple(_entry(host, telling) for host in examined),
        checks=tuple(check for host in examined for check in _checks(host, telling)),
    )


def _rows(examined: Sequence[Examined], telling: Telling) -> list[tuple[HostOutcome, Node, Verdict]]:
    """Return the hosts that were judged, with the findings that count."""
    return [
        (host.outcome, host.node, replace(host.verdict, findings=host.counting(telling.snoozes)))
        for host in examined
        if host.node is not None and host.verdict is not None
    ]


def _entry(host: Examined, telling: Telling) -> HostEntry:
    """Return the host for the report: what the module said stands under `data`, once."""
    entry = host_entry(host.outcome, _data(host, telling))
    return replace(entry, tasks=[{**task, "result": {}} for task in entry.tasks]) if host.verdict else entry


def _data(host: Examined, telling: Telling) -> dict[str, Any]:
    if host.node is None or host.verdict is None:
        return {}
    return {
        "gpus": host.said.get("gpus", []),
        "findings": [_finding(host, found) for found in host.verdict.findings],
        "collector": host.node.collector.value,
        "states": states_data(host, telling),
        **{name: host.said[name] for name in _DATA if name in host.said},
    }


def _finding(host: Examined, found: Finding) -> dict[str, Any]:
    """Return a finding as the report has it; a card that cannot say who it is has the UUID that is on record."""
    said = found.as_json()
    if found.gpu is None and host.look is not None:
        said["gpu"] = uuid_of(host.look.cards.subject(found))
    return said


def _checks(host: Examined, telling: Telling) -> Iterator[Check]:
    """Yield a check per rule; a host that was not judged has one, which is unknown or failed."""
    name, seconds = host.outcome.host, host.outcome.seconds
    if host.verdict is None:
        status = "failed" if host.outcome.status.value == "failed" else "unknown"
        yield Check("host", name, status, f"{host.outcome.status}: {host.outcome.reason}", seconds)
        return
    counting = _by_rule(host.counting(telling.snoozes), host.verdict)
    found = _by_rule(host.findings, host.verdict)
    for rule, standing in host.verdict.standings.items():
        said = "; ".join(map(_message, found.get(rule, ())))
        if standing is Standing.UNJUDGED:
            yield Check(rule, name, "skipped", said or "no reading to judge")
        elif rule in found and rule not in counting:
            yield Check(rule, name, "skipped", f"snoozed, or at too few looks to count: {said}")
        else:
            yield Check(rule, name, _CHECK_WORDS[standing], said)


def _by_rule(findings: Sequence[Finding], verdict: Verdict) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for one in findings:
        found.setdefault(one.id if one.id in verdict.standings else "xid", []).append(one)
    return found


def _is_xid(finding: Finding) -> bool:
    return finding.id.startswith("xid-")


def _message(finding: Finding) -> str:
    """Return a finding as the message of a check that bears the rule's name already."""
    if _is_xid(finding):
        return str(finding)
    return str(finding).removeprefix(finding.id).strip(" :") or finding.rule


def _unjudged(examined: Sequence[Examined]) -> list[HostOutcome]:
    return [host.outcome for host in examined if host.verdict is None]


def _body(
    outcome: RunOutcome, examined: Sequence[Examined], comparison: Comparison, telling: Telling
) -> list[Line | Table]:
    unjudged = _unjudged(examined)
    lines: list[Line | Table] = [Line(_headline(examined)), *finding_lines(examined, telling)]
    if not has_alarm(examined) and len(unjudged) < len(examined):
        lines.insert(1, Line("  nothing found", Tone.GOOD))
    if unjudged:
        lines.append(Line(f"  {'unknown':<8} {len(unjudged):>5}   not judged", Tone.BAD))
        lines += trouble(unjudged, comparison)
    return [*lines, *closing(outcome, exit_code(outcome))]


def _headline(examined: Sequence[Examined]) -> str:
    nodes = [host.node for host in examined if host.node is not None]
    pops = len({host.outcome.pop for host in examined})
    gpus = sum(len(node.gpus) for node in nodes)
    return (
        f"{counted(pops, 'PoP')} · {len(nodes):,} of {counted(len(examined), 'node')} answered"
        f" · {counted(gpus, 'GPU')}"
    )
