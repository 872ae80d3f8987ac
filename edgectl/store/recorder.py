"""An observer that writes a run down while it happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from edgectl.clock import Clock
from edgectl.engine.events import (
    HostAttached,
    HostDeferred,
    HostEnded,
    HostLost,
    HostSaid,
    HostStarted,
    RunEnded,
    RunEvent,
    RunStarted,
)
from edgectl.engine.outcome import HostOutcome, HostStatus, joined
from edgectl.engine.records import NO_END, JobRecord, Manifest, PlannedJob
from edgectl.engine.timeline import Timeline
from edgectl.remote.job import job_id
from edgectl.remote.protocol import Ended
from edgectl.store.host_rows import upsert
from edgectl.store.rows import host_record, manifest_row, packed
from edgectl.store.tables import hosts, runs


@dataclass(slots=True)
class _Host:
    """A host as this controller has seen it, over what was on record of it before."""

    jobs: dict[int, JobRecord] = field(default_factory=dict)  # by stage
    timeline: Timeline = field(default_factory=Timeline)
    is_open: bool = False  # begun, by us or before, and no end is known
    done: int = 0  # how many of its planned jobs this controller saw end well
    well: HostOutcome | None = None  # how it ended over those
    stage: int = 0


class Recorder:
    """Keeps runs and what became of each host; one transaction per step, so that a crash loses nothing known."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._run = ""
        self._manifest = Manifest({})
        self._hosts: dict[str, _Host] = {}
        self._stages: dict[str, int] = {}  # how many jobs each host has in the whole run
        self._begins = True  # False: what is on record of the run itself stays as it is
        self._asked = ""  # why we come to hosts of a run that was begun before
        self._told: dict[str, tuple[HostStatus, str]] = {}

    def on_event(self, event: RunEvent) -> None:
        """Write down the events that matter later."""
        match event:
            case RunStarted():
                self._begin(event)
            case HostStarted():
                self._host_started(event)
            case HostSaid():
                self._said(event)
            case HostLost() | HostAttached():
                self._line_changed(event)
            case HostDeferred():
                self._deferred(event)
            case HostEnded():
                self._host_ended(event)
            case RunEnded():
                self._end(event)
            case _:
                pass

    def _begin(self, event: RunStarted) -> None:
        self._run, self._manifest = event.run, event.manifest or Manifest({})
        self._hosts, self._told, self._asked, self._begins = {}, {}, "", True
        self._stages = {host: len(jobs) for host, jobs in self._manifest.jobs.items()}
        with self._engine.begin() as connection:
            kept = sa.select(runs.c.digest, runs.c.planned).where(runs.c.run == event.run)
            known = connection.execute(kept).one_or_none()
            if known is None:
                connection.execute(sa.insert(runs).values(self._run_row(event)))
                return
            verb = event.command if self._manifest.observes else "continued"
            self._asked = f"{verb} by {event.started_by}"
            self._remember(connection)
            self._stages |= {
                host: len(jobs) for host, jobs in (known.planned or {"jobs": {}})["jobs"].items()
            }
            self._begins = not self._manifest.observes and self._has_work()
            if self._begins:
                again = {"finished": None, "stopped": "", "cancelled": ""}
                plan = {} if known.digest else manifest_row(self._manifest)
                connection.execute(sa.update(runs).where(runs.c.run == event.run).values(again | plan))

    def _has_work(self) -> bool:
        """Tell whether any host of the plan has not ended well: else the run is over, and stays as it ended."""
        well = (HostStatus.OK, HostStatus.CHANGED)
        return any(host not in self._told or self._told[host][0] not in well for host in self._manifest.jobs)

    def _run_row(self, event: RunStarted) -> dict[str, Any]:
        return {
            "run": event.run,
            "command": event.command,
            "started": event.at,
            "started_by": event.started_by,
            "arguments": dict(event.arguments),
            "counts": {"hosts": len(event.hosts)},
            **manifest_row(self._manifest),
        }

    def _remember(self, connection: sa.Connection) -> None:
        """Take up what an earlier controller, or this one, left of the run's hosts."""
        query = sa.select(hosts).where(hosts.c.run == self._run)
        for row in connection.execute(query).mappings():
            record = host_record({**row, "tasks": ()})
            self._told[record.outcome.host] = (record.outcome.status, record.outcome.reason)
            self._hosts[record.outcome.host] = _Host(
                jobs={job.stage: job for job in record.jobs},
                timeline=Timeline(record.timeline),
                is_open=record.is_open,
            )

    def _host_started(self, event: HostStarted) -> None:
        host = self._hosts.setdefault(event.host, _Host())
        job = self._planned(event.host, host.done)
        host.stage = job.stage
        name = job_id(self._run, job.stage, job.attempt)
        host.timeline.begin(name, locks=self._manifest.changes, asked=self._asked)
        host.timeline.note(event, self._now_s())
        if not self._manifest.journaled:
            return  # what only reads leaves nothing at the host to come back to
        before = host.jobs.get(job.stage)
        if before is None or before.attempt != job.attempt:
            host.jobs[job.stage] = JobRecord(job.stage, job.attempt, job.become)
        if not self._manifest.observes:
            host.is_open = True
            self._write_start(event.host, host)

    def _planned(self, host: str, position: int) -> PlannedJob:
        jobs = self._manifest.jobs.get(host, ())
        return jobs[position] if position < len(jobs) else PlannedJob(position)

    def _write_start(self, name: str, host: _Host) -> None:
        """Put a host on record before the first connection to it, as one whose end nobody knows."""
        self._told[name] = (HostStatus.UNKNOWN, NO_END)
        begun = {
            "pop": self._manifest.pops.get(name, ""),
            "status": HostStatus.UNKNOWN.value,
            "reason": NO_END,
            "hint": f"edgectl runs attach {self._run}",
            "started": self._clock.now(),
            "ended": None,
            "jobs": _packed(host.jobs.values()),
            "timeline": _packed(host.timeline.entries),
        }
        self._write(begun, name)

    def _line_changed(self, event: HostLost | HostAttached) -> None:
        """Write down at once what the host's journal cannot tell again."""
        timeline = self._hosts[event.host].timeline
        timeline.note(event, self._now_s())
        if self._manifest.journaled:
            self._write({"timeline": _packed(timeline.entries)}, event.host)

    def _said(self, event: HostSaid) -> None:
        host = self._hosts[event.host]
        host.timeline.note(event, self._now_s())
        # An end that could not be journaled is none: the job goes on where its journal stops.
        if isinstance(event.message, Ended) and event.message.seq and host.stage in host.jobs:
            host.jobs[host.stage] = replace(host.jobs[host.stage], ended=event.message.status)
            host.is_open = False

    def _deferred(self, event: HostDeferred) -> None:
        """A host that is away and was not begun is on record as that, until it is tried again."""
        host = self._hosts[event.host]
        host.is_open = host.is_open and event.status is HostStatus.UNKNOWN
        if self._manifest.journaled:
            ended = None if host.is_open else self._clock.now()
            said = {"status": event.status.value, "reason": event.reason, "hint": "", "ended": ended}
            self._told[event.host] = (event.status, event.reason)
            self._write(said, event.host)

    def _host_ended(self, event: HostEnded) -> None:
        name = event.outcome.host
        host = self._hosts.setdefault(name, _Host())
        host.timeline.note(event, self._now_s())
        whole = joined(host.well, event.outcome) if host.well else event.outcome
        host.is_open = host.is_open and event.outcome.status is HostStatus.UNKNOWN
        if event.outcome.status in (HostStatus.OK, HostStatus.CHANGED):
            host.well, host.done = whole, host.done + 1
            whole = self._so_far(host, whole)
        self._write_end(whole, host)

    def _so_far(self, host: _Host, outcome: HostOutcome) -> HostOutcome:
        """Return how a host ended so far: with plays left to do, it has not run to its end."""
        if host.done >= self._stages.get(outcome.host, 0):
            return outcome
        reason = f"its later plays were not started; its earlier ones ended as {outcome.status}"
        return replace(outcome, status=HostStatus.NOT_RUN, reason=reason)

    def _write_end(self, outcome: HostOutcome, host: _Host) -> None:
        self._told[outcome.host] = (outcome.status, outcome.reason)
        ended = {
            "ended": None if host.is_open else self._clock.now(),
            "jobs": _packed(host.jobs.values()),
            "timeline": _packed(host.timeline.entries),
        }
        self._write(ended, outcome)

    def _write(self, values: Mapping[str, Any], host: HostOutcome | str) -> None:
        with self._engine.begin() as connection:
            upsert(connection, self._run, host, values)

    def _end(self, event: RunEnded) -> None:
        outcome = event.outcome
        with self._engine.begin() as connection:
            for host in outcome.hosts:
                if self._is_news(host):
                    ended = None if self._is_open(host.host) else event.at
                    upsert(connection, self._run, host, {"ended": ended})
            found = self._counts(connection)
            connection.execute(
                sa.update(runs)
                .where(runs.c.run == outcome.run)
                .values(self._end_row(event, found, connection))
            )

    def _is_news(self, outcome: HostOutcome) -> bool:
        """Tell whether a host ended otherwise than it is on record: its later plays, or it itself, were not started."""
        if self._manifest.observes:
            return False  # of hosts that it did not come to it knows nothing new
        if outcome.status is HostStatus.NOT_RUN and self._is_open(outcome.host):
            return False  # not started by us; begun before, and nobody knows its end
        return self._told.get(outcome.host) != (outcome.status, outcome.reason)

    def _is_open(self, host: str) -> bool:
        return host in self._hosts and self._hosts[host].is_open

    def _counts(self, connection: sa.Connection) -> dict[str, int]:
        query = (
            sa.select(hosts.c.status, sa.func.count().label("number"))
            .where(hosts.c.run == self._run)
            .group_by(hosts.c.status)
        )
        return {row.status: row.number for row in connection.execute(query)}

    def _end_row(
        self, event: RunEnded, found: Mapping[str, int], connection: sa.Connection
    ) -> dict[str, Any]:
        if self._begins:
            counts = {"hosts": len(event.outcome.hosts), **found}
            return {"finished": event.at, "stopped": event.outcome.stopped, "counts": counts}
        before = connection.execute(
            sa.select(runs.c.counts, runs.c.finished).where(runs.c.run == self._run)
        ).one()
        total = before.counts.get("hosts", 0)
        is_left = found.get(HostStatus.NOT_RUN, 0) or any(host.is_open for host in self._hosts.values())
        is_over = sum(found.values()) >= total and not is_left
        finished = event.at if before.finished is None and is_over else before.finished
        return {"finished": finished, "counts": {"hosts": total, **found}}

    def _now_s(self) -> float:
        return self._clock.now().timestamp()


def _packed(records: Any) -> list[list[Any]]:
    return [packed(record) for record in records]
