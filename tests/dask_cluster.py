"""A real Dask scheduler with real workers, as processes on loopback; both end with the block."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.cli_run import ROOT

_START_S = 60.0


@dataclass
class Cluster:
    """A scheduler and what is needed to start workers at it."""

    folder: Path
    address: str
    environment: Mapping[str, str]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def add_worker(
        self, *options: str, python_path: Path | str = ROOT, more: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a worker, and return when the scheduler knows it."""
        number = len(self.workers)
        log = self.folder / f"worker{number}.log"
        words = ["worker", self.address, "--no-nanny", "--nthreads", "1", "--no-dashboard"]
        words += ["--name", f"w{number}", "--local-directory", str(self.folder), *options]
        environment = {**self.environment, "PYTHONPATH": str(python_path), **(more or {})}
        worker = start(words, environment, log)
        self.workers.append(worker)
        _wait_for(lambda: "Registered to" in log.read_text(), worker, log)
        return worker

    @property
    def pool(self) -> str:
        """Return the cluster as `--pool` names it."""
        return self.address.replace("tcp://", "dask://")


@contextmanager
def cluster(folder: Path, workers: Sequence[Sequence[str]] = ((), ()), **more: str) -> Iterator[Cluster]:
    """Start a scheduler, with a worker for each entry, which holds its further options."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT), **more}  # noqa: TID251
    protocol = ["--protocol", "tls"] if "DASK_DISTRIBUTED__COMM__TLS__CA_FILE" in more else []
    found = folder / "scheduler.json"
    log = folder / "scheduler.log"
    words = ["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show", *protocol]
    with ExitStack() as running:
        scheduler = start([*words, "--scheduler-file", str(found)], environment, log)
        running.callback(_end, scheduler)
        _wait_for(lambda: found.exists() and found.read_text().endswith("}"), scheduler, log)
        opened = Cluster(folder, json.loads(found.read_text())["address"], environment)
        running.callback(_end_all, opened.workers)
        for options in workers:
            opened.add_worker(*options)
        yield opened


def start(words: Sequence[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Run `dask WORDS` beside us."""
    kind, *rest = words
    command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *rest]
    with log.open("wb") as stream:
        return subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            cwd=log.parent,
        )


def _end_all(workers: Sequence[subprocess.Popen[bytes]]) -> None:
    for worker in workers:
        _end(worker)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _wait_for(is_there: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + _START_S  # noqa: TID251 - a test is the outermost layer
    while not is_there():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < give_up, log.read_text()  # noqa: TID251 - as above
        time.sleep(0.05)  # noqa: TID251 - as above
