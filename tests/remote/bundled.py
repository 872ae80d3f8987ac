"""The runner as a host has it: the real bundle, through the real command line, under any Python."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest

from edgectl.remote.errands import Errand
from edgectl.remote.job import Job
from edgectl.remote.protocol import Ended, Message, TaskEnded, decode_message
from edgectl.ssh.bundle_shelf import BundleShelf
from edgectl.ssh.loader import command_line, payload
from tests.fakes.fleet import a_task

SUPPORTED = ("3.9", "3.10", "3.11", "3.12", "3.13")
MAGIC = "EDGECTL-test"
Kind = TypeVar("Kind")


@cache
def python(version: str) -> Path | None:
    """Find a Python of a minor version: pyenv's, else on PATH."""
    for path in sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"), reverse=True):
        return path
    found = shutil.which(f"python{version}")
    works = found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0
    return Path(found) if found and works else None


def every_python() -> list[Any]:
    """Return each supported version as a pytest parameter; absent ones are skipped."""
    found = []
    for version in SUPPORTED:
        reason = f"needs Python {version}: pyenv install {version}, or apt-get install python{version}"
        found.append(pytest.param(version, marks=pytest.mark.skipif(python(version) is None, reason=reason)))
    return found


@dataclass
class Visit:
    """One attach: what the host said, and how the shell ended."""

    messages: list[Message]
    code: int
    noise: str

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [message for message in self.messages if isinstance(message, kind)]

    @property
    def end(self) -> Ended:
        (ended,) = self.of(Ended)
        return ended

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        return {message.name: message.result for message in self.of(TaskEnded)}

    @property
    def statuses(self) -> dict[str, str]:
        return {message.name: message.status for message in self.of(TaskEnded)}

    @property
    def seqs(self) -> list[int]:
        return [message.seq for message in self.messages if message.seq]


@dataclass
class BundledHost:
    """A folder that is a host: everything of edgectl's own lies below it."""

    folder: Path
    version: str = "3.11"
    environment: Mapping[str, str] = field(default_factory=dict)
    shell: str = "/bin/sh"

    def start(
        self, errand: Errand, after: int = 0, head: bytes = b"", confirms: int | None = None
    ) -> subprocess.Popen[bytes]:
        """Begin an errand, and leave the rest to the caller."""
        process = subprocess.Popen(
            [self.shell, "-c", command_line(MAGIC, become=errand.become)],
            env=self.login(),
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # a host that has ended already has said why
            sent = payload(errand, MAGIC, BundleShelf(), after=after, confirms=confirms, inline=True)
            process.stdin.write(head + sent.opening + sent.code)
        process.stdin.close()
        process.stdin = None
        return process

    def run(self, errand: Errand, after: int = 0, timeout_s: float = 60, head: bytes = b"") -> Visit:
        """Do an errand until the stream ends."""
        process = self.start(errand, after, head)
        out, err = process.communicate(timeout=timeout_s)
        return Visit(messages_in(out), process.returncode, err.decode())

    def journal(self, job: Job) -> Path:
        return self.folder / "var/lib/edgectl/runs" / job.id / "journal.jsonl"

    def wait_for(self, path: Path, timeout_s: float = 30) -> None:
        give_up = time.monotonic() + timeout_s
        while not path.exists():
            assert time.monotonic() < give_up, f"{path} did not come"
            time.sleep(0.01)

    def login(self) -> dict[str, str]:
        """Return the environment of a login there."""
        programs = self.folder / "programs"
        programs.mkdir(exist_ok=True)
        link = programs / "python3"
        if not os.path.lexists(link):
            link.symlink_to(python(self.version) or "/nonexistent")
        path = f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin"
        return {
            "PATH": path,
            "HOME": str(self.folder),
            "EDGECTL_HOST_ROOT": str(self.folder),
            **self.environment,
        }


def messages_in(out: bytes) -> list[Message]:
    """Return the messages of a stream, banners and the like left out."""
    lines = [line for line in out.decode().splitlines() if line.startswith(f"{MAGIC} ")]
    return [decode_message(line.removeprefix(f"{MAGIC} ")) for line in lines]


def shell(index: int, text: str, name: str = "", **more: Any) -> Any:
    """Return a task that runs a shell script."""
    return a_task(index, "shell", {"cmd": text}, name, **more)


def end_of(process: subprocess.Popen[bytes]) -> Visit:
    """Wait for a visit that was started."""
    out, err = process.communicate(timeout=60)
    return Visit(messages_in(out), process.returncode, err.decode())


def is_root() -> bool:
    return os.geteuid() == 0


def python_says(version: str, script: str) -> str:
    """Return what a script prints under a version of Python that finds edgectl and nothing else."""
    words = [str(python(version)), "-S", "-c", script]
    told = {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(words, env=told, capture_output=True, text=True, check=True).stdout.strip()
