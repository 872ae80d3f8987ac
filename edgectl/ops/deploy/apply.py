"""`deploy apply`: a specification becomes a release on every host it is placed on, one wave after the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from edgectl.catalog.hardware import load_catalog
from edgectl.engine.outcome import HostOutcome, RunOutcome, exit_code
from edgectl.engine.service_records import ReleaseRecord
from edgectl.inventory.fold import abridged
from edgectl.ops.deploy.deployment import Deployment
from edgectl.ops.deploy.gates import WaveGate
from edgectl.ops.deploy.halting import NO_HALT, Halt, halt_data, halt_lines, undo
from edgectl.ops.deploy.holding import held
from edgectl.ops.deploy.learning import learn
from edgectl.ops.deploy.lock import as_data
from edgectl.ops.deploy.made_secrets import with_environment
from edgectl.ops.deploy.placement import Verdict
from edgectl.ops.deploy.planning import floor_lines, surplus_lines
from edgectl.ops.deploy.recording import remember, result_at
from edgectl.ops.deploy.release import release_id
from edgectl.ops.deploy.shipping import ship, shipped_lines
from edgectl.ops.deploy.survey import claim_of
from edgectl.ops.rollout import (
    NO_DEADLINE,
    Pace,
    Prepared,
    carry_out,
    compared,
    prepare,
    run_report,
    troubled,
    with_clusters,
)
from edgectl.ops.services import Services
from edgectl.ops.told import closing, clusters, trouble
from edgectl.playbook.compile import Options
from edgectl.playbook.loader import load_playbook
from edgectl.report import Line, Report, Tone

PLAYBOOK = "deploy.yaml"


def plan(services: Services, deployment: Deployment) -> tuple[Prepared, RunOutcome]:
    """Find out by a check run which hosts would change."""
    request = replace(deployment.request(Options(check=True)), command="deploy apply --check")
    knowing = with_environment(services, deployment.spec)
    prepared = prepare(knowing, load_playbook(services.playbooks / PLAYBOOK), request)
    return prepared, carry_out(services, prepared)


def plan_lines(deployment: Deployment, outcome: RunOutcome) -> list[Line]:
    """Return the plan for a person: from which release to which, on which hosts."""
    spec = deployment.spec
    lines = [
        Line(
            f"{spec.name}  → {release_id(spec)}   {spec.model.name} on {spec.engine.kind}, {_size(deployment)}"
        )
    ]
    lines += floor_lines(deployment.planned)
    groups: dict[str, list[str]] = defaultdict(list)
    for host in outcome.finished():
        groups[_said(host)].append(host.host)
    lines += [Line(f"  {len(names):>4}  {abridged(names)}   {said}") for said, names in groups.items()]
    left = [*_left_out(deployment), *surplus_lines(deployment.planned), *_passed_over(deployment)]
    return [*lines, *left, *trouble(outcome.hosts)]


def _left_out(deployment: Deployment) -> list[Line]:
    """Tell which hosts somebody drained, since a deployment takes none of them back into service."""
    out = [one for one in deployment.planned.placement.decisions if one.verdict is Verdict.OUT]
    if not out:
        return []
    said = f"{abridged([one.node.name for one in out])}   left as it is: {out[0].why}"
    return [Line(f"  {len(out):>4}  {said}", Tone.NOTICE)]


def _passed_over(deployment: Deployment) -> list[Line]:
    """Tell which hosts a limit named for nothing, and why."""
    groups: dict[str, list[str]] = defaultdict(list)
    for host, why in deployment.passed_over.items():
        groups[why].append(host)
    return [
        Line(f"  {len(names):>4}  {abridged(names)}   left alone: {why}", Tone.NOTICE)
        for why, names in groups.items()
    ]


def _size(deployment: Deployment) -> str:
    carried = sum(map(len, deployment.carried.values()))
    count = len(deployment.spec.model.files)
    files = f"{count} file{'s' if count != 1 else ''}"
    return f"{files}, {carried / 1e6:.1f} MB with the job" if carried else files


def _said(host: HostOutcome) -> str:
    result = result_at(host)
    return str(result.get("msg", "")) or "in force already"


def apply(
    services: Services, deployment: Deployment, planned: RunOutcome, pace: Pace = NO_DEADLINE
) -> Report:
    """Carry the deployment out, on hosts that could not be planned last."""
    return _put_into_force(services, deployment, troubled(planned), pace)


def resume(services: Services, deployment: Deployment, pace: Pace = NO_DEADLINE) -> Report:
    """Carry on what was said yes to before, on the hosts that have not ended well."""
    return _put_into_force(services, deployment, frozenset(), pace)


def _put_into_force(services: Services, deployment: Deployment, last: frozenset[str], pace: Pace) -> Report:
    """Run it wave by wave under the service's hold, undo what a halt undoes, and remember all of it."""
    spec, release = deployment.spec, release_id(deployment.spec)
    request = replace(deployment.request(Options()), last=last, pace=pace)
    with held(services, spec.name) as ours:
        shipped = ship(services, deployment.shipment, pace) if deployment.shipment.files else None
        knowing = with_environment(services, spec)
        prepared = prepare(knowing, load_playbook(services.playbooks / PLAYBOOK), request)
        ours.begun(prepared.plan.run)
        gate = WaveGate(services, spec, prepared)
        outcome = carry_out(
            services, prepared, gate=gate if gate.asks else None, called_off=lambda: ours.lost
        )
        services.deployed.keep_release(_record(services, deployment))
        remember(services, spec.name, release, outcome, ours)
        learn(services, deployment.planned, load_catalog(), outcome)
        halt = NO_HALT if gate.is_open else undo(services, spec, release, prepared, outcome)
        if halt.outcome is not None:
            remember(services, spec.name, release, halt.outcome, ours)
    report = deploy_report(deployment, prepared, outcome, halt)
    lines = [] if shipped is None else shipped_lines(deployment.hosts, shipped)
    return replace(report, body=[*lines, *report.body])


