"""Several measurements of a host as one job, one after the other: repeats of one server, or two servers in turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from edgectl.engine.bench_records import BenchRecord
from edgectl.engine.outcome import HostOutcome, RunOutcome
from edgectl.inventory.model import Host
from edgectl.ops.bench.figures import figures_of
from edgectl.ops.bench.identity import engine_of, shape_of, sku_of
from edgectl.ops.bench.intervals import alternating
from edgectl.ops.bench.measured import Measured, read_measured
from edgectl.ops.bench.workload import Workload
from edgectl.ops.rollout import Prepared, Request, rollout
from edgectl.ops.services import Services
from edgectl.playbook.compile import Options
from edgectl.playbook.loader import load_playbook
from edgectl.playbook.model import Playbook

MODULE = "bench_load"
_PLAYBOOK = "bench.yaml"
_API_KEY = "bench_api_key"
_HOST = "{host}"


@dataclass(frozen=True, slots=True)
class Turn:
    """One measurement: of which server (`url` may be a template that each host fills in), by which seed.

    `subject` is what was measured, in which `{host}` is the host that measures; `side` is 0 or 1 of a comparison.
    """

    url: str
    seed: int = 0
    subject: str = _HOST
    side: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """What is measured and how: the hosts, the load of every turn, the turns, and where the key is kept."""

    command: str
    workload: Workload
    turns: Sequence[Turn]
    select: str | None = None
    limit: str | None = None
    api_key: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of it; `measured` has by host its measurements in the order of the turns, as far as it came."""

    prepared: Prepared
    outcome: RunOutcome
    measured: Mapping[str, Sequence[Measured]]

    def records(self) -> list[BenchRecord]:
        """Return what is worth a row of each measurement."""
        hosts = {host.name: host for host in self.prepared.plan.hosts()}
        return [
            _record(self, hosts[name], found, number)
            for name, of_host in self.measured.items()
            for number, found in enumerate(of_host, start=1)
        ]


def repeats(turn: Turn, seed: int, count: int) -> list[Turn]:
    """Return the turns of one server; each has a seed of its own, so that no cache of prompts answers the next."""
    return [replace(turn, seed=seed + number) for number in range(count)]


def in_turns(first: Turn, second: Turn, seed: int, count: int, done: int = 0) -> list[Turn]:
    """Return the turns of two servers, so that what drifts meets both alike; `done` are the pairs before."""
    sides = (replace(first, side=0), replace(second, side=1))
    order = alternating(done + count)[2 * done :]
    return [replace(sides[side], seed=seed + number) for number, side in enumerate(order)]


def measure(services: Services, asked: Asked) -> Seen:
    """Measure at every selected host, turn by turn."""
    variables = asked.workload.variables()
    arguments = {**asked.workload.arguments(), "bench_url": asked.turns[0].url}
    request = Request(
        asked.command, asked.select, asked.limit, Options(extra_vars=variables), arguments=arguments
    )
    prepared, outcome = rollout(services, _playbook(services, asked), request)
    return Seen(prepared, outcome, {host.host: _measured(host, asked) for host in outcome.hosts})


def _playbook(services: Services, asked: Asked) -> Playbook:
    """Return the shipped playbook with its task once for each turn, and with the key where there is one."""
    playbook = load_playbook(services.playbooks / _PLAYBOOK)
    secrets = {} if asked.api_key is None else {_API_KEY: dict(asked.api_key)}
    return replace(
        playbook,
        plays=[
            replace(
                play,
                secrets={**play.secrets, **secrets},
                tasks=[
                    replace(
                        task,
                        name=_name(task.name, number, len(asked.turns)),
                        args={**task.args, "url": turn.url, "seed": turn.seed},
                    )
                    for number, turn in enumerate(asked.turns, start=1)
                    for task in play.tasks
                ],
            )
            for play in playbook.plays
        ],
    )


def _name(name: str, number: int, count: int) -> str:
    return name if count == 1 else f"{name} {number}/{count}"


def _measured(host: HostOutcome, asked: Asked) -> list[Measured]:
    """Return what was measured, in the order of the turns; a failure ends a job, and what came before counts."""
    results = [task.result for task in host.tasks if task.module == MODULE]
    return [
        read_measured(turn.subject.replace(_HOST, host.host), host.pop, result["bench"])
        for turn, result in zip(asked.turns, results, strict=False)
        if "bench" in result
    ]


def _record(seen: Seen, host: Host, found: Measured, number: int) -> BenchRecord:
    return BenchRecord(
        run=seen.outcome.run,
        subject=found.where,
        number=number,
        at=seen.prepared.started,
        command=seen.prepared.plan.command,
        shape=shape_of(found),
        model=found.model,
        engine=engine_of(found),
        sku=sku_of(host, found),
        is_trusted=not found.client.is_bound,
        figures=figures_of(found),
    )
