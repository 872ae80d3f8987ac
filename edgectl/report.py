"""What every operation returns and every format renders: the hinge between capabilities and formats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from edgectl.errors import ExitCode

SCHEMA = "edgectl.report/1"
STATUSES = ("ok", "changed", "failed", "unreachable", "unknown", "busy", "skipped", "not_run")


class Tone(StrEnum):
    """What a line means; formats with colour show it by colour, which is for state alone."""

    PLAIN = "plain"
    GOOD = "good"
    NOTICE = "notice"
    BAD = "bad"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Line:
    """One line for a person."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Table:
    """Rows for a person; a column whose name starts with ">" is aligned to the right."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Series:
    """One curve of a chart: points (x, y), and where it is known the band (x, low, high) around it."""

    name: str
    points: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float, float]] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves over one axis; `x` and `y` name the axes with their units, `limit` is a line that y should stay below.

    `is_close_up` where differences count and not sizes: y need not begin at zero.
    """

    title: str
    x: str
    y: str
    series: Sequence[Series]
    has_steps: bool = False
    is_close_up: bool = False
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """What only a page shows: charts to look at, tables to look up."""

    title: str
    parts: Sequence[Line | Table | Chart]


@dataclass(frozen=True, slots=True)
class HostEntry:
    """One host in the report; `data` is what the command is about."""

    host: str
    pop: str
    status: str
    reason: str = ""
    failed_task: str | None = None
    seconds: float = 0.0
    tasks: Sequence[Mapping[str, Any]] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """One statement that held or did not: a JUnit test case, a line of a Nagios plugin."""

    name: str
    subject: str
    status: str  # ok, warning, failed, unknown or skipped
    message: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Metric:
    """One sample for Prometheus, in base units, with labels from closed sets or the inventory."""

    name: str
    help: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """The end of a command."""

    command: str
    started: datetime
    seconds: float
    exit_code: ExitCode
    run: str = ""
    hosts: Sequence[HostEntry] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    body: Sequence[Line | Table] = ()
    checks: Sequence[Check] = ()
    metrics: Sequence[Metric] = ()
    sections: Sequence[Section] = ()

    def summary(self) -> dict[str, int]:
        """Return how many hosts there are, and how many of each status."""
        counts = Counter(host.status for host in self.hosts)
        return {"hosts": len(self.hosts), **{status: counts[status] for status in STATUSES}}

    def has_work_left(self) -> bool:
        """Tell whether a check found changes to make, or something that is probably not meant."""
        warned = any(check.status == "warning" for check in self.checks)
        return warned or any(host.status == "changed" for host in self.hosts)
