"""What must hold on a wave's hosts before the next wave begins: their health, or a command of the operator's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import assert_never

from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome
from edgectl.engine.policy import CommandGate, HealthGate
from edgectl.engine.ports import HostWork
from edgectl.engine.rules import Judge, PassGate, as_it_ended
from edgectl.errors import StoppedError
from edgectl.inventory.model import Host
from edgectl.ops.rollout import Prepared, Request, carry_out, prepare
from edgectl.ops.services import Services
from edgectl.playbook.loader import read_playbook
from edgectl.playbook.model import Playbook
from edgectl.remote.job import Job
from edgectl.yaml_source import written

_COMMAND = Path("<command>")
# A reason is one line; the run's own report has the hosts.
_NAMED = 3


def carry_out_gated(services: Services, prepared: Prepared, judged: Judge = as_it_ended) -> RunOutcome:
    """Run what was prepared, each wave proved by the rollout's gate, where it has one, before the next."""
    return carry_out(services, prepared, judged, gate_of(services, prepared))


def gate_of(services: Services, prepared: Prepared) -> PassGate | None:
    """Return what a rollout's gate asks of a wave's hosts; nobody else hears of the runs it makes."""
    quiet = replace(services, observers=(), resuming="")
    gate = prepared.plan.rollout.gate
    match gate:
        case None:
            return None
        case HealthGate():
            return partial(_health, quiet)
        case CommandGate():
            return partial(_command, quiet, prepared.plan.run, gate.command)
        case _:
            assert_never(gate)


def command_playbook(command: str) -> Playbook:
    """Return one command for the hosts' shell as a playbook."""
    # Braces are the shell's, as in `docker ps --format {{.Names}}`.
    verbatim = command.replace("{", "{{ '{' }}")
    task = {"name": verbatim, "shell": {"cmd": verbatim}}
    return read_playbook(written([{"hosts": "all", "gather_facts": False, "tasks": [task]}], _COMMAND))


def _health(services: Services, hosts: Sequence[Host]) -> str:
    # Its rules and catalogues take 40 ms to import, and every `run` and `exec` passes here without a gate.
    from edgectl.ops.health.apply import check

    report = check(services, _named(hosts), None)
    wrong = [f"{host.host}: {host.reason}" for host in report.hosts if host.status != HostStatus.OK]
    return _told(wrong, len(hosts), "in good health")


def _command(services: Services, run: str, command: str, hosts: Sequence[Host]) -> str:
    """Run the gate's command as a job of the same run, whose lock it may enter.

    A gate that is asked again, after `runs resume`, is another job, or the host would answer as it did.
    """
    try:
        prepared = prepare(services, command_playbook(command), Request("gate", _named(hosts)))
    except StoppedError as error:
        return error.message
    stage = int(services.clock.now().timestamp())
    work = tuple(_as_job_of(run, stage, one) for one in prepared.plan.stages[0])
    plan = replace(prepared.plan, run=run, stages=(work,))
    outcome = carry_out(services, replace(prepared, plan=plan))
    wrong = [f"{host.host}: {_why(host)}" for host in outcome.hosts if host not in outcome.finished()]
    return _told(wrong, len(hosts), f"passed by `{command}`")


def _as_job_of(run: str, stage: int, work: HostWork) -> HostWork:
    assert isinstance(work.errand, Job)  # noqa: S101 - what was just compiled is nothing else
    return replace(work, errand=replace(work.errand, run=run, stage=stage))


def _why(host: HostOutcome) -> str:
    return host.reason or str(host.status)


def _named(hosts: Iterable[Host]) -> str:
    return ",".join(host.name for host in hosts)


def _told(wrong: Sequence[str], total: int, wanted: str) -> str:
    if not wrong:
        return ""
    more = f"; and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
    return f"{len(wrong)} of {total} hosts are not {wanted}: {'; '.join(wrong[:_NAMED])}{more}"
