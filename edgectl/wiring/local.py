"""This machine as the only host: the travelling code runs here, in a process of its own, without SSH."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from edgectl import shipped
from edgectl.clock import SystemClock
from edgectl.engine.faults import FaultKind, HostFault
from edgectl.engine.ports import Observer, Session, Timings
from edgectl.inventory.model import Fleet, Host, Pop, PopState, SshOptions
from edgectl.ops.services import Services
from edgectl.pools.threads import ThreadPool
from edgectl.remote.errands import Errand
from edgectl.remote.protocol import Message, decode_message
from edgectl.secret import SecretSource
from edgectl.settings import Settings
from edgectl.ssh.bundle_shelf import BundleShelf
from edgectl.ssh.loader import command_line, payload
from edgectl.wiring.adapters import open_store
from edgectl.wiring.interrupts import Interrupts

_HERE = "here"
_READ_BYTES = 64 * 1024
# A live runner says something at least every few seconds (`protocol.HEARTBEAT_S`).
_SILENCE_S = 60.0


@contextmanager
def open_local_services(settings: Settings, observers: Sequence[Observer]) -> Iterator[Services]:
    """Yield services over a fleet of one, which is this machine; no inventory is read."""
    clock = SystemClock()
    store = open_store(settings, clock)
    interrupts = Interrupts()
    connector = LocalConnector(settings.environment)
    try:
        with interrupts.watched():
            yield Services(
                fleet=_fleet_of_one(),
                pool=ThreadPool(connector, clock, width=1),
                observers=[store.recorder, *observers],
                clock=clock,
                random_bytes=os.urandom,
                interrupts=interrupts,
                secrets=SecretSource(settings.environment),
                started_by=settings.started_by,
                playbooks=shipped.playbooks(),
                history=store.history,
                freezes=store.freezes,
                bench=store.bench,
            )
    finally:
        connector.close()


class LocalConnector:
    """Opens sessions with this machine; see `engine.ports.Connector`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._open: list[LocalSession] = []

    def connect(self, host: Host, *, fresh: bool = False, within_s: float | None = None) -> Session:
        """Return a session; there is nothing to reach and no key to verify."""
        del host, fresh, within_s
        self._open.append(LocalSession(self._environment))
        return self._open[-1]

    def close(self) -> None:
        """End what still runs."""
        for session in self._open:
            session.close()


class LocalSession:
    """The bundle over a pipe in place of a channel; see `engine.ports.Session`."""

    timings: Timings | None = None

    def __init__(self, environment: Mapping[str, str]) -> None:
        # The interpreter that runs this is the first that the loader finds.
        path = f"{Path(sys.executable).parent}:{environment.get('PATH', os.defpath)}"
        self._environment = {**environment, "PATH": path}
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, errand: Errand, *, after: int, confirms: int | None = None) -> Iterator[Message]:
        """Do the errand and yield what it says."""
        magic = f"EDGECTL-{os.urandom(8).hex()}"
        reading, writing = os.pipe()
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", command_line(magic, become=False)],
            stdin=reading,
            stdout=subprocess.PIPE,
            env=self._environment,
            start_new_session=True,  # Ctrl-C is for us to hear, not for the runner
        )
        os.close(reading)
        sent = payload(errand, magic, BundleShelf(), after=after, confirms=confirms, inline=True)
        _give(writing, sent.opening + sent.code)
        yield from _messages(self._process, magic)

    def close(self) -> None:
        """End the runner; its workers notice and end too."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()


def _give(writing: int, whole: bytes) -> None:
    try:
        with open(writing, "wb") as stream:
            stream.write(whole)
    except BrokenPipeError:
        raise HostFault(FaultKind.NO_PYTHON, "no Python 3.9 or later on this machine's PATH") from None


def _messages(process: subprocess.Popen[bytes], magic: str) -> Iterator[Message]:
    begins = magic.encode() + b" "
    for line in _lines(process):
        if line.startswith(begins):
            yield decode_message(line[len(begins) :].decode())


def _lines(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    rest = b""
    while process.stdout is not None:
        if not select.select([process.stdout], [], [], _SILENCE_S)[0]:
            raise HostFault(FaultKind.SILENT, f"no sign of life for {_SILENCE_S:g} s")
        received = os.read(process.stdout.fileno(), _READ_BYTES)
        if not received:
            raise HostFault(FaultKind.LOST, f"the runner went away with exit {process.wait()}")
        *lines, rest = (rest + received).split(b"\n")
        yield from lines


def _fleet_of_one() -> Fleet:
    pop = Pop(_HERE, "", "", "", "UTC", PopState.LIVE, None, {})
    host = Host(
        name=_HERE,
        address="127.0.0.1",
        pop=pop,
        rack="",
        role="",
        hardware="",
        labels={},
        vars={},
        ssh=SshOptions(),
        host_key=None,
        groups=(),
        origins={},
    )
    nowhere = Path(os.devnull)
    return Fleet({_HERE: host}, {_HERE: pop}, {}, {}, nowhere, nowhere)
