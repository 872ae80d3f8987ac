"""Hosts without a network: the real runner as a local process, behind a pipe that a schedule cuts.

The controller's clock is turned by hand, so nothing here waits for a deadline.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from edgectl.engine.faults import FaultKind, HostFault
from edgectl.engine.ports import Timings
from edgectl.inventory.model import Host
from edgectl.remote.errands import Errand
from edgectl.remote.journal import runner_of
from edgectl.remote.protocol import Message, decode_message
from tests.remote.bundled import MAGIC, BundledHost


class Trouble(Enum):
    """What a visit to a host meets."""

    REFUSED = "refused"  # at the door
    CUT = "cut"  # the line ends behind so many messages; the host goes on
    KILLED = "killed"  # the job's runner dies by -9 behind so many messages
    POWER = "power"  # every process of the host dies


@dataclass(frozen=True, slots=True)
class Visit:
    """How one visit fares: its trouble comes behind so many messages."""

    trouble: Trouble
    messages: int = 0


class PipeHosts:
    """The Connector port over local processes; visits beyond a host's schedule meet no trouble."""

    def __init__(self, folder: Path, schedule: Mapping[str, Sequence[Visit]]) -> None:
        self._folder = folder
        self._schedule = schedule
        self._visits: dict[str, int] = defaultdict(int)
        self._lock = threading.Lock()
        self.command_lines: set[str] = set()

    def root(self, host: str) -> Path:
        """Return where a host keeps everything."""
        path = self._folder / host
        path.mkdir(exist_ok=True)
        return path

    def connect(self, host: Host, *, fresh: bool = False, within_s: float | None = None) -> PipeSession:
        """Open the next visit of a host's schedule."""
        del fresh, within_s  # every visit is a process of its own
        with self._lock:
            number = self._visits[host.name]
            self._visits[host.name] += 1
        planned = self._schedule.get(host.name, ())
        visit = planned[number] if number < len(planned) else None
        if visit is not None and visit.trouble is Trouble.REFUSED:
            raise HostFault(FaultKind.REFUSED, "connection refused")
        return PipeSession(self, self.root(host.name), visit)

    def close(self) -> None:
        """Hold nothing."""

    def end_all(self) -> None:
        """End every process of every host."""
        for root in self._folder.iterdir():
            kill(processes_of(root))


class PipeSession:
    """One visit; see `engine.ports.Session`."""

    timings: Timings | None = None

    def __init__(self, hosts: PipeHosts, root: Path, visit: Visit | None) -> None:
        self._hosts = hosts
        self._root = root
        self._visit = visit

    def run(self, errand: Errand, *, after: int, confirms: int | None = None) -> Iterator[Message]:
        """Do the errand and yield what the host says until the trouble comes."""
        process = BundledHost(self._root).start(errand, after, confirms=confirms)
        assert process.stdout is not None
        assert process.stderr is not None
        heard = 0
        try:
            self._strike_behind(heard, errand.id)
            for line in process.stdout:
                if line.startswith(MAGIC.encode()):
                    yield decode_message(line.decode().removeprefix(f"{MAGIC} "))
                    heard += 1
                    self._strike_behind(heard, errand.id)
            raise HostFault(FaultKind.LOST, "the runner went away")
        finally:
            self._hosts.command_lines |= command_lines_of(self._root)
            process.stdout.close()
            process.stderr.close()
            threading.Thread(target=process.wait, daemon=True).start()

    def _strike_behind(self, heard: int, job: str) -> None:
        if self._visit is None or heard != self._visit.messages:
            return
        if self._visit.trouble is Trouble.KILLED:
            runner = runner_of(str(self._root / "var/lib/edgectl/runs" / job))
            kill([] if runner is None else [runner])
        elif self._visit.trouble is Trouble.POWER:
            kill(processes_of(self._root))
        raise HostFault(FaultKind.LOST, "the connection was closed")

    def close(self) -> None:
        """The pipe was closed where the reading ended."""


def processes_of(root: Path) -> list[int]:
    """Return the processes that belong to a host: their environment says so."""
    mark = f"EDGECTL_HOST_ROOT={root}\0".encode()
    return [pid for pid in _pids() if mark in _proc(pid, "environ") + b"\0"]


def command_lines_of(root: Path) -> set[str]:
    """Return what the process list shows of a host now."""
    return {_proc(pid, "cmdline").decode("utf-8", "replace") for pid in processes_of(root)}


def kill(pids: Sequence[int]) -> None:
    """Kill processes, all of them stopped first, so that none can start another meanwhile."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue


def _pids() -> list[int]:
    found = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())
    return [pid for pid in found if pid != os.getpid()]


def _proc(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
