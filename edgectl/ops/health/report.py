"""How health is told: folded by finding for a person, whole for programs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from edgectl.catalog.rules_model import Severity
from edgectl.engine.outcome import HostOutcome, RunOutcome, exit_code
from edgectl.ops.clusters.comparison import Comparison
from edgectl.ops.health.finding import Finding, Standing
from edgectl.ops.health.metrics import health_metrics
from edgectl.ops.health.observed import Node
from edgectl.ops.health.places import places
from edgectl.ops.health.verdict import Verdict
from edgectl.ops.rollout import Prepared, compared, host_entry, run_report, with_clusters
from edgectl.ops.told import closing, clusters, trouble
from edgectl.report import Check, HostEntry, Line, Report, Table, Tone

_CHECK_WORDS = {
    Standing.UNJUDGED: "skipped",
    Standing.HOLDS: "ok",
    Standing.WARNING: "warning",
    Standing.CRITICAL: "failed",
}
_TONES = {Severity.CRITICAL: Tone.BAD, Severity.WARNING: Tone.NOTICE}
_DATA = ("driver_version", "kernel", "boot_id", "xids", "kernel_log", "attempts")
# More places or details than this are a matter for -o json.
_DETAILS = 2


@dataclass(frozen=True, slots=True)
class Examined:
    """One host; `node` and `verdict` are None where it gave nothing to judge."""

    outcome: HostOutcome
    node: Node | None = None
    verdict: Verdict | None = None
    said: Mapping[str, Any] = field(default_factory=dict)


def health_report(prepared: Prepared, outcome: RunOutcome, examined: Sequence[Examined]) -> Report:
    """Return the report of a run whose hosts were judged."""
    comparison = compared(prepared, outcome)
    body = _body(outcome, examined, comparison)
    told = run_report(prepared, outcome, body=body, metrics=health_metrics(_rows(examined)))
    return replace(
        with_clusters(told, clusters(_unjudged(examined), comparison)),
        hosts=tuple(_entry(host) for host in examined),
        checks=tuple(check for host in examined for check in _checks(host)),
    )


def _rows(examined: Sequence[Examined]) -> list[tuple[HostOutcome, Node, Verdict]]:
    return [
        (host.outcome, host.node, host.verdict)
        for host in examined
        if host.node is not None and host.verdict is not None
    ]


def _entry(host: Examined) -> HostEntry:
    """Return the host for the report: what the module said stands under `data`, once."""
    entry = host_entry(host.outcome, _data(host))
    return replace(entry, tasks=[{**task, "result": {}} for task in entry.tasks]) if host.verdict else entry


def _data(host: Examined) -> dict[str, Any]:
    if host.node is None or host.verdict is None:
        return {}
    return {
        "gpus": host.said.get("gpus", []),
        "findings": [finding.as_json() for finding in host.verdict.findings],
        "collector": host.node.collector.value,
        **{name: host.said[name] for name in _DATA if name in host.said},
    }


def _checks(host: Examined) -> Iterator[Check]:
    """Yield a check per rule; a host that was not judged has one, which is unknown or failed."""
    name, seconds = host.outcome.host, host.outcome.seconds
    if host.verdict is None:
        status = "failed" if host.outcome.status.value == "failed" else "unknown"
        yield Check("host", name, status, f"{host.outcome.status}: {host.outcome.reason}", seconds)
        return
    messages: dict[str, list[str]] = {}
    for finding in host.verdict.findings:
        messages.setdefault("xid" if _is_xid(finding) else finding.id, []).append(_message(finding))
    for rule, standing in host.verdict.standings.items():
        said = "; ".join(messages.get(rule, []))
        unread = "no reading to judge" if standing is Standing.UNJUDGED else ""
        yield Check(rule, name, _CHECK_WORDS[standing], said or unread)


def _is_xid(finding: Finding) -> bool:
    return finding.id.startswith("xid-")


def _message(finding: Finding) -> str:
    """Return a finding as the message of a check that bears the rule's name already."""
    if _is_xid(finding):
        return str(finding)
    return str(finding).removeprefix(finding.id).strip(" :") or finding.rule


def _unjudged(examined: Sequence[Examined]) -> list[HostOutcome]:
    return [host.outcome for host in examined if host.verdict is None]


def _body(outcome: RunOutcome, examined: Sequence[Examined], comparison: Comparison) -> list[Line | Table]:
    unjudged = _unjudged(examined)
    told = [(host.outcome.host, finding) for host in examined for finding in _findings(host)]
    lines: list[Line | Table] = [Line(_headline(examined))]
    lines += _finding_lines(told)
    if told:
        worst = min(told, key=lambda member: member[1].severity is not Severity.CRITICAL)[1]
        lines.append(
            Line(f"  why, who says so and what clears it: edgectl health explain {worst.id}", Tone.QUIET)
        )
    if not told and len(unjudged) < len(examined):
        lines.append(Line("  nothing found", Tone.GOOD))
    if unjudged:
        lines.append(Line(f"  {'unknown':<8} {len(unjudged):>5}   not judged", Tone.BAD))
        lines += trouble(unjudged, comparison)
    return [*lines, *closing(outcome, exit_code(outcome))]


def _findings(host: Examined) -> Sequence[Finding]:
    return host.verdict.findings if host.verdict else ()


def _headline(examined: Sequence[Examined]) -> str:
    nodes = [host.node for host in examined if host.node is not None]
    pops = len({host.outcome.pop for host in examined})
    gpus = sum(len(node.gpus) for node in nodes)
    return (
        f"{_counted(pops, 'PoP')} · {len(nodes):,} of {_counted(len(examined), 'node')} answered"
        f" · {_counted(gpus, 'GPU')}"
    )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _finding_lines(told: Sequence[tuple[str, Finding]]) -> Iterator[Line]:
    """Yield a line per severity and finding, and below it what to do; the most frequent first."""
    groups: dict[tuple[Severity, str], list[tuple[str, Finding]]] = {}
    for host, finding in told:
        groups.setdefault((finding.severity, finding.id), []).append((host, finding))
    width = max((len(name) for _, name in groups), default=0)
    for severity in (Severity.CRITICAL, Severity.WARNING):
        members = [(name, group) for (level, name), group in groups.items() if level is severity]
        members.sort(key=lambda member: (-len(member[1]), member[0]))
        for number, (name, group) in enumerate(members):
            word = severity.value if number == 0 else ""
            where = places((host, finding.label) for host, finding in group)
            head = f"  {word:<8} {len(group):>5}   {name:<{width}}   {where}"
            yield Line(f"{head}   {_details(group)}".rstrip(), _TONES[severity])
            yield Line(f"{'':<19}{'':<{width}}   {_next(group)}", Tone.QUIET)


def _details(group: Sequence[tuple[str, Finding]]) -> str:
    details = list(dict.fromkeys(finding.detail for _, finding in group if finding.detail))
    if len(details) <= _DETAILS:
        return " · ".join(details)
    return f"{' · '.join(details[:_DETAILS])} · …"


def _next(group: Sequence[tuple[str, Finding]]) -> str:
    actions = list(dict.fromkeys(finding.action for _, finding in group))
    return actions[0] if len(actions) == 1 else "each host has its own next step: -o json"
