"""For any plan and any schedule of faults the sentences of the failure contract hold."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgectl.engine.events import HostEnded, HostSaid
from edgectl.engine.executor import Executor, Plan
from edgectl.engine.outcome import HostOutcome, RunOutcome
from edgectl.engine.ports import HostWork
from edgectl.pools.threads import ThreadPool
from edgectl.remote.job import Task
from edgectl.remote.protocol import Message, decode_message
from tests.fakes.clock import FakeClock
from tests.fakes.fleet import a_host, a_job, a_task
from tests.fakes.observers import Witness
from tests.faults.pipehost import PipeHosts, Trouble, Visit

_SECRET = "s3cret-value-of-the-run"
_KINDS = ("once", "once", "once", "says the secret", "idempotent", "is ignored", "fails")


@dataclass(frozen=True)
class Case:
    """A plan of counting tasks by kind, and each host's visits."""

    kinds: tuple[str, ...]
    visits: dict[str, tuple[Visit, ...]]


# The first visit gets in: what is refused at the door is soon told.
_striking = st.builds(Visit, st.sampled_from([Trouble.CUT, Trouble.KILLED, Trouble.POWER]), st.integers(0, 9))
_any = _striking | st.just(Visit(Trouble.REFUSED))
_schedules = st.builds(lambda first, rest: (first, *rest), _striking, st.lists(_any, max_size=3))
_cases = st.builds(
    Case,
    st.lists(st.sampled_from(_KINDS), min_size=2, max_size=5).map(tuple),
    st.lists(_schedules, min_size=1, max_size=2).map(
        lambda visits: {f"h{number}": of for number, of in enumerate(visits, start=1)}
    ),
)


@dataclass(frozen=True)
class Played:
    """A run that was carried out, and what its hosts hold."""

    case: Case
    outcome: RunOutcome
    witness: Witness
    hosts: PipeHosts

    def journal(self, host: str) -> list[Message]:
        path = self.hosts.root(host) / f"var/lib/edgectl/runs/{self.outcome.run}/journal.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [decode_message(line) for line in lines[1:]]

    def ran(self, host: str) -> Counter[int]:
        path = self.hosts.root(host) / "counter"
        return Counter(int(line) for line in path.read_text().split()) if path.exists() else Counter()


def _task(number: int, kind: str, root: Path) -> Task:
    if kind == "idempotent":
        return a_task(
            number, "copy", {"dest": str(root / f"file{number}"), "content": "same\n"}, f"t{number}"
        )
    end = {"fails": "; exit 1", "is ignored": "; exit 1", "says the secret": '; echo "$TOKEN"'}.get(kind, "")
    more: dict[str, Any] = {"ignore_errors": True} if kind == "is ignored" else {}
    if kind == "says the secret":
        more["environment"] = {"TOKEN": "{{ token }}"}
    return a_task(
        number, "shell", {"cmd": f"echo {number} >> {root}/counter; sleep 0.03{end}"}, f"t{number}", **more
    )


def _play(case: Case, folder: Path) -> Played:
    hosts = PipeHosts(folder, case.visits)
    run = f"R{folder.name}"
    work = []
    for name in case.visits:
        tasks = [_task(number, kind, hosts.root(name)) for number, kind in enumerate(case.kinds, start=1)]
        job = a_job(tasks, run=run, host=name, secrets={"token": _SECRET}, needs=["jinja2"])
        work.append(HostWork(a_host(name), job))
    witness = Witness()
    clock = FakeClock()
    try:
        outcome = Executor(ThreadPool(hosts, clock, 4), [witness], clock).execute(Plan(run, "run", [work]))
    finally:
        hosts.end_all()
    return Played(case, outcome, witness, hosts)


def _check(case: Case) -> None:
    folder = Path(tempfile.mkdtemp(prefix="edgectl-property-"))
    try:
        played = _play(case, folder)
        _every_host_has_one_outcome(played)
        for host in played.outcome.hosts:
            _no_task_that_must_not_ran_twice(played, host)
            _the_journal_holds_what_the_controller_heard(played, host)
            _the_report_agrees_with_the_host(played, host)
        _the_secret_is_nowhere(played, folder)
    finally:
        shutil.rmtree(folder)


def _every_host_has_one_outcome(played: Played) -> None:
    assert [host.host for host in played.outcome.hosts] == list(played.case.visits)
    ends = Counter(ended.outcome.host for ended in played.witness.of(HostEnded))
    assert ends == dict.fromkeys(played.case.visits, 1)


def _no_task_that_must_not_ran_twice(played: Played, host: HostOutcome) -> None:
    assert max(played.ran(host.host).values(), default=0) <= 1, host


def _the_journal_holds_what_the_controller_heard(played: Played, host: HostOutcome) -> None:
    heard = [said.message for said in played.witness.of(HostSaid) if said.host == host.host]
    numbered = [message for message in heard if message.seq]
    assert [message.seq for message in numbered] == sorted({message.seq for message in numbered})
    journal = {message.seq: message for message in played.journal(host.host)}
    assert [journal[message.seq] for message in numbered] == numbered


def _the_report_agrees_with_the_host(played: Played, host: HostOutcome) -> None:
    counting = {n for n, kind in enumerate(played.case.kinds, start=1) if kind != "idempotent"}
    ran = set(played.ran(host.host))
    match host.status.value:
        case "changed":
            assert ran == counting
            assert "fails" not in played.case.kinds
        case "ok":
            assert not counting
        case "unreachable":
            assert not ran
        case "failed":
            assert host.failed_task == f"t{played.case.kinds.index('fails') + 1}"
        case "unknown":
            assert any(visit.trouble is not Trouble.REFUSED for visit in played.case.visits[host.host])
        case other:
            raise AssertionError(other)


def _the_secret_is_nowhere(played: Played, folder: Path) -> None:
    written = [path for path in folder.rglob("*") if path.is_file() and _SECRET in path.read_text("latin-1")]
    assert written == []
    assert _SECRET not in repr(played.witness.events)
    assert _SECRET not in repr(played.outcome)
    assert not [line for line in played.hosts.command_lines if _SECRET in line]


_ORDINARY = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)


@_ORDINARY
@given(_cases)
def test_any_plan_survives_any_schedule_of_faults(case: Case) -> None:
    _check(case)


@pytest.mark.long
@pytest.mark.timeout(1800)
@settings(_ORDINARY, max_examples=600, derandomize=False)
@given(_cases)
def test_six_hundred_plans_survive_their_faults(case: Case) -> None:
    _check(case)
