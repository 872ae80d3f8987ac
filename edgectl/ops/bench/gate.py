"""`bench gate` on nodes: each is measured where it is, and judged by its own baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from edgectl.engine.bench_records import BenchRecord
from edgectl.engine.outcome import HostOutcome, HostStatus, exit_code
from edgectl.errors import ExitCode
from edgectl.ops.bench.across import bench_data
from edgectl.ops.bench.baseline import Subject, baseline_of
from edgectl.ops.bench.identity import shape_of, sku_of
from edgectl.ops.bench.judged_lines import (
    judgement_checks,
    judgement_data,
    judgement_lines,
    judgement_metrics,
    judgement_section,
    verdict_line,
)
from edgectl.ops.bench.judging import AUTO, BASELINE_AGE, Manner, side_on_record
from edgectl.ops.bench.measured import Measured
from edgectl.ops.bench.run import OnNodes
from edgectl.ops.bench.sides import side_of_measured
from edgectl.ops.bench.turns import Asked, Seen, measure, repeats
from edgectl.ops.bench.verdict import EXIT_CODES, Judgement, Side, Verdict, judge, overall
from edgectl.ops.rollout import run_report
from edgectl.ops.services import Services
from edgectl.report import Line, Report, Table, Tone

COMMAND = "bench gate"
_OPEN = frozenset({HostStatus.UNREACHABLE, HostStatus.UNKNOWN, HostStatus.BUSY, HostStatus.NOT_RUN})
_TONES = {Verdict.PASS: Tone.GOOD, Verdict.FAIL: Tone.BAD, Verdict.INCONCLUSIVE: Tone.NOTICE}


@dataclass(frozen=True, slots=True)
class _Case:
    """One host: what it was, what it is now, and what follows."""

    before: Side
    after: Side
    judgement: Judgement
    made: Sequence[Measured] = ()


def gate_nodes(services: Services, nodes: OnNodes, baseline: str, manner: Manner) -> Report:
    """Measure every selected host at once and judge each; those that cannot be told are measured again."""
    url = nodes.url(services)
    turns = repeats(url, manner.workload.seed, manner.repeats)
    first = measure(
        services, Asked(COMMAND, manner.workload, turns, nodes.select, nodes.limit, manner.api_key)
    )
    services.bench.keep(first.records())
    made = {host: list(found) for host, found in first.measured.items()}
    judge_all = _Judge(services, first, baseline, manner)
    cases = judge_all.cases(made)
    while undecided := [
        host for host, case in cases.items() if manner.wants_more(case.judgement, len(made[host]))
    ]:
        seed = manner.workload.seed + max(map(len, made.values()))
        more_turns = repeats(url, seed, manner.repeats)
        asked = Asked(COMMAND, manner.workload, more_turns, ",".join(undecided), None, manner.api_key)
        seen = measure(services, asked)
        services.bench.keep(seen.records())
        if not any(seen.measured.values()):
            break
        for host, found in seen.measured.items():
            made[host] += found
        cases = judge_all.cases(made)
    return _report(first, cases)


class _Judge:
    """Knows what each host is held against."""

    def __init__(self, services: Services, seen: Seen, baseline: str, manner: Manner) -> None:
        self._services = services
        self._baseline = baseline
        self._manner = manner
        self._hosts = {host.name: host for host in seen.prepared.plan.hosts()}
        self._outcomes = {host.host: host for host in seen.outcome.hosts}
        self._records: Sequence[BenchRecord] = ()
        if baseline == AUTO:
            since = services.clock.now() - BASELINE_AGE
            self._records = services.bench.of_subjects(list(services.fleet.hosts), since)

    def cases(self, made: Mapping[str, Sequence[Measured]]) -> dict[str, _Case]:
        """Return each host's case."""
        return {host: self._case(self._outcomes[host], found) for host, found in made.items()}

    def _case(self, host: HostOutcome, made: Sequence[Measured]) -> _Case:
        after = side_of_measured(host.host, made)
        if host.status in _OPEN or not made:
            verdict = Verdict.INCONCLUSIVE if host.status in _OPEN else Verdict.FAIL
            reason = f"{host.status}: {host.reason}"
            return _Case(Side("", {}, 0), after, Judgement(verdict, [], [reason]))
        before = self._before(host.host, made[0])
        judgement = judge(before, after, self._manner.allowed, is_in_turns=False)
        return _Case(before, after, judgement, made)

    def _before(self, host: str, one: Measured) -> Side:
        if self._baseline != AUTO:
            return side_on_record(self._services, self._baseline, host)
        subject = Subject(host, shape_of(one), one.model, sku_of(self._hosts[host], one))
        return baseline_of(subject, self._records)


def _report(seen: Seen, cases: Mapping[str, _Case]) -> Report:
    verdict = overall(case.judgement.verdict for case in cases.values())
    code = EXIT_CODES[verdict]
    if exit_code(seen.outcome) == ExitCode.INTERRUPTED:
        code = ExitCode.INTERRUPTED
    report = run_report(
        seen.prepared,
        seen.outcome,
        data=lambda host: _data(cases[host.host]),
        body=_body(cases),
        metrics=[
            metric for host, case in cases.items() for metric in judgement_metrics(host, case.judgement)
        ],
        code=code,
    )
    checks = [check for host, case in cases.items() for check in judgement_checks(host, case.judgement)]
    sections = [judgement_section(case.judgement) for case in cases.values()] if len(cases) == 1 else []
    return replace(report, checks=checks, sections=sections, data={**report.data, "verdict": verdict.value})


def _data(case: _Case) -> dict[str, object]:
    gate = judgement_data(case.before, case.after, case.judgement)
    return {"gate": gate, **bench_data(case.made)}


def _body(cases: Mapping[str, _Case]) -> list[Line | Table]:
    if len(cases) == 1:
        case = next(iter(cases.values()))
        return judgement_lines(case.before, case.after, case.judgement)
    lines: list[Line | Table] = []
    for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        found = {host: case for host, case in cases.items() if case.judgement.verdict is verdict}
        lines += [
            Line(f"  {host}  {verdict_line(case.judgement).text}", _TONES[verdict])
            for host, case in found.items()
        ]
    counts = [
        f"{count} {verdict}"
        for verdict in Verdict
        if (count := sum(case.judgement.verdict is verdict for case in cases.values()))
    ]
    return [*lines, Line(" · ".join(counts))]
