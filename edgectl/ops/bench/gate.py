"""`bench gate` on nodes: each is measured where it is, and judged by its own baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property

from edgectl.engine.bench_records import BenchRecord
from edgectl.engine.outcome import HostOutcome, HostStatus, exit_code
from edgectl.errors import ExitCode, UsageError
from edgectl.ops.bench.across import bench_data
from edgectl.ops.bench.baseline import Subject, kin_baseline, own_baseline
from edgectl.ops.bench.identity import shape_of, sku_of
from edgectl.ops.bench.judged_lines import (
    judgement_checks,
    judgement_data,
    judgement_lines,
    judgement_metrics,
    judgement_section,
    verdict_line,
)
from edgectl.ops.bench.judging import AUTO, BASELINE_AGE, Manner, sides_on_record
from edgectl.ops.bench.measured import Measured
from edgectl.ops.bench.run import OnNodes
from edgectl.ops.bench.sides import side_of_measured
from edgectl.ops.bench.target import url_at_host
from edgectl.ops.bench.turns import Asked, Seen, Turn, in_turns, measure, repeats
from edgectl.ops.bench.verdict import EXIT_CODES, Judgement, Side, Verdict, judge, overall
from edgectl.ops.rollout import run_report
from edgectl.ops.services import Services
from edgectl.report import Line, Report, Table, Tone

COMMAND = "bench gate"
_KIN_AGE = timedelta(days=30)
_OPEN = frozenset({HostStatus.UNREACHABLE, HostStatus.UNKNOWN, HostStatus.BUSY, HostStatus.NOT_RUN})
_TONES = {Verdict.PASS: Tone.GOOD, Verdict.FAIL: Tone.BAD, Verdict.INCONCLUSIVE: Tone.NOTICE}


@dataclass(frozen=True, slots=True)
class _Made:
    """What was measured of one host: beside its server, where that is the baseline, and of the server itself."""

    before: list[Measured]
    after: list[Measured]


@dataclass(frozen=True, slots=True)
class _Case:
    """One host: what it was, what it is now, and what follows."""

    before: Side
    after: Side
    judgement: Judgement
    made: Sequence[Measured] = ()


def gate_nodes(services: Services, nodes: OnNodes, baseline: str, manner: Manner) -> Report:
    """Measure every selected host at once and judge each; those that cannot be told are measured again.

    The baseline is AUTO, a run, files, or `port:N`: another server of the same host, measured in turns with it.
    """
    beside = port_beside(baseline)
    is_on_record = beside is None and baseline != AUTO
    known = sides_on_record(services, baseline) if is_on_record else {}
    gate = _Gate(services, nodes, manner, beside)
    first = gate.measured(nodes.select)
    judge_all = _Judge(gate, first, known)
    cases = judge_all.cases()
    while undecided := [
        host for host, case in cases.items() if manner.wants_more(case.judgement, gate.done(host))
    ]:
        if not any(gate.measured(",".join(undecided)).measured.values()):
            break
        cases = judge_all.cases()
    return _report(first, cases)


def port_beside(baseline: str) -> int | None:
    """Parse `port:8001`; None where a baseline is something else. Raises `UsageError`."""
    word, colon, port = baseline.partition(":")
    if word != "port" or not colon:
        return None
    if not port.isdecimal() or not 0 < int(port) < 65536:  # noqa: PLR2004 - as ports go
        raise UsageError(f"--baseline {baseline}: a port such as port:8001 is wanted")
    return int(port)


class _Gate:
    """Measures, again where it is asked to, and gathers what was measured by host."""

    def __init__(self, services: Services, nodes: OnNodes, manner: Manner, beside: int | None) -> None:
        self.services = services
        self.manner = manner
        self.is_in_turns = beside is not None
        self.made: dict[str, _Made] = {}
        self._limit = nodes.limit
        self._key = manner.api_key or nodes.key(services)
        self._server = Turn(nodes.url(services), side=1)
        self._beside = None if beside is None else Turn(url_at_host(beside), subject=f"{{host}}:{beside}")

    def done(self, host: str) -> int:
        """Return how many repeats there are of a host."""
        return len(self.made[host].after)

    def measured(self, select: str | None) -> Seen:
        """Measure `repeats` times more on these hosts, and put it on record."""
        done = max((len(made.after) for made in self.made.values()), default=0)
        turns = self._turns(done)
        asked = Asked(COMMAND, self.manner.workload, turns, select, self._limit, self._key)
        seen = measure(self.services, asked)
        self.services.bench.keep(seen.records())
        for host, found in seen.measured.items():
            made = self.made.setdefault(host, _Made([], []))
            for turn, one in zip(turns, found, strict=False):
                (made.after if turn.side else made.before).append(one)
        return seen

    def _turns(self, done: int) -> list[Turn]:
        seed, count = self.manner.workload.seed + 2 * done, self.manner.repeats
        if self._beside is None:
            return repeats(self._server, seed, count)
        return in_turns(self._beside, self._server, seed, count, done)


class _Judge:
    """Knows what each host is held against."""

    def __init__(self, gate: _Gate, seen: Seen, known: Mapping[str, Side]) -> None:
        self._gate = gate
        self._known = known
        self._hosts = {host.name: host for host in seen.prepared.plan.hosts()}
        self._outcomes = {host.host: host for host in seen.outcome.hosts}

    @cached_property
    def _own(self) -> Sequence[BenchRecord]:
        """What is on record of these hosts."""
        services = self._gate.services
        return services.bench.of_subjects(list(self._hosts), services.clock.now() - BASELINE_AGE)

    @cached_property
    def _fleet(self) -> Sequence[BenchRecord]:
        """What is on record of all hosts: much, and wanted only where a host has no past."""
        services = self._gate.services
        return services.bench.of_subjects(list(services.fleet.hosts), services.clock.now() - _KIN_AGE)

    def cases(self) -> dict[str, _Case]:
        """Return each host's case."""
        return {host: self._case(self._outcomes[host], made) for host, made in self._gate.made.items()}

    def _case(self, host: HostOutcome, made: _Made) -> _Case:
        after = side_of_measured(host.host, made.after)
        if host.status in _OPEN or not made.after:
            # Of two in turns the baseline is first: without any of it nobody knows how the other one is.
            is_open = host.status in _OPEN or (self._gate.is_in_turns and not made.before)
            verdict = Verdict.INCONCLUSIVE if is_open else Verdict.FAIL
            reason = f"{host.status}: {host.reason}"
            return _Case(Side("", {}, 0), after, Judgement(verdict, [], [reason]))
        before = self._before(host.host, made)
        judgement = judge(before, after, self._gate.manner.allowed, is_in_turns=self._gate.is_in_turns)
        return _Case(before, after, judgement, made.after)

    def _before(self, host: str, made: _Made) -> Side:
        if self._gate.is_in_turns:
            return side_of_measured(made.before[0].where, made.before)
        if len(self._known) == 1:
            return next(iter(self._known.values()))
        if self._known:
            missing = Side("no baseline", {}, 0, doubts=["this host is not in it"])
            return self._known.get(host, missing)
        one = made.after[0]
        subject = Subject(host, shape_of(one), one.model, sku_of(self._hosts[host], one))
        return own_baseline(subject, self._own) or kin_baseline(subject, self._fleet)


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
