"""`deploy drain`, `undrain` and `prune`: one thing done to a service on hosts, planned, asked for, remembered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgectl.engine.outcome import HostStatus, RunOutcome, exit_code
from edgectl.engine.policy import Limit, Rollout
from edgectl.engine.service_records import ServiceChange, Turn
from edgectl.inventory.fold import abridged
from edgectl.inventory.model import Host
from edgectl.ops.deploy.holding import held
from edgectl.ops.deploy.lives import passages_of
from edgectl.ops.deploy.spec import ServiceSpec
from edgectl.ops.rollout import NO_DEADLINE, Pace, Prepared, Request, carry_out, prepare, run_report
from edgectl.ops.services import Services
from edgectl.ops.told import closing, trouble
from edgectl.playbook.compile import Options
from edgectl.playbook.loader import load_playbook
from edgectl.report import Line, Report

# One host of a PoP at a time: the others have to carry what it lets go.
_ONE_BY_ONE = Rollout(max_out=1, max_failed=Limit(fleet=0))
_FREE = Rollout()
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Act:
    """What is done: which playbook with which values; `turn` is what is remembered of a host that was changed."""

    command: str
    playbook: str
    module: str
    values: Mapping[str, Any]
    turn: Turn | None = None
    policy: Rollout = _FREE

    def result(self, outcome: Any) -> Mapping[str, Any]:
        """Return what came of it at a host."""
        return outcome.result_of(self.module) or {}


def drain(spec: ServiceSpec) -> Act:
    """Return how hosts are taken out of service."""
    values = {"state": "drained", "drain_s": spec.strategy.drain}
    return Act("deploy drain", "drain.yaml", "service_drain", values, Turn.DRAINED, _ONE_BY_ONE)


def undrain(spec: ServiceSpec) -> Act:
    """Return how hosts come back into service, each proved first."""
    values = {"state": "serving", "drain_s": spec.strategy.drain}
    return Act("deploy undrain", "drain.yaml", "service_drain", values, Turn.UNDRAINED)


def prune(spec: ServiceSpec) -> Act:
    """Return how old releases and files are let go of."""
    return Act("deploy prune", "prune.yaml", "service_prune", {"keep": spec.keep, "grace_s": _DAY_S})


Ask = Callable[[Sequence[Line]], bool]


def act(
    services: Services,
    spec: ServiceSpec,
    hosts: Sequence[Host],
    doing: Act,
    ask: Ask | None,
    pace: Pace = NO_DEADLINE,
) -> Report:
    """Look first; then do it where somebody says yes to what was seen. Without `ask` it is only looked."""
    quiet = replace(services, observers=())
    prepared, outcome = _carried_out(quiet, spec, hosts, doing, Options(check=True), pace)
    if ask is None or not ask(_lines(doing, outcome)):
        return _report(doing, prepared, outcome)
    with held(services, spec.name) as ours:
        prepared, outcome = _carried_out(services, spec, hosts, doing, Options(), pace)
        changes = _changes(services, spec, doing, outcome)
        services.deployed.record(changes, ours.hold)
        services.lifecycles.record(passages_of(changes))
    return _report(doing, prepared, outcome)


def _carried_out(
    services: Services, spec: ServiceSpec, hosts: Sequence[Host], doing: Act, options: Options, pace: Pace
) -> tuple[Prepared, RunOutcome]:
    values = {"service": spec.name, **doing.values}
    request = Request(
        command=f"{doing.command} --check" if options.check else doing.command,
        select=",".join(host.name for host in hosts),
        options=options,
        host_vars={host.name: values for host in hosts},
        arguments={"service": spec.name},
        policy=doing.policy,
        pace=pace,
    )
    prepared = prepare(services, load_playbook(services.playbooks / doing.playbook), request)
    return prepared, carry_out(services, prepared)


def _changes(
    services: Services, spec: ServiceSpec, doing: Act, outcome: RunOutcome
) -> Sequence[ServiceChange]:
    if doing.turn is None:
        return ()
    at, by = services.clock.now(), services.started_by
    return [
        ServiceChange(
            spec.name,
            host.host,
            str(doing.result(host).get("release", "")),
            doing.turn,
            at,
            by,
            run=outcome.run,
            gpus=tuple(doing.result(host).get("gpus") or ()),
        )
        for host in outcome.hosts
        if host.status is HostStatus.CHANGED
    ]


def _lines(doing: Act, outcome: RunOutcome) -> list[Line]:
    groups: dict[str, list[str]] = defaultdict(list)
    for host in outcome.finished():
        groups[str(doing.result(host).get("msg", "")) or "as wanted already"].append(host.host)
    lines = [Line(f"  {len(names):>4}  {abridged(names)}   {said}") for said, names in groups.items()]
    return [*lines, *trouble(outcome.hosts)]


def _report(doing: Act, prepared: Prepared, outcome: RunOutcome) -> Report:
    body = [*_lines(doing, outcome), *closing(outcome, exit_code(outcome))]
    return run_report(prepared, outcome, data=doing.result, body=body)
