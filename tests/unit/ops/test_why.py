"""One host on one screen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest

from edgectl.engine.outcome import HostOutcome, HostStatus, TaskRecord, TaskStatus
from edgectl.engine.records import Entry, HostRecord, RunRecord
from edgectl.ops.why import why_lines, zone_of
from tests.fakes.clock import START

AT = START.timestamp()
RUN = RunRecord("01JDC4", "provision", START, None, "ci", "", {}, {}, changes=True)
FAILED_TASK = TaskRecord(
    "accept", "command", TaskStatus.FAILED, 3.0, {"msg": "too slow", "stderr": "812 GB/s\n"}
)
FAILED = HostRecord(
    HostOutcome("n03", "fra1", HostStatus.FAILED, "too slow", "accept", tasks=(FAILED_TASK,)),
    START,
    START + timedelta(minutes=2),
    timeline=(
        Entry(AT, "connected", "connected in 210 ms, took the lock"),
        Entry(AT + 90, "task", "accept", 9, "R", "failed", "too slow", 3.0),
        Entry(AT + 60, "lost", "line lost 41 s (reset by peer), attached again at event 7; nothing repeated"),
        Entry(AT + 50, "task", "packages", 6, "R", "changed", "nvidia-open 580 (+2)", 47.0),
        Entry(AT + 91, "end", "failed", detail="too slow"),
    ),
)


def test_a_host_is_told_in_order_and_in_its_sites_time() -> None:
    assert [line.text for line in why_lines(FAILED, RUN, ZoneInfo("Asia/Tokyo"))] == [
        "  18:00:00  connected in 210 ms, took the lock",
        "  18:00:50  packages  changed     47 s  nvidia-open 580 (+2)",
        "  18:01:00  line lost 41 s (reset by peer), attached again at event 7; nothing repeated",
        "  18:01:30  accept    failed     3.0 s  too slow",
        "  18:01:31  failed",
        "n03  failed  too slow",
        "  812 GB/s",
        "next   edgectl runs resume 01JDC4",
    ]


def a_host(status: HostStatus, *, ended: bool = True, hint: str = "") -> HostRecord:
    return HostRecord(HostOutcome("n03", "fra1", status, hint=hint), START, START if ended else None)


@pytest.mark.parametrize(
    ("host", "run", "following"),
    [
        (a_host(HostStatus.UNKNOWN, ended=False), RUN, "next   edgectl runs attach 01JDC4"),
        (a_host(HostStatus.NOT_RUN), RUN, "next   edgectl runs resume 01JDC4"),
        (a_host(HostStatus.FAILED, hint="reseat GPU 2"), RUN, "next   reseat GPU 2"),
        (a_host(HostStatus.UNREACHABLE), replace(RUN, changes=False), "n03  unreachable"),
        (a_host(HostStatus.CHANGED), RUN, "n03  changed"),
    ],
)
def test_the_last_line_says_what_comes_next(host: HostRecord, run: RunRecord, following: str) -> None:
    assert why_lines(host, run, UTC)[-1].text == following


def test_a_host_of_an_older_edgectl_is_told_by_its_tasks() -> None:
    old = replace(FAILED, timeline=())

    assert why_lines(old, RUN, UTC)[0].text == "  accept  failed  3.0 s  too slow"


@pytest.mark.parametrize("name", ["", "Nowhere/Land", "../etc/passwd"])
def test_a_site_without_a_zone_that_we_know_is_told_in_utc(name: str) -> None:
    assert zone_of(name) is UTC
