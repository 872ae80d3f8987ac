"""A job from its first task to its last, stopping at the first failure; or from where its journal ends."""

from __future__ import annotations

import time
from typing import Any, Dict, Iterator, List, Optional

from edgectl.remote import registry
from edgectl.remote.emit import Emitter
from edgectl.remote.protocol import (
    FLUSH,
    Ended,
    Heartbeat,
    Job,
    Message,
    Play,
    Task,
    TaskEnded,
    TaskRetried,
    TaskStarted,
)
from edgectl.remote.reboots import Reboots
from edgectl.remote.scope import Scope
from edgectl.remote.taskrun import Result, Surroundings, run_task

_CENSORED = "hidden, since the task says no_log"


class Runner:
    """Carries one job out. What an earlier runner of the same job finished is taken from the journal."""

    def __init__(
        self, job: Job, emitter: Emitter, around: Surroundings, past: List[Message], boot_id: str
    ) -> None:
        self._job = job
        self._emitter = emitter
        self._around = around._replace(on_beat=self._beat, on_retry=self._retried)
        self._scope: Scope = around.scope
        self._finished: Dict[int, List[TaskEnded]] = {}
        for message in past:
            if isinstance(message, TaskEnded):
                self._finished.setdefault(message.number, []).append(message)
        self._reboots = Reboots(emitter, past, boot_id)
        self._current = 0
        self._changed = False

    def run(self) -> None:
        """Run what is left of the job and emit its end."""
        failed: Optional[TaskEnded] = None
        for play in self._job.plays:
            failed = self._run_play(play)
            if failed is not None:
                break
        self._emitter.emit(self._ended(failed), durable=True)

    def _beat(self, seconds: float) -> None:
        self._emitter.say(Heartbeat(self._current, round(seconds, 1)))

    def _retried(self, attempt: int, msg: str) -> None:
        self._emitter.emit(TaskRetried(self._current, attempt, msg), durable=True)

    def _ended(self, failed: Optional[TaskEnded]) -> Ended:
        if failed is not None:
            return Ended("failed", failed.name, str(failed.result.get("msg", "")))
        return Ended("changed" if self._changed else "ok")

    def _run_play(self, play: Play) -> Optional[TaskEnded]:
        notified: Dict[str, None] = {}
        for task in play.tasks:
            tasks = self._due_handlers(play, notified) if task.module == FLUSH else iter((task,))
            for due in tasks:
                ended = self._run_task(due, play)
                if ended.status == "failed":
                    return ended
                if ended.result.get("changed"):
                    notified.update(dict.fromkeys(due.notify))
        return None

    def _due_handlers(self, play: Play, notified: Dict[str, None]) -> Iterator[Task]:
        """Yield the handlers notified so far, as they are written, and those notified meanwhile."""
        for handler in play.handlers:
            names = {handler.name, *handler.listen}
            if names & set(notified):
                yield handler
        notified.clear()

    def _run_task(self, task: Task, play: Play) -> TaskEnded:
        self._current = task.index
        finished = self._finished.get(task.index)
        if finished:
            ended = finished.pop(0)
            self._learn(task, ended.result)
            self._changed = self._changed or ended.status == "changed"
            return ended
        began = time.monotonic()
        result = self._reboots.come_back(task.index)
        if result is None:
            self._emitter.emit(TaskStarted(task.index, task.name), durable=self._is_once(task))
            result = run_task(task, play, self._around)
            if "reboot_command" in result:
                result = self._reboots.go_down(task.index, result)
        self._learn(task, result)
        ended = self._task_ended(task, result, time.monotonic() - began)
        self._changed = self._changed or ended.status == "changed"
        self._emitter.emit(ended, durable=self._is_once(task))
        return ended

    def _is_once(self, task: Task) -> bool:
        return getattr(registry.load(task.module), "REPEAT", "once") == "once"

    def _task_ended(self, task: Task, result: Result, seconds: float) -> TaskEnded:
        shown: Dict[str, Any] = result
        if task.no_log:
            kept = ("changed", "failed", "skipped", "attempts")
            shown = {"censored": _CENSORED, **{name: result[name] for name in kept if name in result}}
            if result.get("failed"):
                shown["msg"] = _CENSORED
        return TaskEnded(
            task.index, task.name, task.module, self._status(task, result), round(seconds, 3), shown
        )

    def _status(self, task: Task, result: Result) -> str:
        if result.get("failed"):
            variables = self._scope.variables(self._job.plays[0], task.vars)
            ignore = self._scope.all_true([task.ignore_errors], variables) is None
            return "ignored" if ignore else "failed"
        if result.get("skipped"):
            return "skipped"
        return "changed" if result.get("changed") else "ok"

    def _learn(self, task: Task, result: Result) -> None:
        if task.register:
            self._scope.learn(task.register, result)
        for single in result.get("results", [result]):
            facts = single.get("ansible_facts")
            if facts:
                self._scope.learn_facts(task.module, facts)
