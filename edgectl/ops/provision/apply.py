"""Plan with a check run, then carry out: two short calls, so that the operator can be asked in between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome, TaskStatus, exit_code
from edgectl.ids import began_at
from edgectl.inventory.fold import folded
from edgectl.inventory.pattern import select
from edgectl.ops.gates import carry_out_gated
from edgectl.ops.promises import Promises
from edgectl.ops.provision.cohort import Cohorts
from edgectl.ops.provision.foreseen import Foreseen, foresee
from edgectl.ops.provision.passing import begun, ended, refuse_closed
from edgectl.ops.provision.plan import HostPlan, changes_of, plan_lines, plans
from edgectl.ops.rollout import (
    NO_DEADLINE,
    Prepared,
    Request,
    carry_out,
    compared,
    prepare,
    run_report,
    troubled,
    with_clusters,
)
from edgectl.ops.services import Services
from edgectl.ops.told import closing, clusters, trouble
from edgectl.playbook.loader import load_playbook
from edgectl.report import Line, Report, Tone

PLAYBOOK = "provision.yaml"


@dataclass(frozen=True, slots=True)
class Planned:
    """What a check run found out: nothing was changed yet."""

    prepared: Prepared
    outcome: RunOutcome
    plans: list[HostPlan]
    foreseen: Foreseen

    @property
    def has_changes(self) -> bool:
        """Tell whether there is anything to do, be it at a node that will not be accepted after it."""
        return any(changes_of(host) for host in self.outcome.hosts)

    @property
    def has_trouble(self) -> bool:
        """Tell whether a node could not be planned; it may come back before a deadline."""
        return bool(troubled(self.outcome))

    def lines(self) -> list[Line]:
        """Return the plan for a person."""
        return plan_lines(self.plans, self.outcome, self.foreseen.words())


def plan(services: Services, promises: Promises, request: Request, playbook: str = PLAYBOOK) -> Planned:
    """Find out what every selected node needs, by a run that changes nothing."""
    options = replace(request.options, check=True)
    checking = replace(request, options=options, command=f"{request.command} --check", pace=NO_DEADLINE)
    informed, _ = _informed(services, promises, checking)
    prepared = prepare(services, load_playbook(services.playbooks / playbook), informed)
    outcome = carry_out(services, prepared)
    return Planned(prepared, outcome, plans(outcome), foresee(services, promises, prepared, outcome))


def apply(
    services: Services, promises: Promises, request: Request, planned: Planned, playbook: str = PLAYBOOK
) -> Report:
    """Carry the plan out, on hosts that could not be planned last."""
    informed, cohorts = _informed(services, promises, replace(request, last=troubled(planned.outcome)))
    prepared = prepare(services, load_playbook(services.playbooks / playbook), informed)
    due = [host.host for host in planned.outcome.hosts if changes_of(host)]
    return _carried_out(services, prepared, cohorts, due)


def _carried_out(services: Services, prepared: Prepared, cohorts: Cohorts, due: Iterable[str]) -> Report:
    begun(services, prepared.plan.run, due)
    outcome = carry_out_gated(services, prepared, cohorts.judged)
    ended(services, outcome)
    comparison = compared(prepared, outcome)
    body = [
        *_accepted(outcome),
        *trouble(outcome.hosts, comparison),
        *closing(outcome, exit_code(outcome)),
    ]
    report = run_report(prepared, outcome, body=body, data=_data)
    return with_clusters(report, clusters(outcome.hosts, comparison))


def resume(services: Services, promises: Promises, request: Request, playbook: str = PLAYBOOK) -> Report:
    """Carry on what was said yes to before: without another plan, on the hosts that have not ended well."""
    informed, cohorts = _informed(services, promises, request)
    prepared = prepare(services, load_playbook(services.playbooks / playbook), informed)
    return _carried_out(services, prepared, cohorts, ())


def plan_report(planned: Planned) -> Report:
    """Tell a plan that is not carried out, for `--check`."""
    code = exit_code(planned.outcome)
    body = [*planned.lines(), *closing(planned.outcome, code)]
    report = run_report(planned.prepared, planned.outcome, body=body, data=_data)
    return replace(report, data={**report.data, "forecast": planned.foreseen.data()})


def _informed(services: Services, promises: Promises, request: Request) -> tuple[Request, Cohorts]:
    """Add what is promised of each node, and what its like were accepted with. Raises `InputError` where nothing is."""
    nodes = [
        host
        for host in select(services.fleet, request.select or "all", limit=request.limit)
        if host.role == "gpu"
    ]
    promises.refuse_unpromised(nodes)
    refuse_closed(services, [host.name for host in nodes])
    # A run that is resumed must be what it was: those that were accepted since it began are none of its cohort.
    since = began_at(services.resuming) if services.resuming else services.clock.now()
    known = services.certificates.newest({host.hardware for host in nodes}, since)
    cohorts = Cohorts(nodes, known)
    promised, like = promises.variables(services.fleet), cohorts.variables()
    host_vars = {name: {**said, **like.get(name, {})} for name, said in promised.items()}
    return replace(request, host_vars=host_vars), cohorts


def _data(host: HostOutcome) -> Mapping[str, Any]:
    accepted = any(task.name.startswith("accept /") and task.status is TaskStatus.OK for task in host.tasks)
    certificate = (host.result_of("certificate") or {}).get("certificate") or None
    return {
        "changes": list(changes_of(host)),
        "accepted": accepted and host.status is not HostStatus.FAILED,
        "certificate": certificate,
    }


def _accepted(outcome: RunOutcome) -> list[Line]:
    """Return a line per distinct set of changes that was made."""
    return [
        Line(
            f"  {len(found.hosts):>4}  {folded(found.hosts)}   {len(found.changes)} changes, accepted",
            Tone.GOOD,
        )
        for found in plans(outcome)
        if found.changes
    ]
