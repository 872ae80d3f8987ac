"""How a real machine plays a fault: with its own sshd and its own disk, so that it lasts across its boots."""

from __future__ import annotations

import signal

from edgectl.lab.faults import Fault, FaultKind
from edgectl.lab.nspawn.line import KeeperLine
from edgectl.lab.nspawn.machine import CHANGED_KEY, HOST_KEY, OWN_KEY

_SSHD = "sshd"


def make_sick(line: KeeperLine, host: str, fault: Fault) -> None:
    """Play a fault of the kinds in `AT_MACHINES` that last.

    A silent host's sshd takes connections and says nothing; after a boot of its own it refuses them.
    """
    match fault.kind:
        case FaultKind.UNREACHABLE if fault.value == "silent":
            _open(line, host)
            line.ask("run", host=host, command=["systemctl", "mask", "ssh"])
            _signal(line, host, signal.SIGSTOP)
        case FaultKind.UNREACHABLE:
            _open(line, host)
            line.ask("run", host=host, command=["systemctl", "mask", "--now", "ssh"])
            _signal(line, host, signal.SIGKILL)
        case FaultKind.HOSTKEY:
            _use_key(line, host, CHANGED_KEY)
        case FaultKind.DISK_FULL:
            line.ask("fill", host=host)
        case _:
            raise AssertionError(fault)


def heal(line: KeeperLine, host: str) -> None:
    """End every fault that lasts."""
    line.ask("empty", host=host)
    _open(line, host)
    _use_key(line, host, OWN_KEY)


def _open(line: KeeperLine, host: str) -> None:
    _signal(line, host, signal.SIGCONT)
    for command in (["systemctl", "unmask", "ssh"], ["systemctl", "start", "ssh"]):
        line.ask("run", host=host, command=command)


def _use_key(line: KeeperLine, host: str, key: str) -> None:
    line.ask("run", host=host, command=["cp", "-p", f"/{key}", f"/{HOST_KEY}"])
    line.ask("run", host=host, command=["systemctl", "try-reload-or-restart", "ssh"])


def _signal(line: KeeperLine, host: str, number: signal.Signals) -> None:
    line.ask("signal", host=host, program=_SSHD, signal=int(number))
