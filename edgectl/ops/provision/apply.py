"""Plan with a check run, then carry out: two short calls, so that the operator can be asked in between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome, TaskStatus, exit_code
from edgectl.inventory.fold import folded
from edgectl.inventory.pattern import select
from edgectl.ops.gates import carry_out_gated
from edgectl.ops.promises import Promises
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
        return plan_lines(self.plans, self.outcome)


def plan(services: Services, promises: Promises, request: Request) -> Planned:
    """Find out what every selected node needs, by a run that changes nothing."""
    options = replace(request.options, check=True)
    checking = replace(request, options=options, command="provision --check", pace=NO_DEADLINE)
    prepared = prepare(
        services, load_playbook(services.playbooks / PLAYBOOK), _informed(services, promises, checking)
    )
    outcome = carry_out(services, prepared)
    return Planned(prepared, outcome, plans(outcome))


def apply(services: Services, promises: Promises, request: Request, planned: Planned) -> Report:
    """Carry the plan out, on hosts that could not be planned last."""
    playbook = load_playbook(services.playbooks / PLAYBOOK)
    wanted = replace(request, last=troubled(planned.outcome))
    prepared = prepare(services, playbook, _informed(services, promises, wanted))
    return _carried_out(services, prepared, [host.host for host in planned.outcome.hosts if changes_of(host)])


def _carried_out(services: Services, prepared: Prepared, due: Iterable[str]) -> Report:
    begun(services, prepared.plan.run, due)
    outcome = carry_out_gated(services, prepared)
    ended(services, outcome)
    comparison = compared(prepared, outcome)
    body = [
        *_accepted(outcome),
        *trouble(outcome.hosts, comparison),
        *closing(outcome, exit_code(outcome)),
    ]
    report = run_report(prepared, outcome, body=body, data=_data)
    return with_clusters(report, clusters(outcome.hosts, comparison))


def resume(services: Services, promises: Promises, request: Request) -> Report:
    """Carry on what was said yes to before: without another plan, on the hosts that have not ended well."""
    playbook = load_playbook(services.playbooks / PLAYBOOK)
    return _carried_out(services, prepare(services, playbook, _informed(services, promises, request)), ())


def plan_report(planned: Planned) -> Report:
    """Tell a plan that is not carried out, for `--check`."""
    code = exit_code(planned.outcome)
    body = [*planned.lines(), *closing(planned.outcome, code)]
    return run_report(planned.prepared, planned.outcome, body=body, data=_data)


def _informed(services: Services, promises: Promises, request: Request) -> Request:
    """Add what is promised of each node. Raises `InputError` where nothing is."""
    nodes = [
        host
        for host in select(services.fleet, request.select or "all", limit=request.limit)
        if host.role == "gpu"
    ]
    promises.refuse_unpromised(nodes)
    refuse_closed(services, [host.name for host in nodes])
    return replace(request, host_vars=promises.variables(services.fleet))


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
