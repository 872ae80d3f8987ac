"""The real command as a process that can be watched, interrupted and killed at any event of its run."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cli_run import Edgectl

_DEADLINE_S = 60


@dataclass
class Live:
    """A running `edgectl … -o jsonl`."""

    process: subprocess.Popen[str]
    events: list[dict[str, Any]] = field(default_factory=list)
    said: str = ""

    @property
    def run(self) -> str:
        """Return the id of the run, once it has begun."""
        return str(self.events[0]["run"])

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> bool:
        """Read events until one is wanted; False where the command ended before."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(json.loads(line))
            if wanted(self.events[-1]):
                return True
        return False

    def until_task(self, name: str) -> bool:
        """Read until a task of this name has begun."""
        return self.until(lambda event: event["type"] == "TaskStarted" and event["name"] == name)

    def interrupt(self) -> None:
        """Press Ctrl-C, and wait until the command has noticed: two that follow at once would be one signal."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if "interrupted" in line or "detached" in line:
                self.said += line
                return

    def kill(self) -> None:
        """End the command so that it hears nothing of it."""
        self.process.kill()
        self.process.wait()

    def ended(self) -> tuple[int, str]:
        """Wait for the command's own end; return its exit code and what it told people."""
        self.until(lambda _: False)
        assert self.process.stderr is not None
        self.said += self.process.stderr.read()
        return self.process.wait(timeout=_DEADLINE_S), self.said

    def report(self) -> dict[str, Any]:
        """Return the report at the stream's end."""
        assert self.events[-1]["type"] == "report"
        return self.events[-1]


@contextmanager
def live(edgectl: Edgectl, *words: str | Path) -> Iterator[Live]:
    """Start `edgectl WORDS -o jsonl`; it ends with the block at the latest."""
    command = [sys.executable, "-m", "edgectl", *map(str, words), "-o", "jsonl"]
    process = subprocess.Popen(
        command,
        env=edgectl.variables(),
        cwd=edgectl.home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            yield Live(process)
        finally:
            process.kill()
