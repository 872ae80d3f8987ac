"""What a table of accuracy is made of: rows, and where the server and the client run."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.remote.bench_server import run_client
from tests.remote.truth import Script, Served, Truth, TruthProgram, serving

SEED = 41


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    test: str
    target: str
    figure: str
    reached: bool


@dataclass(frozen=True)
class Run:
    """A measurement beside what the server knows of it."""

    bench: dict[str, Any]
    records: Sequence[dict[str, Any]]
    truth: Truth

    def pairs(self) -> list[tuple[dict[str, Any], Served]]:
        """Return each record with the server's account of the same request."""
        served = self.truth.by_name()
        return [(record, served[f"edgectl-{SEED}-{record['number']}"]) for record in self.records]

    def stamp_errors_ms(self) -> list[float]:
        """Return by how much each chunk was stamped later than it was sent."""
        return [
            (read - sent) / 1e6
            for record, one in self.pairs()
            for read, sent in zip(record["chunks_ns"], one.sent_ns, strict=True)
        ]

    def received_s(self) -> list[float]:
        """Return when the server had each request, from the first on."""
        moments = sorted(one.received_ns for one in self.truth.served)
        return [(moment - moments[0]) / 1e9 for moment in moments]


def real_time() -> list[str]:
    """Return the words that give a process its core at once, where this user may: others work on this machine."""
    chrt = shutil.which("chrt")
    if chrt is None or subprocess.run([chrt, "-r", "1", "true"], check=False, capture_output=True).returncode:
        return []
    return [chrt, "-r", "1"]


def on_core(core: int) -> list[str]:
    """Return the words that start a program on one core, at once where it may."""
    pinned = ["taskset", "-c", str(core % (os.cpu_count() or 1))]
    return [*real_time(), *pinned]


@contextmanager
def served(script: Script) -> Iterator[TruthProgram]:
    """Serve on the first core."""
    with serving(script, on_core(0)) as program:
        yield program


def measured(program: TruthProgram, **load: Any) -> Run:
    """Measure from the second core, one process unless told; what the server saw before is forgotten."""
    program.forget()
    limit_s = 60.0 + 3 * float(load.get("duration_s") or 30)
    given = {"processes": 1, "seed": SEED, **load}
    seen = run_client(program.url, before=on_core(1), limit_s=limit_s, **given)
    return Run(seen["bench"], seen["records"], program.truth())


def percentile(values: Sequence[float], percent: float) -> float:
    """Return a percentile, linear between ranks."""
    ordered = sorted(values)
    rank = (len(ordered) - 1) * percent / 100
    below = int(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (rank - below)


def bias(ours: float, truth: float) -> float:
    """Return how far ours is from the truth, as a share of it."""
    return ours / truth - 1


def variation(values: Sequence[float]) -> float:
    """Return the coefficient of variation."""
    return statistics.pstdev(values) / statistics.fmean(values)


def printed(title: str, rows: Sequence[Row]) -> str:
    """Return the table."""
    widths = [max(len(getattr(row, name)) for row in rows) for name in ("test", "target", "figure")]
    lines = [
        f"{row.test:<{widths[0]}}  {row.target:<{widths[1]}}  {row.figure:<{widths[2]}}  "
        f"{'reached' if row.reached else 'NOT REACHED'}"
        for row in rows
    ]
    return "\n".join(["", title, *lines])
