"""What a remedy came to, host by host: well again, still ill and what is next, or not known. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from edgectl.catalog.remedies import Remedies, Rung
from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome, exit_code
from edgectl.errors import ExitCode
from edgectl.inventory.fold import abridged
from edgectl.ops.remediate.apply import COMMAND, Acted, Remedied, still_there
from edgectl.ops.remediate.ladder import Step
from edgectl.ops.remediate.plan import RemedyPlan, plan_lines
from edgectl.ops.rollout import run_report
from edgectl.ops.told import closing, trouble
from edgectl.report import HostEntry, Line, Report, Tone


def dry_report(plan: RemedyPlan, remedies: Remedies, at: datetime) -> Report:
    """Return the report of a plan that is not carried out."""
    lines = plan_lines(plan, remedies)
    if plan.acts:
        lines.append(Line("dry run: nothing was changed; to carry it out add --yes", Tone.QUIET))
    hosts = tuple(
        HostEntry(host, "", "skipped", data={"remedy": _as_data(step)}) for host, step in plan.steps.items()
    )
    return Report(COMMAND, at, 0.0, ExitCode.DONE, hosts=hosts, body=lines)


def remedied_report(done: Remedied, remedies: Remedies) -> Report:
    """Return the report of what was done; a host that still has its findings has failed."""
    first = done.runs[0]
    hosts = [_judged(host, done) for run in done.runs for host in run.outcome.hosts]
    whole = RunOutcome(
        first.outcome.run,
        hosts,
        round(sum(run.outcome.seconds for run in done.runs), 3),
        stopped=next((run.outcome.stopped for run in done.runs if run.outcome.stopped), ""),
        interrupted=any(run.outcome.interrupted for run in done.runs),
    )
    code = max(exit_code(whole), _code_of(done.returned), key=_weight)
    body = [*_well(whole, done.plan), *_cut(done.cut), *trouble(hosts), *_left(done, remedies)]
    body += [*_not_returned(done.returned), *closing(whole, code)]
    return run_report(first.prepared, whole, data=lambda host: _data(host, done), body=body, code=code)


def _judged(host: HostOutcome, done: Remedied) -> HostOutcome:
    entry = done.after.get(host.host)
    if entry is None:
        return host
    if "findings" not in entry.data:
        said = f"it was not heard of after its {_word(done.plan.steps[host.host])}: {entry.reason}"
        return replace(host, status=HostStatus.UNKNOWN, reason=said)
    left = still_there(done.plan, entry)
    if left:
        after = _word(done.plan.steps[host.host])
        return replace(
            host,
            status=HostStatus.FAILED,
            reason=f"still there after {after}: {', '.join(left)}; it stays out of service",
            hint=f"edgectl health remediate {host.host}",
        )
    return host


def _well(outcome: RunOutcome, plan: RemedyPlan) -> Iterator[Line]:
    groups: dict[str, list[str]] = {}
    for host in outcome.finished():
        groups.setdefault(_word(plan.steps[host.host]), []).append(host.host)
    for word, hosts in groups.items():
        yield Line(f"  well again {len(hosts):>4}   {abridged(hosts)}   after {word}", Tone.GOOD)


def _cut(cut: Sequence[HostOutcome]) -> Iterator[Line]:
    for host in cut:
        if host.status not in (HostStatus.OK, HostStatus.CHANGED):
            yield Line(f"  power hook  {host.host}   {host.reason}", Tone.BAD)


def _left(done: Remedied, remedies: Remedies) -> list[Line]:
    """Tell again what is for a person, after the rest was done."""
    acted = {*done.plan.over_ssh, *done.plan.by_power}
    left = {host: step for host, step in done.plan.steps.items() if host not in acted}
    return plan_lines(replace(done.plan, steps=left), remedies)[1:] if left else []


def _not_returned(returned: Acted | None) -> list[Line]:
    return [] if returned is None else trouble(returned.outcome.hosts)


def _code_of(returned: Acted | None) -> ExitCode:
    return ExitCode.DONE if returned is None else exit_code(returned.outcome)


_ORDER = (ExitCode.DONE, ExitCode.UNREACHABLE, ExitCode.BUSY, ExitCode.FAILED, ExitCode.STOPPED)


def _weight(code: ExitCode) -> int:
    return _ORDER.index(code) if code in _ORDER else len(_ORDER)


def _data(host: HostOutcome, done: Remedied) -> Mapping[str, Any]:
    entry = done.after.get(host.host)
    after = list(entry.data.get("findings", ())) if entry is not None else None
    return {"remedy": _as_data(done.plan.steps[host.host]), "findings_after": after}


def _as_data(step: Step) -> dict[str, Any]:
    return {
        "rung": step.rung.word if step.rung else "by-hand",
        "after": step.after.word if step.after else None,
        "gpus": list(step.gpus),
        "findings": [fault.id for fault in step.causes],
    }


def _word(step: Step) -> str:
    rung = step.rung or Rung.REPLACE
    return {"reset-gpu": "a GPU reset", "restart-service": "a restart of its services"}.get(
        rung.word, f"a {rung.word}"
    )
