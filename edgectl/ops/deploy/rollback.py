"""`deploy rollback`: every host of a service back to the release that was in force there before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgectl.engine.outcome import HostOutcome, RunOutcome, exit_code
from edgectl.engine.policy import Measure
from edgectl.inventory.fold import abridged
from edgectl.inventory.model import Host
from edgectl.ops.deploy.capacity import capacity_of
from edgectl.ops.deploy.care import rollout_of
from edgectl.ops.deploy.holding import held
from edgectl.ops.deploy.recording import remember, result_at
from edgectl.ops.deploy.spec import ServiceSpec
from edgectl.ops.deploy.spec_care import Swap
from edgectl.ops.rollout import NO_DEADLINE, Pace, Prepared, Request, carry_out, prepare, run_report, troubled
from edgectl.ops.services import Services
from edgectl.ops.told import closing, trouble
from edgectl.playbook.compile import Options
from edgectl.playbook.loader import load_playbook
from edgectl.report import Line, Report, Tone

PLAYBOOK = "rollback.yaml"
COMMAND = "deploy rollback"


@dataclass(frozen=True, slots=True)
class Return:
    """Hosts that go back. `leave` is the release that is to be left; '' for whichever is in force."""

    spec: ServiceSpec
    hosts: Sequence[Host]
    leave: str = ""
    pace: Pace = NO_DEADLINE
    measure: Measure | None = None  # what a floor is counted in; None for GPUs

    def request(self, options: Options) -> Request:
        """Return the run that brings them back."""
        values = {
            "service": self.spec.name,
            "leave": self.leave,
            "how": self.spec.strategy.swap.value,
            "drain_s": self.spec.strategy.drain,
        }
        replaces = self.spec.strategy.swap is not Swap.SIDE_BY_SIDE
        return Request(
            command=f"{COMMAND} --check" if options.check else COMMAND,
            select=",".join(host.name for host in self.hosts),
            options=options,
            host_vars={host.name: values for host in self.hosts},
            arguments={"service": self.spec.name},
            policy=rollout_of(self.spec, replaces=replaces, measure=self.measure),
            pace=self.pace,
        )


def plan(services: Services, back: Return) -> tuple[Return, Prepared, RunOutcome]:
    """Find out by check runs which release is to be left, and which host would go back to which one."""
    quiet = replace(services, observers=(), resuming="")
    _, seen = _run(quiet, back.request(Options(check=True)))
    decided = weighed(services, replace(back, leave=leaving(seen)))
    prepared, outcome = _run(quiet, decided.request(Options(check=True)))
    return decided, prepared, outcome


def weighed(services: Services, back: Return) -> Return:
    """Return it with what its floor is counted in, by what is on record of the release that is left."""
    known = {one.release: one.lock for one in services.deployed.releases(back.spec.name)}
    if back.spec.strategy.floor is None or not known.get(back.leave):
        return back
    names = [host.name for host in back.hosts]
    return replace(back, measure=capacity_of(services, known[back.leave], names).measure)


def leaving(outcome: RunOutcome) -> str:
    """Return which release a rollback leaves: one that it left elsewhere already, else the one that came last. Pure.

    A host that a halted deployment never reached stays as it is: it is not the one that has to go back.
    """
    seen = [result_at(host) for host in outcome.hosts if result_at(host).get("release")]
    begun = {one["left"] for one in seen} & {one["release"] for one in seen}
    if begun:
        return str(min(begun))
    last = max((one for one in seen if not one["left"]), key=lambda one: float(one["since"]), default=None)
    return "" if last is None else str(last["release"])


def roll_back(services: Services, back: Return, planned: RunOutcome | None = None) -> Report:
    """Carry it out, on hosts that could not be planned last, and remember it."""
    last = frozenset[str]() if planned is None else troubled(planned)
    with held(services, back.spec.name) as ours:
        prepared, outcome = carry_back(services, back, last)
        remember(services, back.spec.name, back.leave, outcome, ours)
    return rollback_report(prepared, outcome)


def carry_back(
    services: Services, back: Return, last: frozenset[str] = frozenset()
) -> tuple[Prepared, RunOutcome]:
    """Carry it out, on hosts of `last` after all others."""
    return _run(services, replace(back.request(Options()), last=last))


def _run(services: Services, request: Request) -> tuple[Prepared, RunOutcome]:
    prepared = prepare(services, load_playbook(services.playbooks / PLAYBOOK), request)
    return prepared, carry_out(services, prepared)


def plan_lines(back: Return, outcome: RunOutcome) -> list[Line]:
    """Return the plan for a person."""
    groups: dict[str, list[str]] = defaultdict(list)
    for host in outcome.finished():
        groups[str(result_at(host).get("msg", ""))].append(host.host)
    lines = [Line(f"{back.spec.name}  back to the release before")]
    lines += [Line(f"  {len(names):>4}  {abridged(names)}   {said}") for said, names in groups.items()]
    return [*lines, *trouble(outcome.hosts)]


def rollback_report(prepared: Prepared, outcome: RunOutcome) -> Report:
    """Tell which hosts went back to what, and what their streams had of it."""
    groups: dict[str, list[str]] = defaultdict(list)
    for host in outcome.finished():
        result = result_at(host)
        is_out = result.get("drained_out")
        groups[str(result["msg"]) if is_out else f"{result.get('release', '')} serves"].append(host.host)
    lines = [
        Line(f"  {len(names):>4}  {abridged(names)}   {said}", Tone.GOOD) for said, names in groups.items()
    ]
    body = [*lines, *trouble(outcome.hosts), *closing(outcome, exit_code(outcome))]
    return run_report(prepared, outcome, data=_data, body=body)


def _data(host: HostOutcome) -> Mapping[str, Any]:
    shown = ("release", "left", "completion", "smoke_seconds", "drained", "quarantined", "adapters")
    return {name: value for name, value in result_at(host).items() if name in shown}