def _record(services: Services, deployment: Deployment) -> ReleaseRecord:
    survey = deployment.planned.survey
    at, by = services.clock.now(), services.started_by
    return ReleaseRecord(
        release_id(deployment.spec), deployment.spec.name, at, by, as_data(survey.lock), claim_of(survey.need)
    )


def deploy_report(
    deployment: Deployment, prepared: Prepared, outcome: RunOutcome, halt: Halt = NO_HALT
) -> Report:
    """Tell a deployment: the release per host, what the service said when it was asked, what a halt undid."""
    code = exit_code(outcome)
    comparison = compared(prepared, outcome)
    told = [*_answers(outcome), *trouble(outcome.hosts, comparison), *halt_lines(halt)]
    told += surplus_lines(deployment.planned)
    body = [*told, *closing(outcome, code)]
    report = run_report(prepared, outcome, data=lambda host: _data(deployment, host), body=body)
    report = with_clusters(report, clusters(outcome.hosts, comparison))
    return replace(report, data={**report.data, **halt_data(halt)})


def _answers(outcome: RunOutcome) -> list[Line]:
    """Return each distinct smoke completion once, with the hosts that gave it."""
    groups: dict[str, list[HostOutcome]] = defaultdict(list)
    for host in outcome.finished():
        completion = result_at(host).get("completion")
        if completion is not None:
            groups[str(completion)].append(host)
    lines = []
    for text, hosts in groups.items():
        slowest = max(result_at(host).get("smoke_seconds", 0.0) for host in hosts)
        names = abridged([host.host for host in hosts])
        lines.append(
            Line(f"  {len(hosts):>4}  {names}   smoke ok, at most {slowest * 1000:.0f} ms", Tone.GOOD)
        )
        lines.append(Line(f"        it says: {text.strip()[:100]!r}", Tone.QUIET))
    return [*lines, *_adapted(outcome), *_drained(outcome)]


def _adapted(outcome: RunOutcome) -> list[Line]:
    """Tell where only adapters came and went, in engines that went on."""
    hosts = [host.host for host in outcome.finished() if "adapters" in result_at(host)]
    said = f"  {len(hosts):>4}  {abridged(hosts)}   took their adapters in the engine that runs; none was restarted"
    return [Line(said, Tone.GOOD)] if hosts else []


def _drained(outcome: RunOutcome) -> list[Line]:
    """Tell how many streams had to come to their end first, and how many did not."""
    drains = [found for host in outcome.hosts if (found := result_at(host).get("drained"))]
    if not drains:
        return []
    streams, cut = (sum(int(one[name]) for one in drains) for name in ("streams", "cut"))
    longest = max(float(one["seconds"]) for one in drains)
    said = f"  drained {streams:,} streams of {len(drains)} hosts, {cut:,} cut, at most {longest:.1f} s each"
    return [Line(said, Tone.NOTICE if cut else Tone.QUIET)]


def _data(deployment: Deployment, host: HostOutcome) -> Mapping[str, Any]:
    result = result_at(host)
    shown = (
        "release",
        "previous",
        "completion",
        "usage",
        "smoke_seconds",
        "drained",
        "quarantined",
        "adapters",
    )
    return {"service": deployment.spec.name} | {name: result[name] for name in shown if name in result}
