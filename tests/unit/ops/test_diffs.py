"""Changes are told as a review has them: each once, the commonest of a task first."""

from __future__ import annotations

from typing import Any

from edgectl.engine.outcome import HostOutcome, HostStatus, TaskRecord, TaskStatus
from edgectl.ops.diffs import diff_lines


def host(name: str, *results: tuple[str, dict[str, Any]]) -> HostOutcome:
    tasks = [TaskRecord(task, "copy", TaskStatus.CHANGED, 0.1, result) for task, result in results]
    return HostOutcome(name, "fra1", HostStatus.CHANGED, tasks=tasks)


def diff(before: str, after: str) -> dict[str, Any]:
    return {"diff": {"before": before, "after": after, "before_header": "/f", "after_header": "/f"}}


def told(*hosts: HostOutcome) -> list[str]:
    return [line.text for line in diff_lines(hosts)]


def test_hosts_with_the_same_change_are_folded_and_the_odd_one_comes_last() -> None:
    same = [host(f"n{number:02}", ("config", diff("a\n", "b\n"))) for number in range(2, 14)]
    assert told(host("n01", ("config", diff("x\n", "b\n"))), *same) == [
        "config   n[02-13]  (12)",
        "  --- /f",
        "  +++ /f",
        "  @@ -1 +1 @@",
        "  -a",
        "  +b",
        "config   n01",
        "  --- /f",
        "  +++ /f",
        "  @@ -1 +1 @@",
        "  -x",
        "  +b",
    ]


def test_tasks_are_told_in_their_order_and_a_loop_item_by_item() -> None:
    loop = {"results": [diff("", "one\n"), {"changed": False}, {"diff": {"prepared": "made by the module"}}]}
    assert [line for line in told(host("n1", ("b", loop), ("a", diff("", "x\n")))) if line[0] != " "] == [
        "b   n1",
        "b   n1",
        "a   n1",
    ]
    assert "  made by the module" in told(host("n1", ("b", loop)))


def test_a_value_of_a_module_that_is_called_results_is_no_loop() -> None:
    assert told(host("n1", ("own", {"results": ["a", 1], **diff("", "x\n")})))[-1] == "  +x"
    assert told(host("n1", ("own", {"results": ["a", 1]}))) == []


def test_a_long_change_is_shown_in_part() -> None:
    lines = told(host("n1", ("big", diff("", "".join(f"{number}\n" for number in range(1000))))))
    assert (len(lines), lines[-1]) == (202, "  and 803 lines more: -o json")
