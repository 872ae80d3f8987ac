"""An observer that writes a run down while it happens."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from edgectl.engine.events import HostEnded, RunEnded, RunEvent, RunStarted
from edgectl.engine.outcome import HostOutcome, joined
from edgectl.store.tables import hosts, runs


class Recorder:
    """Keeps runs and how each host ended; one transaction per host, so that a crash loses nothing known."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._run = ""
        self._seen: dict[str, HostOutcome] = {}

    def on_event(self, event: RunEvent) -> None:
        """Write down the events that matter later."""
        match event:
            case RunStarted():
                self._begin(event)
            case HostEnded():
                self._host(event.outcome)
            case RunEnded():
                self._end(event)
            case _:
                pass

    def _begin(self, event: RunStarted) -> None:
        self._run = event.run
        with self._engine.begin() as connection:
            connection.execute(
                sa.insert(runs).values(
                    run=event.run,
                    command=event.command,
                    started=event.at,
                    started_by=event.started_by,
                    arguments=dict(event.arguments),
                    counts={"hosts": len(event.hosts)},
                )
            )

    def _host(self, outcome: HostOutcome) -> None:
        before = self._seen.get(outcome.host)
        with self._engine.begin() as connection:
            self._replace(connection, joined(before, outcome) if before else outcome)

    def _replace(self, connection: sa.Connection, outcome: HostOutcome) -> None:
        if outcome.host in self._seen:
            same = (hosts.c.run == self._run) & (hosts.c.host == outcome.host)
            connection.execute(sa.delete(hosts).where(same))
        connection.execute(sa.insert(hosts).values(run=self._run, **_row(outcome)))
        self._seen[outcome.host] = outcome

    def _is_told(self, outcome: HostOutcome) -> bool:
        seen = self._seen.get(outcome.host)
        return seen is not None and seen.status is outcome.status

    def _end(self, event: RunEnded) -> None:
        outcome = event.outcome
        # A host whose later plays were not started ends otherwise than its earlier plays did.
        late = [host for host in outcome.hosts if not self._is_told(host)]
        counts = {status.value: count for status, count in outcome.counts.items()}
        with self._engine.begin() as connection:
            for host in late:
                self._replace(connection, host)
            connection.execute(
                sa.update(runs)
                .where(runs.c.run == outcome.run)
                .values(
                    finished=event.at,
                    stopped=outcome.stopped,
                    counts={"hosts": len(outcome.hosts), **counts},
                )
            )


def _row(outcome: HostOutcome) -> dict[str, Any]:
    return {
        "host": outcome.host,
        "pop": outcome.pop,
        "status": outcome.status.value,
        "reason": outcome.reason,
        "failed_task": outcome.failed_task,
        "hint": outcome.hint,
        "seconds": outcome.seconds,
        "tasks": [
            {
                "name": task.name,
                "module": task.module,
                "status": task.status.value,
                "seconds": task.seconds,
                "result": dict(task.result),
            }
            for task in outcome.tasks
        ],
    }
