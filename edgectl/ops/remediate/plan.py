"""A plan of remedies for a person to say yes to: folded by what is done and why. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgectl.catalog.remedies import Remedies, Rung
from edgectl.engine.health_records import Phase
from edgectl.inventory.fold import abridged
from edgectl.ops.remediate.ladder import Fault, Step
from edgectl.report import Line, Tone

# Up to here edgectl acts by itself; a power cycle needs a hook, a replacement a person.
_OVER_SSH = (Rung.RESTART_SERVICE, Rung.RESET_GPU, Rung.REBOOT)


@dataclass(frozen=True, slots=True)
class RemedyPlan:
    """What to do about each host, by name; hosts without findings are not in it."""

    steps: Mapping[str, Step]
    unjudged: Sequence[str] = ()  # they did not answer
    has_hook: bool = False  # somebody said how to cut a node's power
    boots: Mapping[str, str] = field(default_factory=dict)  # each host's boot id

    @property
    def over_ssh(self) -> list[str]:
        """Return the hosts on which edgectl acts over SSH."""
        return [host for host, step in self.steps.items() if step.rung in _OVER_SSH]

    @property
    def by_power(self) -> list[str]:
        """Return the hosts whose power is cut."""
        cut = [host for host, step in self.steps.items() if step.rung is Rung.POWER_CYCLE]
        return cut if self.has_hook else []

    @property
    def acts(self) -> bool:
        """Tell whether there is anything that edgectl does by itself."""
        return bool(self.over_ssh or self.by_power)


def faults_of(data: Mapping[str, Any]) -> list[Fault]:
    """Return the findings of one host of a health report that count: in force, and not snoozed."""
    idle = {
        (state["finding"], state["gpu"])
        for state in data.get("states", ())
        if state["phase"] == Phase.SEEN or state["snoozed_until"] is not None
    }
    return [
        Fault(found["id"], found["severity"], found["gpu"], found["value"], found["action"])
        for found in data.get("findings", ())
        if (found["id"], found["gpu"]) not in idle
    ]


def plan_lines(plan: RemedyPlan, remedies: Remedies) -> list[Line]:
    """Return the plan: what is done by itself, lowest rung first, then what is for a person."""
    count = len(plan.over_ssh) + len(plan.by_power)
    left = len(plan.steps) - count
    head = f"Plan   {count} of {len(plan.steps)} hosts with findings are acted on · {left} for a person"
    lines = [Line(head), *_groups(plan, remedies)] if plan.steps else [Line("Plan   nothing to do")]
    if plan.unjudged:
        lines.append(Line(f"  not answering {len(plan.unjudged)}   {abridged(plan.unjudged)}", Tone.NOTICE))
    return lines


def _groups(plan: RemedyPlan, remedies: Remedies) -> Iterator[Line]:
    groups: dict[tuple[int, str], list[str]] = defaultdict(list)
    for host, step in plan.steps.items():
        groups[step.rung or 0, _because(step)].append(host)
    for (number, because), hosts in sorted(
        groups.items(), key=lambda group: (group[0][0] or 99, group[0][1])
    ):
        rung = Rung(number) if number else None
        word = rung.word if rung else "by hand"
        tone = (
            Tone.NOTICE if rung in _OVER_SSH or (plan.has_hook and rung is Rung.POWER_CYCLE) else Tone.QUIET
        )
        yield Line(f"  {word:<16} {len(hosts):>4}   {abridged(hosts)}   {because}", tone)
        yield Line(f"{'':<26}{_next(rung, plan, hosts, remedies)}", Tone.QUIET)


def _because(step: Step) -> str:
    ids = ", ".join(dict.fromkeys(fault.id for fault in step.causes))
    return f"{ids}, {step.after.word} did not help" if step.after is not None else ids


def _next(rung: Rung | None, plan: RemedyPlan, hosts: Sequence[str], remedies: Remedies) -> str:
    if rung is None:
        actions = dict.fromkeys(fault.action for host in hosts for fault in plan.steps[host].causes)
        return next(iter(actions))
    if rung is Rung.REPLACE:
        return f"{remedies.sentences[rung]}: edgectl health bundle {hosts[0]}"
    if rung is Rung.POWER_CYCLE and not plan.has_hook:
        return "name what cuts its power: --power-hook COMMAND"
    return remedies.sentences[rung]
