"""Plays, one host and its variables become the job that travels. Nothing is contacted.

Everything is checked here, for every host, before the first connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgectl.inventory.model import Host
from edgectl.playbook.compile import Options, PlayCompiler
from edgectl.playbook.model import Playbook, PlaySpec
from edgectl.playbook.names import rebindable
from edgectl.playbook.own_modules import parts_of, source_of
from edgectl.playbook.sources import Blobs
from edgectl.remote import registry
from edgectl.remote.job import BLOCKS, CONFIRMING, FLUSH, OWN, Job, Play, Task

_OF_HOST: Mapping[str, Callable[[Host], Any]] = {
    "inventory_hostname": lambda host: host.name,
    "inventory_hostname_short": lambda host: host.name.split(".")[0],
    "ansible_host": lambda host: host.address,
    "group_names": lambda host: list(host.groups),
    "pop": lambda host: host.pop.name,
    "metro": lambda host: host.pop.metro,
    "region": lambda host: host.pop.region,
    "country": lambda host: host.pop.country,
    "rack": lambda host: host.rack,
    "role": lambda host: host.role,
    "hardware": lambda host: host.hardware,
    "labels": lambda host: dict(host.labels),
}
# The names that every template may use without anybody defining them, beside the facts.
MAGIC = frozenset({"groups", "playbook_dir", *_OF_HOST})


@dataclass(frozen=True, slots=True)
class Stage:
    """Consecutive plays over the same hosts: one job per host."""

    number: int
    plays: Sequence[PlaySpec]


@dataclass(frozen=True, slots=True)
class Compiler:
    """Compiles the jobs of one run; what all hosts share is read and packed once."""

    playbook: Playbook
    run: str
    options: Options
    secrets: Mapping[str, str]
    groups: Mapping[str, Sequence[str]]
    started_by: str
    carried: Mapping[str, bytes] = field(default_factory=dict)
    _blobs: Blobs = field(default_factory=Blobs)

    def job(self, host: Host, stage: Stage, decided: Mapping[str, Any]) -> Job:
        """Return a host's job for a stage. Raises `InputError` with the place of what cannot be meant.

        `decided` are variables that an operation worked out for this host; they are stronger than the
        inventory's.
        """
        known = {**self._magic(host), **host.vars, **decided}
        rebound = rebindable(stage.plays)  # what one play registers, the next one sees
        compiled: list[tuple[Play, set[str]]] = []
        first = 0
        for spec in stage.plays:
            compiler = PlayCompiler(spec, known, self.options, spec.path, self._blobs, rebound)
            compiled.append(compiler.compiled(first))
            first += len(compiled[-1][0].tasks) + len(compiled[-1][0].handlers)
        tasks = [task for play, _ in compiled for task in (*play.tasks, *play.handlers)]
        libraries = {name for _, needed in compiled for name in needed}
        modules = {task.module for task in tasks if task.module != FLUSH}
        return Job(
            run=self.run,
            host=host.name,
            plays=[play for play, _ in compiled],
            stage=stage.number,
            extra_vars=self._needed_extra_vars([play for play, _ in compiled]),
            secrets=self._needed_secrets(stage),
            blobs=self._needed_blobs(tasks),
            own={name: source_of(name) for name in sorted(modules & registry.OWN.keys())},
            needs=_needs([play for play, _ in compiled], tasks, libraries),
            changes=any(registry.load(module).REPEAT != "reads" for module in modules),
            shares=any(getattr(registry.load(module), "SHARES", False) for module in modules),
            become=any(task.become_user is not None for task in tasks),
            started_by=self.started_by,
        )

    def _magic(self, host: Host) -> dict[str, Any]:
        """Return what every template may use without anybody defining it."""
        own = {
            "groups": self.groups,
            "playbook_dir": str(self.playbook.path.parent),
            "ansible_check_mode": self.options.check,
            "ansible_diff_mode": self.options.diff,
        }
        return {**own, **{name: value_of(host) for name, value_of in _OF_HOST.items()}}

    def _needed_extra_vars(self, plays: Sequence[Play]) -> dict[str, Any]:
        """Return the extra variables that travel with some play anyway, to be the strongest at the host as well."""
        needed = {name for play in plays for name in play.vars}
        return {name: value for name, value in self.options.extra_vars.items() if name in needed}

    def _needed_secrets(self, stage: Stage) -> dict[str, str]:
        names = {name for play in stage.plays for name in play.secrets}
        return {name: self.secrets[name] for name in sorted(names)}

    def _needed_blobs(self, tasks: Iterable[Task]) -> dict[str, str]:
        digests = {digest for task in tasks for digest in _digests(task)}
        digests |= {self._blobs.add(content) for content in self.carried.values()}
        return {digest: self._blobs.packed[digest] for digest in sorted(digests)}


def stages(plays: Iterable[tuple[PlaySpec, Sequence[Host]]]) -> list[tuple[Stage, Sequence[Host]]]:
    """Join consecutive plays over the same hosts; a play is a barrier between different ones."""
    joined: list[tuple[Stage, Sequence[Host]]] = []
    for play, hosts in plays:
        if joined and [host.name for host in joined[-1][1]] == [host.name for host in hosts]:
            last, same = joined[-1]
            joined[-1] = (Stage(last.number, (*last.plays, play)), same)
        else:
            joined.append((Stage(len(joined), (play,)), hosts))
    return joined


def _needs(plays: Sequence[Play], tasks: Sequence[Task], libraries: set[str]) -> list[str]:
    modules = {task.module for task in tasks if task.module != FLUSH}
    needed = {name for module in modules for name in getattr(registry.load(module), "NEEDS", ())} | libraries
    for name in modules & registry.OWN.keys():
        needed |= {OWN, *parts_of(name)}
    if any(task.confirm_s for task in tasks):
        needed.add(CONFIRMING)
    if any(play.blocks for play in plays):
        needed.add(BLOCKS)
    return sorted(needed)


def _digests(task: Task) -> Iterator[str]:
    of_loop = task.by_src.values()
    for template in (task.template, *(sent.get("template") for sent in of_loop)):
        if template is not None:
            yield template
    for sent in (task.args, *of_loop):
        for source in sent.get("sources") or ():
            if source[1] is not None:
                yield source[1]
