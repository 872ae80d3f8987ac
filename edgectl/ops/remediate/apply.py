"""Plan by the health of today and what was tried before; act; prove; give back what is well again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from edgectl.catalog.hardware import Catalog
from edgectl.catalog.remedies import Remedies, Rung, rung_of
from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome
from edgectl.errors import InputError
from edgectl.inventory.pattern import select as hosts_of
from edgectl.ops.health.apply import check
from edgectl.ops.remediate.ladder import Fault, Step, Tried, next_step
from edgectl.ops.remediate.plan import RemedyPlan, faults_of
from edgectl.ops.rollout import Pace, Prepared, Request, rollout
from edgectl.ops.services import Services
from edgectl.playbook.compile import Options
from edgectl.playbook.loader import load_playbook
from edgectl.report import HostEntry, Report

COMMAND = "health remediate"
# So many runs are looked through for what was tried before.
_RUNS = 500
# A node that lost its power posts, trains its links and boots: RTX PRO servers take up to ten minutes.
_POWER_DEADLINE_S = 1200.0
# A hook runs on the controller as any other change there does: while another one does, it waits so long.
_HOOK_LOCK_S = 120.0
# The task of remediate.yaml that lists units, and services behind a front.
_NOTED = "drain / note what is to be given back"
# Where every GPU answered after it; and where it was at least begun. A host that was never its turn tried nothing.
_PROVED = frozenset({HostStatus.OK, HostStatus.CHANGED})
_CARRIED_OUT = _PROVED | {HostStatus.FAILED, HostStatus.UNKNOWN}

Here = Callable[[], AbstractContextManager[Services]]


@dataclass(frozen=True, slots=True)
class Books:
    """What remedies are chosen by."""

    remedies: Remedies
    catalog: Catalog


@dataclass(frozen=True, slots=True)
class Acted:
    """One run over hosts that were acted on."""

    prepared: Prepared
    outcome: RunOutcome


@dataclass(frozen=True, slots=True)
class Remedied:
    """What was done and what came of it: `after` has the health of each host that came back from it."""

    plan: RemedyPlan
    runs: Sequence[Acted] = ()
    after: Mapping[str, HostEntry] = field(default_factory=dict)
    returned: Acted | None = None
    cut: Sequence[HostOutcome] = ()  # how the hook did, host by host


def plan(services: Services, books: Books, select: str, limit: str | None, *, has_hook: bool) -> RemedyPlan:
    """Ask every selected host for its health, and decide what is next for each."""
    health = _health(services, select, limit)
    tried = _tried(services, books.remedies)
    steps = {}
    for host in health.hosts:
        step = next_step(faults_of(host.data), tried.get(host.host, ()), books.remedies)
        if step is not None:
            steps[host.host] = step
    unjudged = [host.host for host in health.hosts if "findings" not in host.data]
    boots = {host.host: str(host.data.get("boot_id", "")) for host in health.hosts}
    return RemedyPlan(steps, unjudged, has_hook, boots)


def plan_on_record(services: Services) -> RemedyPlan:
    """Return the plan of the run that is continued, as it was decided then. Raises `InputError` where there is none."""
    record = services.history.find(services.resuming)
    said = record.arguments.get("remedies") if record is not None else None
    if not said:
        raise InputError(f"run {services.resuming} has no remedies on record")
    steps = {host: _step_on_record(done) for host, done in said.items()}
    return RemedyPlan(steps, boots={host: done["boot"] for host, done in said.items()})


def carry_out_plan(
    services: Services, books: Books, plan: RemedyPlan, here: Here, hook: Sequence[str]
) -> Remedied:
    """Act on the hosts of a plan, the ones whose power is cut last and one at a time, and prove each."""
    at_once = list(plan.steps) if services.resuming else plan.over_ssh
    runs = [_remedy(services, books, plan, at_once)] if at_once else []
    cut = []
    for host in plan.by_power:
        hooked = _power_cycled(services, here, host, hook)
        (outcome,) = hooked.outcome.hosts
        if outcome.status is HostStatus.BUSY:
            runs.append(hooked)  # the hook never ran, so there is no cut to wait for
            continue
        cut.append(outcome)
        runs.append(_remedy(services, books, plan, [host], Pace(_POWER_DEADLINE_S, converge=True)))
    done = [host for run in runs for host in run.outcome.finished()]
    after = {entry.host: entry for entry in _health(services, _named(done), None).hosts} if done else {}
    well = [host for host in done if _is_well(plan, after[host.host])]
    returned = _returned(services, {host.host: _drained(host) for host in well if _drained(host)})
    return Remedied(plan, runs, after, returned, cut)


def still_there(plan: RemedyPlan, entry: HostEntry) -> list[str]:
    """Return which of the findings that a host was acted on for it still has, and what is critical besides."""
    causes = plan.steps[entry.host].causes
    wanted = {(fault.id, fault.gpu) for fault in causes}
    logged = {fault.logged for fault in causes}
    left = [
        fault
        for fault in faults_of(entry.data)
        # A line of the kernel log stays until a reboot; it was an answer to what was done only if it came after.
        if fault.logged is None or fault.logged not in logged
    ]
    return [fault.id for fault in left if (fault.id, fault.gpu) in wanted or fault.severity == "critical"]


def _is_well(plan: RemedyPlan, entry: HostEntry) -> bool:
    return "findings" in entry.data and not still_there(plan, entry)


def _health(services: Services, select: str, limit: str | None) -> Report:
    return check(replace(services, observers=(), resuming=""), select, limit)


def _tried(services: Services, remedies: Remedies) -> dict[str, list[Tried]]:
    """Return what earlier runs did about each host, within the memory of the ladder."""
    since = services.clock.now() - timedelta(days=remedies.memory_days)
    tried: dict[str, list[Tried]] = {}
    for run in services.history.runs(_RUNS):
        if run.command == COMMAND and run.started >= since:
            said = run.arguments.get("remedies", {})
            for record in services.history.hosts(run.run):
                host = record.outcome
                if host.host in said and host.status in _CARRIED_OUT:
                    tried.setdefault(host.host, []).append(_tried_at(host.status, said[host.host]))
    return tried


def _tried_at(status: HostStatus, done: Mapping[str, Any]) -> Tried:
    step = _step_on_record(done)
    lines = (fault.logged for fault in step.causes) if status in _PROVED else ()
    return Tried(
        step.rung or Rung.REPLACE, frozenset(done["findings"]), frozenset(line for line in lines if line)
    )


def _remedy(
    services: Services, books: Books, plan: RemedyPlan, hosts: Sequence[str], pace: Pace | None = None
) -> Acted:
    request = Request(
        COMMAND,
        _named_of(hosts),
        host_vars=_variables(services, books, plan, hosts),
        arguments={"remedies": {host: _said(plan, host) for host in hosts}},
        pace=pace or Pace(),
    )
    return Acted(*rollout(services, load_playbook(services.playbooks / "remediate.yaml"), request))


def _variables(
    services: Services, books: Books, plan: RemedyPlan, hosts: Sequence[str]
) -> dict[str, Mapping[str, Any]]:
    variables: dict[str, Mapping[str, Any]] = {}
    for host in hosts_of(services.fleet, _named_of(hosts)):
        step = plan.steps[host.name]
        hardware = books.catalog.by_name.get(host.hardware)
        variables[host.name] = {
            "rung": step.rung.word if step.rung else "",
            "gpus": list(step.gpus),
            "boot_before": plan.boots.get(host.name, ""),
            "expected_gpus": hardware.gpu_count if hardware else 0,
        }
    return variables


def _said(plan: RemedyPlan, host: str) -> dict[str, Any]:
    """Return what the record keeps: enough to go on with the same jobs, and to know later what was tried."""
    step = plan.steps[host]
    return {
        "rung": step.rung.word if step.rung else "",
        "findings": sorted({fault.id for fault in step.causes}),
        "causes": [[fault.id, fault.severity, fault.gpu, fault.value] for fault in step.causes],
        "boot": plan.boots.get(host, ""),
    }


def _step_on_record(done: Mapping[str, Any]) -> Step:
    causes = [Fault(name, severity, gpu, value, "") for name, severity, gpu, value in done["causes"]]
    return Step(rung_of(done["rung"]), causes)


def _power_cycled(services: Services, here: Here, host: str, hook: Sequence[str]) -> Acted:
    """Run the operator's command on this machine, and return how that ended, under the node's name."""
    address = next(iter(hosts_of(services.fleet, host))).address
    with here() as local:
        options = Options(extra_vars={"words": [*hook, host, address]})
        playbook = load_playbook(local.playbooks / "power-cycle.yaml")
        request = Request(f"{COMMAND}: power", "all", options=options, pace=Pace(busy_s=_HOOK_LOCK_S))
        prepared, outcome = rollout(local, playbook, request)
    return Acted(prepared, replace(outcome, hosts=[replace(outcome.hosts[0], host=host)]))


def _drained(host: HostOutcome) -> list[str]:
    """Return what is to be given back: what was live, and what remedies that did not help had drained."""
    said = [str(task.result.get("stdout", "")) for task in host.tasks if task.name == _NOTED]
    return sorted({line for text in said for line in text.split()})


def _returned(services: Services, units: Mapping[str, Sequence[str]]) -> Acted | None:
    if not units:
        return None
    request = Request(
        "health return",
        _named_of(list(units)),
        host_vars={host: {"units": list(names)} for host, names in units.items()},
    )
    again = replace(services, resuming="")
    return Acted(*rollout(again, load_playbook(services.playbooks / "return.yaml"), request))


def _named(hosts: Iterable[HostOutcome]) -> str:
    return _named_of([host.host for host in hosts])


def _named_of(hosts: Sequence[str]) -> str:
    return ",".join(hosts)
