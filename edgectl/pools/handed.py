"""Hosts that were handed to workers: who has each of them, and what was told of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgectl.clock import Clock
from edgectl.engine.events import (
    HostAttached,
    HostConnected,
    HostEnded,
    HostLost,
    HostSaid,
    HostStarted,
    RunEvent,
)
from edgectl.engine.faults import FaultKind, HostFault
from edgectl.engine.host_progress import Progress, faulted
from edgectl.engine.outcome import HostOutcome
from edgectl.engine.ports import HostWork

# A host whose work ends a worker each time must not end them all.
MOST_LOSSES = 3

HostEvent = HostStarted | HostConnected | HostSaid | HostLost | HostAttached | HostEnded


@dataclass(slots=True)
class _Host:
    work: HostWork
    worker: str
    began: float
    is_told: bool = False  # that it has started
    after: int = 0  # the last event of its journal that was told
    losses: int = 0


class Handed:
    """Keeps account of hosts in flight, so that none is lost with its worker and nothing is told twice."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._hosts: dict[str, _Host] = {}

    def __len__(self) -> int:
        return len(self._hosts)

    def give(self, work: HostWork, worker: str) -> None:
        """Note who has a host now."""
        host = self._hosts.setdefault(work.host.name, _Host(work, worker, self._clock.monotonic()))
        host.worker = worker

    def news(self, event: RunEvent, worker: str) -> HostEvent | None:
        """Return what there is to tell of what a worker says; None where it is known, or no business of its own."""
        if not isinstance(event, HostEvent):
            return None
        name = event.outcome.host if isinstance(event, HostEnded) else event.host
        host = self._hosts.get(name)
        if host is None or host.worker != worker:
            return None
        match event:
            case HostStarted():
                is_news, host.is_told = not host.is_told, True
                return event if is_news else None
            case HostSaid(message=message) if message.seq:
                is_news, host.after = message.seq > host.after, max(host.after, message.seq)
                return event if is_news else None
            case HostEnded():
                del self._hosts[name]
                return HostEnded(self._over_all(event.outcome, host))
            case _:
                return event

    def lose(self, worker: str) -> tuple[list[HostWork], list[HostEnded]]:
        """Take a worker's hosts from it: return those to hand to another one, and those to give up.

        At another worker they are come back to: the job may have begun.
        """
        again: list[HostWork] = []
        given_up: list[HostEnded] = []
        for name, host in list(self._hosts.items()):
            if host.worker != worker:
                continue
            host.losses += 1
            host.worker = ""
            if host.losses < MOST_LOSSES:
                again.append(replace(host.work, begun=True))
            else:
                del self._hosts[name]
                given_up.append(HostEnded(self._over_all(_given_up(host.work), host)))
        return again, given_up

    def _over_all(self, outcome: HostOutcome, host: _Host) -> HostOutcome:
        """Count the time of all workers that had the host."""
        if not host.losses:
            return outcome
        return replace(outcome, seconds=round(self._clock.monotonic() - host.began, 3))


def _given_up(work: HostWork) -> HostOutcome:
    fault = HostFault(FaultKind.LOST, f"{MOST_LOSSES} workers of edgectl died with this host in hand")
    return faulted(work, Progress(started=True, greetings=1), fault)
