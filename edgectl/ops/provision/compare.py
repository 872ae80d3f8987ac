"""`provision accept --compare`: a node measured again, beside what it was when it was accepted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgectl.engine.outcome import HostOutcome, HostStatus, exit_code
from edgectl.inventory.fold import abridged
from edgectl.inventory.pattern import select
from edgectl.ops.promises import Promises
from edgectl.ops.rollout import Request, carry_out, prepare, run_report
from edgectl.ops.services import Services
from edgectl.ops.told import closing, trouble
from edgectl.playbook.loader import load_playbook
from edgectl.remote.tasks._acceptance import COHORT_SHARE
from edgectl.report import Line, Report, Tone

PLAYBOOK = "compare.yaml"
# The same GPU measured twice differs by less than this; what is more is no chance. It is the cohort's own margin.
KEPT_SHARE = COHORT_SHARE


@dataclass(frozen=True, slots=True)
class Change:
    """One figure of one GPU: what it was at birth, and what it is."""

    test: str
    gpu: str
    unit: str
    born: float
    now: float

    @property
    def share(self) -> float:
        """Return what is left of it."""
        return self.now / self.born if self.born else 1.0

    @property
    def is_worse(self) -> bool:
        """Tell whether it fell by more than chance."""
        return self.share < KEPT_SHARE


def compare(services: Services, promises: Promises, request: Request) -> Report:
    """Measure every selected node again; one that is worse than it was born, or has other parts, is failed."""
    nodes = select(services.fleet, request.select or "all", limit=request.limit)
    promises.refuse_unpromised([host for host in nodes if host.role == "gpu"])
    informed = replace(request, host_vars=promises.variables(services.fleet))
    prepared = prepare(services, load_playbook(services.playbooks / PLAYBOOK), informed)
    outcome = carry_out(services, prepared, judged)
    found = {host.host: changes(host) for host in outcome.hosts}
    body = [
        *_lines(found),
        *trouble(outcome.hosts),
        *closing(outcome, exit_code(outcome)),
    ]
    return run_report(prepared, outcome, body=body, data=lambda host: {"compared": _data(found[host.host])})


def judged(host: HostOutcome) -> HostOutcome:
    """Fail a node that is not any more what it was."""
    if host.status not in (HostStatus.OK, HostStatus.CHANGED):
        return host
    wrong = [*_other_parts(host), *(_words(change) for change in changes(host) if change.is_worse)]
    if not wrong:
        return host
    return replace(host, status=HostStatus.FAILED, reason="; ".join(wrong), failed_task="compare / birth")


def changes(host: HostOutcome) -> list[Change]:
    """Return every figure that was measured both times, GPU by GPU."""
    born = {test["name"]: test for test in _certificate(host).get("tests", ()) if test.get("figures")}
    measured = (host.result_of("cuda_check") or {}).get("tests", ())
    return [
        Change(test["name"], gpu, test.get("unit", ""), before[gpu], now)
        for test in measured
        if test.get("figures") and test["name"] in born
        for before in (born[test["name"]]["figures"],)
        for gpu, now in test["figures"].items()
        if gpu in before
    ]


def _certificate(host: HostOutcome) -> Mapping[str, Any]:
    certificate: Mapping[str, Any] = (host.result_of("certificate") or {}).get("certificate") or {}
    return certificate


def _other_parts(host: HostOutcome) -> Iterator[str]:
    task = next((task for task in host.tasks if task.name == "compare / parts"), None)
    now = sorted(str(task.result.get("stdout", "")).split()) if task else []
    born = list(_certificate(host).get("serials", ()))
    if now and born and now != born:
        yield f"its GPUs are {', '.join(now)}, accepted were {', '.join(born)}: accept it anew"


def _words(change: Change) -> str:
    born = f"born with {change.born:,g} ({change.share - 1:+.1%})"
    return f"{change.test}: {change.now:,g} {change.unit} on {change.gpu}, {born}"


def _lines(found: Mapping[str, Sequence[Change]]) -> Iterator[Line]:
    """Yield a line per figure: over how many GPUs, and how they changed from the worst to the best."""
    tests: dict[tuple[str, str], list[tuple[float, str]]] = defaultdict(list)
    for host, changed in found.items():
        for change in changed:
            tests[change.test, change.unit].append((change.share, host))
    for (test, unit), shares in tests.items():
        low, high = min(shares), max(shares)
        bad = sorted({host for share, host in shares if share < KEPT_SHARE})
        text = f"  {test:<24} {unit:<5} {len(shares):>6,} GPUs   {low[0] - 1:+.1%} to {high[0] - 1:+.1%} since birth"
        yield Line(f"{text}   {abridged(bad)}".rstrip() if bad else text, Tone.BAD if bad else Tone.GOOD)


def _data(changed: Sequence[Change]) -> list[Mapping[str, Any]]:
    return [
        {"test": one.test, "gpu": one.gpu, "unit": one.unit, "born": one.born, "now": one.now}
        for one in changed
    ]
