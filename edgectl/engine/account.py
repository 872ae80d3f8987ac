"""What has happened in a run so far, and everybody who is told."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from edgectl.engine.events import HostEnded, RunEvent, RunStopped
from edgectl.engine.outcome import HostOutcome, HostStatus, joined
from edgectl.engine.ports import Observer
from edgectl.engine.schedule import WELL
from edgectl.inventory.model import Host

_log = logging.getLogger(__name__)


class Account:
    """The outcomes of a run as they come in; `ended` are those that an earlier try of it brought."""

    def __init__(self, observers: Sequence[Observer], ended: Mapping[str, HostOutcome]) -> None:
        self._observers = observers
        self._outcomes = dict(ended)
        self._kept = frozenset(ended)
        self._stages_ended: Counter[str] = Counter()
        self.stopped = ""
        self.is_halted = False

    def tell(self, event: RunEvent) -> None:
        """Tell every observer; one that fails is nobody else's trouble."""
        for observer in self._observers:
            try:
                observer.on_event(event)
            except Exception:  # noqa: BLE001 - an observer is one of the five broad places
                # A broken progress bar or a full disk must not stop a fleet half-way.
                _log.exception("an observer failed")

    def stop(self, reason: str) -> None:
        """Start no new hosts; the first reason counts."""
        if not self.stopped:
            self.stopped = reason
            self.tell(RunStopped(reason))

    def halt(self, reason: str) -> None:
        """Start no new hosts for what was found at those that ran: a budget, a canary, a gate."""
        self.is_halted = self.is_halted or not self.stopped
        self.stop(reason)

    def end(self, outcome: HostOutcome) -> None:
        """Note how a host ended a stage, and tell it."""
        before = self._outcomes.get(outcome.host)
        self._stages_ended[outcome.host] += 1
        self._outcomes[outcome.host] = joined(before, outcome) if before else outcome
        self.tell(HostEnded(outcome))

    def statuses(self) -> dict[str, HostStatus]:
        """Return how each host stands that has ended at least one stage."""
        return {name: outcome.status for name, outcome in self._outcomes.items()}

    def is_well(self, host: str) -> bool:
        """Tell whether nothing is known against a host."""
        return host not in self._outcomes or self._outcomes[host].status in WELL

    def outcome_of(self, host: Host, stages: int) -> HostOutcome:
        """Return how a host ended; one that did well but not all of its stages did not run to its end."""
        reason = f"not started: {self.stopped}" if self.stopped else "not started"
        ended = self._outcomes.get(host.name)
        if ended is None:
            return HostOutcome(host.name, host.pop.name, HostStatus.NOT_RUN, reason)
        is_whole = host.name in self._kept or self._stages_ended[host.name] == stages
        if self.is_well(host.name) and not is_whole:
            so_far = f"{reason}; its earlier plays ended as {ended.status}"
            return replace(ended, status=HostStatus.NOT_RUN, reason=so_far)
        return ended
