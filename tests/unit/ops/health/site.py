"""A fleet of six that is looked at again and again on one record, and what its reports say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgectl.engine.health_records import Turn
from edgectl.ops.health.apply import check
from edgectl.report import Report
from tests.fakes.clock import START, FakeClock
from tests.fakes.health_history import MemoryHealthHistory
from tests.unit.ops.health.asked import DPU, GRU1, GRU2, N1, N2, N3, Answer, node, services, told

QUARTER_S = 900.0


class Site:
    """A fleet of six that is looked at every quarter of an hour."""

    def __init__(self, folder: Path) -> None:
        self.history = MemoryHealthHistory()
        self.clock = FakeClock()
        self.folder = folder
        self.answers: dict[str, Answer] = {host: node(host) for host in (N1, N2, N3, GRU1, GRU2, DPU)}

    def look(self, select: str | None = None, **given: Any) -> Report:
        opened = services(self.folder, self.answers, health=self.history, clock=self.clock)
        report = check(opened, select, None, **given)
        self.clock.turn(QUARTER_S)
        return report

    def looks(self, number: int) -> Report:
        for _ in range(number - 1):
            self.look()
        return self.look()

    def turns(self, host: str) -> list[tuple[str, Turn]]:
        return [(one.finding, one.turn) for one in reversed(self.history.changes([host], START))]


def line_with(report: Report, *words: str) -> str:
    lines = [line for line in told(report).splitlines() if all(word in line for word in words)]
    assert len(lines) == 1, told(report)
    return lines[0]


def failed(report: Report) -> list[str]:
    return [host.host for host in report.hosts if host.status == "failed"]


def states(report: Report, host: str) -> dict[str, str]:
    entry = next(one for one in report.hosts if one.host == host)
    return {state["finding"]: state["phase"] for state in entry.data["states"]}
