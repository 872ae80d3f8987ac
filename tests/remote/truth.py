"""`truth.c`, compiled and started: the server that client figures are compared with."""

from __future__ import annotations

import functools
import itertools
import json
import statistics
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.nvml.branches import COMPILER

_SOURCE = Path(__file__).with_name("truth.c")
# The clock on the wall, five seconds back one second after the process began; CLOCK_MONOTONIC is left alone.
_STEPPED = Path(__file__).with_name("stepped_clock.c")


@dataclass(frozen=True)
class Script:
    """What it does: `cap` requests at once (0: all), and nothing for `freeze_ms` of every `freeze_every_ms`."""

    first_ms: float = 20
    gap_ms: float = 5
    per_chunk: int = 1
    role_ms: float = 0
    cap: int = 0
    freeze_every_ms: int = 0
    freeze_ms: int = 0

    def words(self) -> list[str]:
        """Return the program's arguments, after the port."""
        us = [round(ms * 1000) for ms in (self.first_ms, self.gap_ms)]
        rest = [self.per_chunk, round(self.role_ms * 1000), self.cap, self.freeze_every_ms, self.freeze_ms]
        return [str(number) for number in (*us, *rest)]


@dataclass(frozen=True)
class Served:
    """One request as the server saw it, in ns of CLOCK_MONOTONIC; `sent_ns` has each chunk with text."""

    name: str
    received_ns: int
    tokens: int
    sent_ns: Sequence[int]

    @property
    def ttft_ms(self) -> float:
        return (self.sent_ns[0] - self.received_ns) / 1e6

    @property
    def tpot_ms(self) -> float:
        return (self.sent_ns[-1] - self.sent_ns[0]) / 1e6 / (self.tokens - 1)

    def gaps_ms(self) -> list[float]:
        return [(later - earlier) / 1e6 for earlier, later in itertools.pairwise(self.sent_ns)]


@dataclass(frozen=True)
class Truth:
    """All that the server did since it was last told to forget; requests that were answered whole."""

    served: Sequence[Served]
    most_serving: int
    connections: int

    def by_name(self) -> Mapping[str, Served]:
        return {one.name: one for one in self.served}

    def mean(self, figure: str) -> float:
        return statistics.fmean(getattr(one, figure) for one in self.served)


@dataclass(frozen=True)
class TruthProgram:
    """The running program."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def truth(self) -> Truth:
        with urllib.request.urlopen(f"{self.url}/truth", timeout=60) as answer:
            told: dict[str, Any] = json.load(answer)
        served = [
            Served(one["id"], one["received_ns"], one["tokens"], one["sent_ns"])
            for one in told["requests"]
            if one["whole"]
        ]
        return Truth(served, told["most_serving"], told["connections"])

    def forget(self) -> None:
        request = urllib.request.Request(f"{self.url}/truth", method="DELETE")
        urllib.request.urlopen(request, timeout=10).close()


@contextmanager
def serving(script: Script, before: Sequence[str] = ()) -> Iterator[TruthProgram]:
    """Serve as the script says; `before` are words that start the program, such as taskset's."""
    words = [*before, str(_compiled(_SOURCE)), "0", *script.words()]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield TruthProgram(int(process.stdout.readline()))
        finally:
            process.kill()


def stepped_clock() -> Path:
    """Return a library for LD_PRELOAD that steps the clock on the wall."""
    return _compiled(_STEPPED, "-shared", "-fPIC", "-ldl")


@functools.cache
def _compiled(source: Path, *words: str) -> Path:
    made = Path(_session_folder().name) / source.stem
    command = [str(COMPILER), "-O2", "-Wall", "-Werror", "-o", str(made), str(source), *words]
    subprocess.run(command, check=True)
    return made


@functools.cache
def _session_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="edgectl-truth-")
