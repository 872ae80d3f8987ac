"""The default: threads of this process for some hosts, processes of their own for many."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from edgectl.engine.events import RunEvent
from edgectl.engine.ports import HostPool, HostWork, NextWork


class SizedPool:
    """Leaves a run to `few` or to `many`, by how many hosts it has: from `enough` on they are many."""

    def __init__(self, few: HostPool, many: HostPool, *, enough: int) -> None:
        self._few = few
        self._many = many
        self._enough = enough

    def check(self, work: Iterable[HostWork]) -> None:
        """Take any work; see `HostPool`."""

    def run(self, next_work: NextWork, on_event: Callable[[RunEvent], None], *, hosts: int = 1) -> None:
        """Work until `next_work` has said None and every host has ended; see `HostPool`."""
        pool = self._many if hosts >= self._enough else self._few
        pool.run(next_work, on_event, hosts=hosts)
