"""How long a node's plan will take: each change as long as it took before, where that is on record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from edgectl.engine.outcome import HostStatus, TaskStatus
from edgectl.engine.records import RunHistory

# Where nothing is on record: a server's firmware takes minutes to come up again, an image for a DPU a quarter of an
# hour (NVIDIA's deployment guide for BlueField-3 says 10 to 20 minutes).
_GUESSED_S = {" / reboot": 300.0, " / packages": 120.0, "dpu / image": 900.0}
_SMALL_S = 2.0
# `dcgmi diag` by level: NVIDIA's DCGM user guide says seconds, about 2, about 30 minutes and 1 to 2 hours.
_DIAG_S = {1: 30.0, 2: 120.0, 3: 1800.0, 4: 5400.0}
_ACCEPTED_BY = "accept / reboot"
_RUNS, _HOSTS = 20, 40


@dataclass(frozen=True, slots=True)
class Durations:
    """The median of each change in seconds, by its task's name; `hosts` is how many it was learned from."""

    known: Mapping[str, float]
    hosts: int

    def of(self, changes: Iterable[str], acceptance: Mapping[str, Any]) -> float:
        """Return how long these changes take on one node, with the tests that a new acceptance wants."""
        names = [change.partition(" (")[0] for change in changes]
        takes_s = sum(self._of(name) for name in names)
        if any(name.startswith(_ACCEPTED_BY) for name in names):
            takes_s += _DIAG_S.get(acceptance.get("diag_level") or 0, 0.0) + (
                acceptance.get("burn_in_s") or 0
            )
        return takes_s

    def _of(self, name: str) -> float:
        if name in self.known:
            return self.known[name]
        return next((takes_s for part, takes_s in _GUESSED_S.items() if part in name), _SMALL_S)


def learned(history: RunHistory) -> Durations:
    """Return what the latest provisioning runs took: of each a few dozen hosts, which are enough for a median."""
    took: dict[str, list[float]] = defaultdict(list)
    hosts = 0
    runs = [run.run for run in history.runs(_RUNS) if run.command == "provision"]
    for run in runs:
        for record in history.hosts(run, limit=_HOSTS):
            if record.outcome.status is HostStatus.CHANGED:
                hosts += 1
                for task in record.outcome.tasks:
                    if task.status is TaskStatus.CHANGED:
                        took[task.name].append(task.seconds)
    return Durations({name: median(found) for name, found in took.items()}, hosts)
