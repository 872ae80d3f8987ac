"""Hosts that follow a script: what they say on each visit, and which fault ends it."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from edgectl.engine.faults import FaultKind, HostFault
from edgectl.engine.ports import Timings
from edgectl.inventory.model import Host
from edgectl.remote.errands import Errand
from edgectl.remote.protocol import Ended, Hello, Message, TaskEnded, TaskStarted
from tests.fakes.clock import FakeClock

# What happens on a visit: messages, seconds that pass (a float), and the fault that ends it.
Step = Message | BaseException | float
# One visit: a fault at the door, or steps until the job's end or a fault.
Visit = BaseException | Sequence[Step]

HELLO = Hello("3.11.7", "boot-1", "root")
LOST = HostFault(FaultKind.LOST, "reset by peer")
REFUSED = HostFault(FaultKind.REFUSED, "connection refused")


def began(seq: int, index: int = 1) -> TaskStarted:
    return TaskStarted(index, f"task {index}", seq)


def done(seq: int, index: int = 1, status: str = "ok") -> TaskEnded:
    changes = {"changed": status == "changed"}
    return TaskEnded(index, f"task {index}", "ping", status, 0.1, changes, seq=seq)


def whole(status: str = "ok", reason: str = "") -> list[Step]:
    """Return a visit without trouble, to a host whose one task ends like this."""
    failed = "task 1" if status == "failed" else None
    return [HELLO, began(1), done(2, status=status), Ended(status, failed, reason, 3)]


@dataclass
class FakeSession:
    """Says what the script says, as a host's journal would: nothing that was heard already."""

    visit: Sequence[Step]
    clock: FakeClock
    repeats: bool = False
    asked: list[tuple[Errand, int]] = field(default_factory=list)
    confirmed: list[int | None] = field(default_factory=list)
    is_closed: bool = False
    timings: Timings | None = None

    def run(self, errand: Errand, *, after: int, confirms: int | None = None) -> Iterator[Message]:
        self.asked.append((errand, after))
        self.confirmed.append(confirms)
        for step in self.visit:
            if isinstance(step, BaseException):
                raise step
            if isinstance(step, float):
                self.clock.turn(step)
            elif step.seq == 0 or step.seq > after or self.repeats:
                yield step

    def close(self) -> None:
        self.is_closed = True


class FakeConnector:
    """Opens the next visit of a host's script; its last one repeats for ever. Others end well.

    `repeats` makes hosts that send again what was heard already.
    """

    def __init__(
        self,
        script: Mapping[str, Sequence[Visit]] | None = None,
        clock: FakeClock | None = None,
        *,
        repeats: bool = False,
        timings: Mapping[str, Timings] | None = None,
    ) -> None:
        self._script = script or {}
        self._clock = clock or FakeClock()
        self._repeats = repeats
        self._timings = timings or {}
        self._lock = threading.Lock()
        self.visits: dict[str, list[FakeSession | BaseException]] = defaultdict(list)
        self.is_closed = False
        self.fresh: list[bool] = []
        self.within_s: dict[str, float | None] = {}

    def connect(self, host: Host, *, fresh: bool = False, within_s: float | None = None) -> FakeSession:
        self.fresh.append(fresh)
        self.within_s[host.name] = within_s
        script = self._script.get(host.name, (whole(),))
        with self._lock:
            visit = script[min(len(self.visits[host.name]), len(script) - 1)]
            opened = visit if isinstance(visit, BaseException) else self._session(host, visit)
            self.visits[host.name].append(opened)
        if isinstance(opened, BaseException):
            raise opened
        return opened

    def _session(self, host: Host, visit: Sequence[Step]) -> FakeSession:
        return FakeSession(visit, self._clock, self._repeats, timings=self._timings.get(host.name))

    def close(self) -> None:
        self.is_closed = True

    def afters(self, host: str) -> list[int]:
        """Return after which event each attach to a host went on."""
        sessions = [visit for visit in self.visits[host] if isinstance(visit, FakeSession)]
        return [after for session in sessions for _, after in session.asked]
