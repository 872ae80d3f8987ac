"""Runs the real command as a person or cron would: a process of its own, with an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    def report(self) -> dict[str, Any]:
        """Return the report of `-o json`."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found

    def host(self, name: str) -> dict[str, Any]:
        """Return one host of the report."""
        found: dict[str, Any] = next(host for host in self.report()["hosts"] if host["host"] == name)
        return found


@dataclass(frozen=True, slots=True)
class Edgectl:
    """The command, with an inventory and a state store of the test's own."""

    home: Path
    inventory: Path
    environment: Mapping[str, str]

    def __call__(
        self, *words: str | Path, timeout_s: float = 100, more: Mapping[str, str] | None = None
    ) -> Ended:
        """Run `edgectl WORDS` and wait for it."""
        environment = {**self.variables(), **(more or {})}
        command = [sys.executable, "-m", "edgectl", *map(str, words)]
        done = subprocess.run(
            command,
            env=environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def variables(self) -> dict[str, str]:
        """Return the environment that the command runs in."""
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),  # noqa: TID251 - a test is the outermost layer
            "HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "EDGECTL_INVENTORY": str(self.inventory),
            **self.environment,
        }
