"""A host that failed says why, and of a program that only exited the last line that it said."""

from __future__ import annotations

from typing import Any

import pytest

from edgectl.engine.host_progress import Progress, judged
from edgectl.engine.outcome import TaskRecord, TaskStatus
from edgectl.engine.ports import HostWork
from edgectl.remote.protocol import Ended
from tests.fakes.fleet import a_host, a_job

BAD = "non-zero return code"
CASES: list[tuple[str, dict[str, Any], str]] = [
    (BAD, {"rc": 3, "stdout": "began\n", "stderr": "trying\nlost the disk\n\n"}, f"{BAD} 3: lost the disk"),
    (BAD, {"rc": 4, "stdout": "only this", "stderr": ""}, f"{BAD} 4: only this"),
    (BAD, {"rc": 5, "stdout": "", "stderr": ""}, BAD),
    (
        BAD,
        {"results": [{"rc": 0, "stdout": "well"}, {"rc": 6, "failed": True, "stderr": "no"}]},
        f"{BAD} 6: no",
    ),
    (BAD, {"msg": "hidden"}, BAD),
    ("no such file", {"rc": 2, "stderr": "x"}, "no such file"),
]


@pytest.mark.parametrize(("said", "result", "reason"), CASES)
def test_the_reason_has_the_last_words_of_the_program(said: str, result: dict[str, Any], reason: str) -> None:
    failed = TaskRecord("t", "command", TaskStatus.FAILED, 0.1, result)
    before = TaskRecord(
        "t", "command", TaskStatus.CHANGED, 0.1, {"rc": 9, "stderr": "another task of this name"}
    )
    work = HostWork(a_host("n01"), a_job([]))
    outcome = judged(work, Progress(tasks=[before, failed]), Ended("failed", "t", said))
    assert (outcome.reason, outcome.failed_task) == (reason, "t")
