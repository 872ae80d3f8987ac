"""A job from its first task to its last, stopping at the first failure; or from where its journal ends."""

from __future__ import annotations

import time

from edgectl.remote import registry
from edgectl.remote.emit import Emitter
from edgectl.remote.job import BLOCKS, FLUSH, Job, Play, Task
from edgectl.remote.journal import Unwritable
from edgectl.remote.lean import (
    Any,
    Dict,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
    import_module,
    suppress,
)
from edgectl.remote.protocol import (
    HEARTBEAT_S,
    Booted,
    ConfirmWanted,
    Ended,
    Heartbeat,
    Message,
    TaskEnded,
    TaskRetried,
    TaskStarted,
)
from edgectl.remote.reboots import AroundReboot, HostIsGoingDown, Reboots
from edgectl.remote.scope import Scope
from edgectl.remote.taskrun import Result, Surroundings, run_task, touched
from edgectl.remote.withheld import LOST, Keep

_HALF_DONE = (
    "it was begun, and its runner ended before it did: it may have happened, in part or in full, and it is not "
    "done again"
)
_NOTHING = Task(0, "", FLUSH, {})
# A sign of life that is due in a moment is given now, so that none is as late as two.
_EARLY_S = 0.5
_BAD = ("failed", "rescued")
_CENSORED = "hidden, since the task says no_log"


class Continuity(NamedTuple):
    """How a job outlives its runner: what earlier ones left behind, and what this one leaves for later ones."""

    past: List[Message]
    boot: str
    boot_before: str
    keep: Keep
    reboot: AroundReboot
    folder: str = ""


