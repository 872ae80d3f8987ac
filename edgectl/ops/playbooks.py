"""`run` and `exec`: a playbook of the operator's own, or one command, on many hosts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgectl.engine.outcome import RunOutcome, TaskStatus, exit_code
from edgectl.ops.arrivals import Arrivals, code_with, with_arrivals
from edgectl.ops.diffs import diff_lines
from edgectl.ops.gates import carry_out_gated, command_playbook
from edgectl.ops.outputs import by_output, exec_data, output_clusters, output_lines
from edgectl.ops.promises import Promises
from edgectl.ops.rollout import (
    NO_DEADLINE,
    Pace,
    Request,
    compared,
    prepare,
    rollout,
    run_report,
    with_clusters,
)
from edgectl.ops.services import Services
from edgectl.ops.told import closing, clusters, trouble
from edgectl.playbook.compile import Options
from edgectl.playbook.loader import load_playbook
from edgectl.report import Line, Report, Table


@dataclass(frozen=True, slots=True)
class Selection:
    """Which hosts an operator means."""

    select: str | None = None
    limit: str | None = None


def run_playbook(
    services: Services,
    path: Path,
    selection: Selection,
    options: Options,
    promises: Promises,
    pace: Pace = NO_DEADLINE,
) -> Report:
    """Run a playbook file; its tasks see what is promised of their hosts."""
    playbook = load_playbook(path)
    request = Request(
        "run",
        selection.select,
        selection.limit,
        options,
        host_vars=promises.variables(services.fleet),
        arguments={"playbook": str(path)},
        pace=pace,
    )
    prepared = prepare(services, playbook, request)
    arrivals = Arrivals(prepared)
    outcome = carry_out_gated(with_arrivals(services, arrivals), prepared)
    code = code_with(arrivals, outcome)
    comparison = compared(prepared, outcome)
    body = [
        *_task_table(outcome),
        *arrivals.told(outcome),
        *(diff_lines(outcome.hosts) if options.diff else []),
        *trouble(outcome.hosts, comparison),
        *closing(outcome, code),
    ]
    report = run_report(prepared, outcome, body=body, code=code)
    return with_clusters(report, clusters(outcome.hosts, comparison))


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
    comparison = compared(prepared, outcome)
    told = by_output(answered)
    found = [*output_clusters(told, comparison), *clusters(others, comparison)]
    body = [*output_lines(told, comparison), *trouble(others, comparison), *closing(outcome, code)]
    return with_clusters(run_report(prepared, outcome, data=exec_data, body=body), found)


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
