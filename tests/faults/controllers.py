"""Controllers that are killed, left and followed by others: the real command, against real hosts."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli_run import Edgectl
from tests.faults.rig import COUNTER
from tests.hosts.machines import Machine

_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Running:
    """A command that has not ended yet."""

    process: subprocess.Popen[str]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def interrupt(self) -> None:
        """Press Ctrl-C; two that follow at once would be one signal."""
        self.process.send_signal(signal.SIGINT)
        time.sleep(0.5)

    def wait(self) -> tuple[int, str]:
        """Return its exit code and what it said on stderr."""
        _, said = self.process.communicate(timeout=_PATIENCE_S)
        return self.process.returncode, said


def started(edgectl: Edgectl, *words: str | Path, cwd: Path | None = None) -> Running:
    """Begin `edgectl WORDS` as a person does, and come back at once."""
    return Running(
        subprocess.Popen(
            [sys.executable, "-m", "edgectl", *map(str, words)],
            env=edgectl.variables(),
            cwd=cwd or edgectl.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
    )


def counted(machine: Machine) -> Mapping[int, int]:
    """Return how often each counting task ran at a host."""
    said = machine.run(f"cat {COUNTER} 2>/dev/null; true")
    return Counter(int(number) for number in said.split())


def wait_for(what: Callable[[], Any]) -> None:
    """Return once something is the case."""
    give_up = time.monotonic() + _PATIENCE_S
    while not what():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def play(path: Path, tasks: Sequence[str], *, more: str = "", then: Sequence[str] = ()) -> Path:
    """Write a playbook of shell commands, whose canary is one host; `then` are lines of further tasks."""
    lines = ["- hosts: all", "  gather_facts: false", "  rollout: {canary: 1}", *([more] if more else [])]
    lines += ["  tasks:", *(f"    - {{name: t{n}, shell: '{task}'}}" for n, task in enumerate(tasks, 1))]
    lines += then
    path.write_text("\n".join(lines) + "\n")
    return path


def count(number: int, then: str = "true") -> str:
    """Return a command that must not run twice."""
    return f"echo {number} >> {COUNTER}; {then}"
