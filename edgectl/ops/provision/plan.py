"""What a check run found, as a plan a person can say yes to; equal plans are one line. Pure."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome, TaskRecord, TaskStatus
from edgectl.inventory.fold import folded
from edgectl.ops.told import trouble
from edgectl.report import Line, Tone

_NAMES_WIDTH = 36


@dataclass(frozen=True, slots=True)
class HostPlan:
    """Hosts that need the same, and what that is; nothing where `changes` is empty."""

    hosts: tuple[str, ...]
    changes: tuple[str, ...]

    @property
    def reboots(self) -> int:
        """Return how often each of these hosts will reboot."""
        return sum(" / reboot" in change for change in self.changes)


def plans(outcome: RunOutcome) -> list[HostPlan]:
    """Return the distinct plans of a check run, those that change nothing first."""
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for host in outcome.finished():
        groups[changes_of(host)].append(host.host)
    ordered = sorted(groups.items(), key=lambda group: (bool(group[0]), -len(group[1])))
    return [HostPlan(tuple(hosts), changes) for changes, hosts in ordered]


def changes_of(host: HostOutcome) -> tuple[str, ...]:
    """Return a host's changes in words, one per task that would change something."""
    return tuple(_said(task) for task in host.tasks if task.status is TaskStatus.CHANGED)


def _said(task: TaskRecord) -> str:
    """Name a change by its task, with the items of a loop that differ."""
    items = [item.get("item") for item in task.result.get("results", ()) if item.get("changed")]
    shown = ", ".join(_item(item) for item in items)
    return f"{task.name} ({shown})" if shown else task.name


def _item(item: object) -> str:
    if isinstance(item, dict):
        return str(item.get("key", json.dumps(item)))
    return str(item)


def plan_lines(found: Sequence[HostPlan], outcome: RunOutcome, foreseen: str = "") -> list[Line]:
    """Return the plan for a person: a headline, a line per distinct plan, and who could not be planned."""
    reached = len(outcome.finished())
    pops = len({host.pop for host in outcome.finished()})
    reboots = sum(len(plan.hosts) * plan.reboots for plan in found)
    distinct = counted(len(found), "distinct plan")
    head = f"Plan   {counted(reached, 'host')}, {counted(pops, 'PoP')}, {distinct} · {counted(reboots, 'reboot')}"
    lines = [Line(f"{head} · {foreseen}" if reboots and foreseen else head)]
    for plan in found:
        names = folded(plan.hosts)
        what = "nothing to do" if not plan.changes else counted(len(plan.changes), "change")
        tone = Tone.NOTICE if plan.changes else Tone.QUIET
        lines.append(Line(f"  {len(plan.hosts):>4}  {names:<{_NAMES_WIDTH}} {what}", tone))
        lines += [Line(f"        {change}", Tone.QUIET) for change in plan.changes]
    return [*lines, *trouble(host for host in outcome.hosts if host.status is not HostStatus.SKIPPED)]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
