"""A task whose change stays only if a fresh login comes through after it: `confirm:`."""

from __future__ import annotations

import time

from edgectl.remote.emit import Emitter
from edgectl.remote.job import Task
from edgectl.remote.lean import Any, Callable, Dict, List, NamedTuple
from edgectl.remote.protocol import ConfirmWanted
from edgectl.remote.undo import CONFIRMED, PENDING, UNDONE, Undo

Result = Dict[str, Any]

_LOOK_S = 0.2
# What the timer may be late by, with the undoing itself, before we undo it ourselves.
_OVERDUE_S = 30.0


class Steps(NamedTuple):
    """What the runner lends: how to do the task, and how to run the handlers it notified.

    `touched` names the files the task is about, `handlers` returns what went wrong with them, or ''.
    """

    touched: Callable[[], List[str]]
    command: Callable[[], str]
    act: Callable[[], Result]
    handlers: Callable[[], str]


class Confirming:
    """Tasks with `confirm:` of one job."""

    def __init__(self, folder: str, emitter: Emitter, on_beat: Callable[[float], None]) -> None:
        self._folder = folder
        self._emitter = emitter
        self._on_beat = on_beat

    def carry_out(self, task: Task, steps: Steps) -> Result:
        """Do the task under a timer that takes it back, with its handlers, and return what became of it."""
        undo = Undo(self._folder, task.index)
        try:
            undo.prepare(steps.touched(), steps.command())
            undo.arm(task.timeout_s + task.confirm_s)
        except (OSError, ValueError) as error:
            undo.keep()
            return _failed(f"not begun, since it could not be taken back: {error}")
        result = steps.act()
        if not result.get("failed") and not result.get("changed"):
            undo.keep()
            return result
        broken = str(result.get("msg", "")) if result.get("failed") else steps.handlers()
        if broken:
            return {**result, "failed": True, "undone": True, "msg": f"{broken}; {undo.now()}"}
        try:
            undo.arm(task.confirm_s)
        except OSError as error:
            return _failed(f"{error}; {undo.now()}")
        self._emitter.emit(ConfirmWanted(task.index, task.confirm_s), durable=True)
        return self._decided(undo, task, result)

    def carry_on(self, task: Task, steps: Steps, *, wanted: bool) -> Result:
        """Go on with a task that an earlier runner began: `wanted` says that it came to ask for a login."""
        undo = Undo(self._folder, task.index)
        if wanted:
            steps.handlers()  # they are in the journal
            return self._decided(undo, task, {"changed": True, "failed": False})
        return _failed(f"its runner ended in the middle of it; {undo.now()}")

    def _decided(self, undo: Undo, task: Task, result: Result) -> Result:
        overdue = time.monotonic() + task.confirm_s + _OVERDUE_S
        how = "the change was taken back"
        while undo.state() == PENDING:
            if time.monotonic() > overdue:
                how = undo.now()
                break
            time.sleep(_LOOK_S)
            self._on_beat(0.0)
        if undo.state() == CONFIRMED:
            undo.keep()
            return {**result, "confirmed": True}
        said = f"no fresh login came through within {task.confirm_s:g} s; {how}"
        return {**_failed(said), UNDONE: True}


def _failed(msg: str) -> Result:
    return {"failed": True, "changed": False, "msg": msg}