class Runner:
    """Carries one job out. What an earlier runner of the same job finished is taken from the journal."""

    def __init__(self, job: Job, emitter: Emitter, around: Surroundings, continuity: Continuity) -> None:
        past = continuity.past
        self._job = job
        self._is_new_boot = continuity.boot != continuity.boot_before
        self._boot = continuity.boot
        self._keep = continuity.keep
        self._emitter = emitter
        self._around = around._replace(on_beat=self._beat, on_retry=self._retried)
        self._scope: Scope = around.scope
        self._finished: Dict[int, List[TaskEnded]] = {}
        for message in past:
            if isinstance(message, TaskEnded):
                self._finished.setdefault(message.number, []).append(message)
        self._cut_off = _cut_off(past)
        self._reboots = Reboots(emitter, past, continuity.boot, self._beat, continuity.reboot)
        self._turns: Dict[int, int] = {}
        self._folder = continuity.folder
        self._asked = {message.number for message in past if isinstance(message, ConfirmWanted)}
        self._current = _NOTHING
        self._began = self._heard = time.monotonic()
        self._moved: Sequence[int] = (0, 0)  # how much the current task has done, of how much
        self._changed = False
        self._blocks: Any = None  # those of the play that runs

    @property
    def task(self) -> Optional[str]:
        """Return the name of the task that is running, or ran last."""
        return self._current.name or None

    def run(self) -> None:
        """Run what is left of the job and emit its end. Raises `Unwritable` and `HostIsGoingDown`."""
        try:
            if self._is_new_boot:
                self._emitter.emit(Booted(self._boot), durable=True)
            self._emitter.emit(self._end(), durable=True)
        except Unwritable as error:
            # What is not written down must not go on. The next attach continues where the journal ends.
            self._emitter.say(Ended("failed", self.task, f"{error}; the job stopped here"))
            raise

    def _end(self) -> Ended:
        try:
            return self._run_plays()
        except (HostIsGoingDown, Unwritable):
            raise
        except Exception as error:  # noqa: BLE001 - the task runner is one of the five broad places
            # A runner that died would be started again by the next attach, and so would the task.
            reason = f"a bug in edgectl at the host: {type(error).__name__}: {error}"
            return Ended("failed", self.task, reason)

    def _beat(self, idle_s: float = 0.0, moved: Sequence[int] = ()) -> None:
        """Give a sign of life, where nothing else was said for a while; and tell how far a task has come."""
        now = time.monotonic()
        before, self._moved = self._moved, moved or self._moved
        beat = Heartbeat(self._current.index, round(now - self._began, 1), round(idle_s, 1), *self._moved)
        if _step(*before) != _step(*self._moved):
            self._heard = now
            with suppress(Unwritable):  # the task goes on, and finds the same at its end
                self._emitter.emit(beat)
        elif now - self._heard >= HEARTBEAT_S - _EARLY_S:
            self._heard = now
            self._emitter.say(beat)

    def _retried(self, attempt: int, msg: str) -> None:
        said = _CENSORED if self._current.no_log else msg
        self._emitter.emit(TaskRetried(self._current.index, attempt, said), durable=True)

    def _run_plays(self) -> Ended:
        for play in self._job.plays:
            self._blocks = None
            failed = self._run_play(play)
            if failed is not None:
                status = "unknown" if failed.result.get("unknown") else "failed"
                return Ended(status, failed.name, str(failed.result.get("msg", "")))
        return Ended("changed" if self._changed else "ok")

    def _run_play(self, play: Play) -> Optional[TaskEnded]:
        """Run a play; return the task whose failure ends it."""
        notified: Set[int] = set()
        if play.blocks:
            # It travels only with jobs that need it (`ssh/bundle.py`).
            self._blocks = import_module(BLOCKS).Blocks(
                play, self._scope, lambda one: self._run_one(one, play, notified)
            )
            ended: Optional[TaskEnded] = self._blocks.run()
            return ended
        for task in play.tasks:
            failed, left = self._run_one(task, play, notified)
            if failed is not None or left:
                return failed
        return None

    def _run_one(self, task: Task, play: Play, notified: Set[int]) -> Tuple[Optional[TaskEnded], bool]:
        """Run a task, or the handlers that are due; return the one that failed, and whether the play is left."""
        left = False
        for due in self._due(task, play, notified):
            ended = self._run_task(due, play)
            if ended.status in _BAD:
                return ended, False
            # As in Ansible, what failed and is ignored notifies nobody, whatever it changed.
            if ended.result.get("changed") and not ended.result.get("failed") and not _confirms(due):
                notified.update(_listening(play, due.notify))
            left = bool(ended.result.get("leaves_play"))
        return None, left

    def _due(self, task: Task, play: Play, notified: Set[int]) -> Iterator[Task]:
        """Return the task itself, or the handlers that are due where it is to run those."""
        if task.module != FLUSH:
            return iter((task,))
        holds = self._scope.all_true(task.when, self._scope.variables(play, task.vars)) is None
        return _due_handlers(play, notified) if holds else iter(())

    def _run_task(self, task: Task, play: Play) -> TaskEnded:
        self._current = task
        finished = self._finished.get(task.index)
        self._turns[task.index] = self._turns.get(task.index, 0) + 1
        if finished:
            ended = finished.pop(0)
            self._learn_again(task, ended)
            self._changed = self._changed or bool(ended.result.get("changed"))
            return ended
        self._began = self._heard = time.monotonic()
        self._moved = (0, 0)
        result = self._result(task, play)
        self._learn(task, result)
        ended = self._task_ended(task, play, result)
        self._changed = self._changed or bool(ended.result.get("changed"))
        self._emitter.emit(ended, durable=_is_once(task))
        return ended

    def _result(self, task: Task, play: Play) -> Result:
        result = self._reboots.come_back(task.index)
        if result is not None:
            return result
        if _confirms(task):
            return self._result_confirmed(task, play)
        if task.index in self._cut_off and _is_once(task):
            return {"failed": True, "changed": False, "unknown": True, "msg": _HALF_DONE}
        self._emitter.emit(TaskStarted(task.index, task.name), durable=_is_once(task))
        result = run_task(task, play, self._around)
        return self._reboots.go_down(task.index, result) if "reboot_command" in result else result

    def _result_confirmed(self, task: Task, play: Play) -> Result:
        """Do a task that a fresh login must confirm; its handlers run within it, since they make it take effect."""
        # It travels only with jobs that need it (`ssh/bundle.py`).
        confirming = import_module("edgectl.remote.confirming")
        variables = self._scope.variables(play, task.vars)
        steps = confirming.Steps(
            touched=lambda: touched(task, play, self._around),
            command=lambda: str(self._scope.render(task.undo, variables)),
            act=lambda: run_task(task, play, self._around),
            handlers=lambda: self._run_handlers_of(task, play),
        )
        one = confirming.Confirming(self._folder, self._emitter, self._beat)
        if task.index in self._cut_off:
            return dict(one.carry_on(task, steps, wanted=task.index in self._asked))
        self._emitter.emit(TaskStarted(task.index, task.name), durable=True)
        return dict(one.carry_out(task, steps))

    def _run_handlers_of(self, task: Task, play: Play) -> str:
        """Run what a task notifies, at once; return what went wrong."""
        current, began = self._current, self._began
        for handler in _due_handlers(play, set(_listening(play, task.notify))):
            ended = self._run_task(handler, play)
            if ended.status in _BAD:
                return f"handler '{handler.name}': {ended.result.get('msg', '')}"
        self._current, self._began = current, began
        return ""

    def _task_ended(self, task: Task, play: Play, result: Result) -> TaskEnded:
        shown: Dict[str, Any] = result
        if task.no_log:
            kept = ("changed", "failed", "skipped", "attempts", "unknown")
            shown = {"censored": _CENSORED, **{name: result[name] for name in kept if name in result}}
            if result.get("failed"):
                shown["msg"] = _CENSORED
        seconds = round(time.monotonic() - self._began, 3)
        status = self._status(task, play, result)
        ended = TaskEnded(task.index, task.name, task.module, status, seconds, shown)
        is_used = bool(task.register) or "ansible_facts" in result
        if not is_used or (not task.no_log and self._emitter.redacted(ended) == ended):
            return ended
        self._keep.put(task.index, self._turns[task.index], result)
        return ended._replace(withheld=True)

    def _status(self, task: Task, play: Play, result: Result) -> str:
        if result.get("failed"):
            if result.get("unknown"):
                return "failed"
            return (
                "ignored"
                if self._is_ignored(task, play)
                else "rescued"
                if self._blocks and self._blocks.rescuers
                else "failed"
            )
        if result.get("skipped"):
            return "skipped"
        return "changed" if result.get("changed") else "ok"

    def _is_ignored(self, task: Task, play: Play) -> bool:
        variables = self._scope.variables(play, task.vars)
        try:
            return self._scope.all_true([task.ignore_errors], variables) is None
        except ValueError:
            return False  # a task that failed is not excused by a template that fails too

    def _learn_again(self, task: Task, ended: TaskEnded) -> None:
        """Learn what a task said to an earlier runner, as far as that was written down anywhere."""
        kept = self._keep.get(task.index, self._turns[task.index]) if ended.withheld else ended.result
        if kept is not None:
            self._learn(task, kept)
        elif task.register:
            self._scope.miss(task.register, LOST)
        elif task.module == "set_fact":
            for name in task.args:
                self._scope.miss(name, LOST)

    def _learn(self, task: Task, result: Result) -> None:
        if task.register:
            self._scope.learn(task.register, result)
        for single in [result] if task.loop is None else result.get("results", []):
            facts = single.get("ansible_facts")
            if facts:
                self._scope.learn_facts(task.module, facts)


