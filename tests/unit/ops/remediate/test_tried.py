"""What earlier remedies count for: only where they were carried out, and what they answered is not answered twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgectl.catalog.hardware import load_catalog
from edgectl.catalog.remedies import Rung, load_remedies
from edgectl.engine.outcome import HostOutcome, HostStatus
from edgectl.engine.records import HostRecord, RunRecord
from edgectl.ops.remediate.apply import COMMAND, Books, plan, still_there
from edgectl.ops.remediate.ladder import Fault, Step
from edgectl.ops.remediate.plan import RemedyPlan
from edgectl.report import HostEntry
from edgectl.store.database import open_database
from edgectl.store.history import History
from tests.fakes.clock import START
from tests.unit.ops.health.asked import GRU1, GRU2, N1, N2, N3, card, node, services
from tests.unit.ops.health.nodes import an_xid

LAST = "2026-11-23T08:00:00Z"
TIMED_OUT = an_xid(119, last=LAST)
BOOKS = Books(load_remedies(), load_catalog())


class Remembered(History):
    """A record of one remedy that ended so at its one host."""

    def __init__(self, folder: Path, status: HostStatus, causes: Sequence[Sequence[Any]]) -> None:
        super().__init__(open_database(f"sqlite:///{folder}/tried.db"))
        self._status = status
        done = {
            "rung": "reset-gpu",
            "findings": sorted({cause[0] for cause in causes}),
            "causes": causes,
            "boot": "",
        }
        self._run = RunRecord("run", COMMAND, START, START, "", "", {"remedies": {N1: done}}, {})

    def runs(self, limit: int) -> Sequence[RunRecord]:
        return [self._run][:limit]

    def hosts(self, run: str, *, limit: int | None = None) -> Sequence[HostRecord]:
        assert run == self._run.run
        return [HostRecord(HostOutcome(N1, "fra1", self._status))][:limit]


def planned(folder: Path, status: HostStatus, finding: str, answer: dict[str, Any]) -> Step | None:
    """Return what is next for a host that shows a finding, where a reset was tried for it."""
    answers = {host: node(host) for host in (N2, N3, GRU1, GRU2)}
    cause = [finding, "critical", f"GPU-{N1}-0", {"last": LAST}]
    opened = services(folder, {**answers, N1: answer})
    given = replace(opened, history=Remembered(folder, status, [cause]))
    return plan(given, BOOKS, N1, None, has_hook=False).steps.get(N1)


def with_pending_row() -> dict[str, Any]:
    return node(N1, card(N1, 0, remap_pending=True), card(N1, 1))


@pytest.mark.parametrize(
    "status", [HostStatus.NOT_RUN, HostStatus.SKIPPED, HostStatus.BUSY, HostStatus.UNREACHABLE]
)
def test_a_host_that_never_had_its_turn_tried_nothing(tmp_path: Path, status: HostStatus) -> None:
    step = planned(tmp_path, status, "row-remap-pending", with_pending_row())

    assert step is not None
    assert (step.rung, step.after) == (Rung.RESET_GPU, None)


@pytest.mark.parametrize("status", [HostStatus.CHANGED, HostStatus.FAILED, HostStatus.UNKNOWN])
def test_what_was_tried_and_is_still_there_did_not_help(tmp_path: Path, status: HostStatus) -> None:
    step = planned(tmp_path, status, "row-remap-pending", with_pending_row())

    assert step is not None
    assert (step.rung, step.after) == (Rung.REBOOT, Rung.RESET_GPU)


@pytest.mark.parametrize(
    ("status", "rung"),
    [(HostStatus.CHANGED, None), (HostStatus.FAILED, Rung.REBOOT), (HostStatus.NOT_RUN, Rung.RESET_GPU)],
)
def test_a_line_of_the_log_is_done_with_where_its_remedy_was_proved(
    tmp_path: Path, status: HostStatus, rung: Rung | None
) -> None:
    timed_out = {**TIMED_OUT, "gpu": f"GPU-{N1}-0", "pci_bus_id": card(N1, 0)["pci_bus_id"]}
    step = planned(tmp_path, status, "xid-119", node(N1, xids=[timed_out]))

    assert (step and step.rung) == rung


def test_a_line_that_was_there_before_the_remedy_is_not_still_there_after_it_whatever_its_kind() -> None:
    line = {
        "count": 1,
        "first": LAST,
        "last": LAST,
        "device": None,
        "line": "Out of memory: Killed process 7 (vllm)",
    }
    before = Fault("oom-kill", "warning", None, line, "")
    done = RemedyPlan({N1: Step(Rung.RESTART_SERVICE, [before])})

    def after(last: str) -> HostEntry:
        found = {
            "id": "oom-kill",
            "severity": "warning",
            "gpu": None,
            "value": {**line, "last": last},
            "action": "",
        }
        return HostEntry(N1, "fra1", "ok", data={"findings": [found]})

    assert still_there(done, after(LAST)) == []
    assert still_there(done, after("2026-11-23T09:00:00Z")) == ["oom-kill"]
