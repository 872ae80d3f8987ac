"""What is remembered of a run, so that it can be told, followed, stopped and continued, here or elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from edgectl.engine.outcome import HostOutcome, HostStatus

NO_END = "started; no end on record"


@dataclass(frozen=True, slots=True)
class Origin:
    """How a person asked for a run, without the options that only say how to tell of it."""

    argv: Sequence[str] = ()
    cwd: str = ""
    inventory: str = ""


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """One job of a host: stage and attempt are its name there, `digest` is what it is."""

    stage: int
    digest: str = ""
    attempt: int = 0
    become: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a run is made of: for each host its jobs, in the order in which they are done."""

    jobs: Mapping[str, Sequence[PlannedJob]]
    digest: str = ""  # of the whole plan
    playbook: str = ""  # sha256 of its file
    origin: Origin = field(default_factory=Origin)
    pops: Mapping[str, str] = field(default_factory=dict)  # of each host
    zones: Mapping[str, str] = field(default_factory=dict)  # the time zone of each PoP
    changes: bool = False  # what it does may change hosts: it can be continued
    journaled: bool = False  # its hosts keep journals: it can be followed
    observes: bool = False  # it looks after a run that was begun before, and begins nothing


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as the store remembers it; `finished` is None while it is running, or where its end was lost."""

    run: str
    command: str
    started: datetime
    finished: datetime | None
    started_by: str
    stopped: str
    arguments: Mapping[str, Any]
    counts: Mapping[str, int]
    origin: Origin = field(default_factory=Origin)
    changes: bool = False
    journaled: bool = False
    cancelled: str = ""  # by whom


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job that was begun at a host; `ended` is how its journal there says it ended, '' while we know of no end."""

    stage: int
    attempt: int = 0
    become: bool = False
    ended: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened to a host. `at` is wall-clock seconds, `seq` its number in the job's journal or 0."""

    at: float
    kind: str  # connecting, connected, task, retry, lost, reboot, boot, confirm, end
    text: str
    seq: int = 0
    job: str = ""
    status: str = ""
    detail: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class HostRecord:
    """A host of a run as the store remembers it."""

    outcome: HostOutcome
    started: datetime | None = None
    ended: datetime | None = None
    jobs: Sequence[JobRecord] = ()
    timeline: Sequence[Entry] = ()

    @property
    def is_open(self) -> bool:
        """Tell whether work was begun there whose end we do not know."""
        ended = self.jobs[-1].ended if self.jobs else ""
        return self.outcome.status is HostStatus.UNKNOWN and self.started is not None and not ended


@dataclass(frozen=True, slots=True)
class Freeze:
    """No changing run of the fleet may start a host; without `until`, until somebody lifts it."""

    reason: str
    by: str
    since: datetime
    until: datetime | None = None


class RunHistory(Protocol):
    """What earlier runs left in the store."""

    def runs(self, limit: int) -> Sequence[RunRecord]:
        """Return the latest runs, newest first."""
        ...

    def unfinished(self) -> Sequence[RunRecord]:
        """Return the runs without a recorded end, newest first."""
        ...

    def find(self, run: str) -> RunRecord | None:
        """Return the run whose id starts with `run`, or None where none or several do."""
        ...

    def manifest(self, run: str) -> Manifest | None:
        """Return what a run was made of, or None where that is not known. Digests of jobs are shortened."""
        ...

    def hosts(self, run: str, *, limit: int | None = None) -> Sequence[HostRecord]:
        """Return what is known of each host of a run that was begun or came to an end, or of some of them."""
        ...

    def cancel(self, run: str, by: str) -> None:
        """Note that a run must not start another host."""
        ...

    def prune(self, before: datetime) -> int:
        """Forget the runs that ended before, and return how many. What may still be continued is kept."""
        ...


class Freezes(Protocol):
    """The freezes of the fleet."""

    def add(self, freeze: Freeze) -> None:
        """Begin one."""
        ...

    def lift(self, by: str, at: datetime) -> int:
        """End all that are in force, and return how many."""
        ...

    def in_force(self, at: datetime) -> Sequence[Freeze]:
        """Return those in force, the one that lasts longest first."""
        ...
