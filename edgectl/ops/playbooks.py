"""`run` and `exec`: a playbook of the operator's own, or one command, on many hosts."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome, TaskRecord, TaskStatus, exit_code
from edgectl.inventory.fold import folded
from edgectl.ops.gates import carry_out_gated, command_playbook
from edgectl.ops.rollout import NO_DEADLINE, Pace, Request, prepare, rollout, run_report
from edgectl.ops.services import Services
from edgectl.ops.told import closing, trouble
from edgectl.playbook.compile import Options
from edgectl.playbook.loader import load_playbook
from edgectl.report import Line, Report, Table, Tone


@dataclass(frozen=True, slots=True)
class Selection:
    """Which hosts an operator means."""

    select: str | None = None
    limit: str | None = None


def run_playbook(
    services: Services, path: Path, selection: Selection, options: Options, pace: Pace = NO_DEADLINE
) -> Report:
    """Run a playbook file."""
    playbook = load_playbook(path)
    request = Request(
        "run", selection.select, selection.limit, options, arguments={"playbook": str(path)}, pace=pace
    )
    prepared = prepare(services, playbook, request)
    outcome = carry_out_gated(services, prepared)
    code = exit_code(outcome)
    body = [
        *_task_table(outcome),
        *_diffs(outcome, options),
        *trouble(outcome.hosts),
        *closing(outcome, code),
    ]
    return run_report(prepared, outcome, body=body)


def execute(
    services: Services, words: Sequence[str], selection: Selection, options: Options, pace: Pace = NO_DEADLINE
) -> Report:
    """Run one command through the shell of every selected host; anything but exit 0 is a failure."""
    command = " ".join(words)
    request = Request(
        "exec", selection.select, selection.limit, options, arguments={"command": command}, pace=pace
    )
    prepared, outcome = rollout(services, command_playbook(command), request)
    code = exit_code(outcome)
    answered = [host for host in outcome.hosts if host.result_of("shell") is not None]
    others = [host for host in outcome.hosts if host.result_of("shell") is None]
    body = [*_folded_output(answered), *trouble(others), *closing(outcome, code)]
    return run_report(prepared, outcome, data=_exec_data, body=body)


def _exec_data(host: HostOutcome) -> Mapping[str, Any]:
    result = host.result_of("shell") or {}
    return {name: result[name] for name in ("rc", "stdout", "stderr") if name in result}


def _folded_output(hosts: Sequence[HostOutcome]) -> list[Line]:
    """Return each distinct output once, with the hosts that gave it; the commonest first."""
    groups: dict[tuple[HostStatus, Any, str], list[str]] = defaultdict(list)
    for host in hosts:
        said = _exec_data(host)
        text = "\n".join(part for part in (said.get("stdout", ""), said.get("stderr", "")) if part)
        groups[
            host.status, said.get("rc"), text or str((host.result_of("shell") or {}).get("msg", ""))
        ].append(host.host)
    lines: list[Line] = []
    for (status, rc, text), names in sorted(groups.items(), key=lambda group: -len(group[1])):
        is_bad = status is HostStatus.FAILED
        count = f"  ({len(names)})" if len(names) > 1 else ""
        ending = f"   rc {rc}" if rc else ""
        lines.append(Line(f"{folded(names)}{count}{ending}", Tone.BAD if is_bad else Tone.PLAIN))
        lines += [Line(f"  {line}") for line in text.splitlines()]
    return lines


def _task_table(outcome: RunOutcome) -> list[Line | Table]:
    """Return a row per task: on how many hosts it ended how."""
    counts: dict[str, dict[TaskStatus, int]] = {}
    for host in outcome.hosts:
        for task in host.tasks:
            row = counts.setdefault(task.name, dict.fromkeys(TaskStatus, 0))
            row[task.status] += 1
    if not counts:
        return []
    shown = [status for status in TaskStatus if any(row[status] for row in counts.values())]
    rows = [[name, *(str(row[status] or "") for status in shown)] for name, row in counts.items()]
    return [Table(["task", *(f">{status.value}" for status in shown)], rows)]


def _diffs(outcome: RunOutcome, options: Options) -> list[Line]:
    """Return each distinct change of a file once, where `--diff` asked for it."""
    if not options.diff:
        return []
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for host in outcome.hosts:
        for task in host.tasks:
            for diff in _diffs_of(task):
                groups[task.name, diff].append(host.host)
    lines: list[Line] = []
    for (name, diff), names in groups.items():
        lines.append(Line(f"{name}   {folded(names)}"))
        lines += [Line(f"  {line}", _diff_tone(line)) for line in diff.splitlines()]
    return lines


def _diffs_of(task: TaskRecord) -> list[str]:
    found = []
    for result in task.result.get("results", [task.result]):
        diff = result.get("diff") or {}
        if "prepared" in diff:
            found.append(str(diff["prepared"]))
        elif "before" in diff and "after" in diff:
            before, after = str(diff["before"]).splitlines(), str(diff["after"]).splitlines()
            names = (diff.get("before_header", "before"), diff.get("after_header", "after"))
            found.append("\n".join(difflib.unified_diff(before, after, *names, lineterm="")))
    return found


def _diff_tone(line: str) -> Tone:
    if line.startswith("+"):
        return Tone.GOOD
    return Tone.BAD if line.startswith("-") else Tone.QUIET