def _cut_off(past: List[Message]) -> Set[int]:
    """Return the tasks that were begun more often than they ended."""
    left: Dict[int, int] = {}
    for message in past:
        if isinstance(message, (TaskStarted, TaskEnded)):
            left[message.number] = left.get(message.number, 0) + (
                1 if isinstance(message, TaskStarted) else -1
            )
    return {number for number, turns in left.items() if turns > 0}


def _step(done: int, total: int) -> int:
    """Return the twentieth that a task is in."""
    return done * 20 // total if total else -1


def _confirms(task: Task) -> bool:
    return task.confirm_s > 0 and not task.check


def _is_once(task: Task) -> bool:
    """Tell whether a task that was begun and not ended must not be begun again."""
    module = registry.load(task.module)
    repeats = task.check or getattr(module, "ENDS_BOOT", False)  # the reboot itself is journaled apart
    return not repeats and getattr(module, "REPEAT", "once") == "once"


def _listening(play: Play, names: List[str]) -> Iterator[int]:
    """Yield the numbers of the handlers that hear one of these names."""
    for number, handler in enumerate(play.handlers):
        if set(names) & {handler.name, *handler.listen}:
            yield number


def _due_handlers(play: Play, notified: Set[int]) -> Iterator[Task]:
    """Yield the handlers notified so far, as they are written, and later ones that they notify themselves.

    One that stands further up waits for the next flush, as in Ansible.
    """
    for number, handler in enumerate(play.handlers):
        if number in notified:
            notified.discard(number)
            yield handler
