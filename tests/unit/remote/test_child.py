"""The processes that tasks run in: shared where that is safe, alone otherwise, and never in anybody's way."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from edgectl.remote.child import Children

QUICK_S = 20.0


def served(request: Any, tell: Callable[[int, int], Any]) -> dict[str, Any]:
    match request:
        case "pid":
            return {"pid": os.getpid(), "group": os.getpgid(0)}
        case "tell":
            for done in range(3):
                tell(done, 2)
            return {"told": 3}
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "raise":
            raise RuntimeError("out of order")
        case "hang":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(60)  # noqa: TID251 - ended by its deadline, which is what is tested
        case _:
            raise AssertionError(request)
    return {}


@pytest.fixture
def children() -> Any:
    made = Children(served)
    yield made
    made.close()


def ask(children: Children, request: str, *, shared: bool, timeout_s: float = QUICK_S) -> dict[str, Any]:
    return children.run(
        request, identity=None, shared=shared, timeout_s=timeout_s, on_beat=lambda _idle_s: None
    )


def test_tasks_that_may_share_a_process_do(children: Children) -> None:
    assert ask(children, "pid", shared=True)["pid"] == ask(children, "pid", shared=True)["pid"]


def test_a_task_that_may_not_share_gets_a_process_and_a_group_of_its_own(children: Children) -> None:
    shared, alone, other = (ask(children, "pid", shared=way) for way in (True, False, False))
    assert len({shared["pid"], alone["pid"], other["pid"], os.getpid()}) == 4
    assert alone["group"] == alone["pid"]


def test_a_process_that_died_is_a_failed_task_and_the_next_one_gets_a_new_process(children: Children) -> None:
    died = ask(children, "die", shared=True)
    assert (died["failed"], died["msg"]) == (True, "the task's process died (signal 9)")
    assert ask(children, "pid", shared=True)["pid"] != os.getpid()


def test_what_a_module_raises_is_its_failure_with_the_place(children: Children) -> None:
    raised = ask(children, "raise", shared=True)
    assert raised["failed"]
    assert raised["msg"].startswith("RuntimeError: out of order (test_child.py:")


def test_a_task_that_outlives_its_deadline_is_ended_even_where_it_does_not_listen(
    children: Children,
) -> None:
    stopped = ask(children, "hang", shared=True, timeout_s=0.2)
    assert stopped["msg"] == "stopped after its timeout of 0.2 s"
    assert "pid" in ask(children, "pid", shared=True)


def test_what_a_task_tells_meanwhile_is_heard_in_order_before_its_result(children: Children) -> None:
    heard: list[list[int]] = []
    result = children.run(
        "tell",
        identity=None,
        shared=True,
        timeout_s=QUICK_S,
        on_beat=lambda _idle_s, moved=(): heard.append(list(moved)),
    )
    assert (result, heard) == ({"told": 3}, [[0, 2], [1, 2], [2, 2]])


def test_close_leaves_no_process_behind() -> None:
    children = Children(served)
    pid = ask(children, "pid", shared=True)["pid"]
    children.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
