"""`--start-at-task`: a playbook without what stands before one of its tasks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from edgectl.complaints import did_you_mean
from edgectl.errors import InputError, Problem
from edgectl.playbook.model import Playbook, PlaySpec, TaskSpec


def starting_at(playbook: Playbook, name: str) -> Playbook:
    """Return the playbook from the first task of this name on, which may be a pattern; all of it where it is ''.

    Raises `InputError` where no task has the name.
    """
    if not name:
        return playbook
    for number, play in enumerate(playbook.plays):
        at = _position(play.tasks, name)
        if at is not None:
            first: PlaySpec = replace(play, tasks=play.tasks[at:])
            return replace(playbook, plays=[first, *playbook.plays[number + 1 :]])
    names = {task.name for play in playbook.plays for task in play.tasks}
    said = f"no task is named '{name}'{did_you_mean(name, names, listed=False)}"
    raise InputError(
        [Problem(said, playbook.plays[0].place)], hint=f"edgectl run {playbook.path} --list-tasks"
    )


def _position(tasks: Sequence[TaskSpec], name: str) -> int | None:
    return next((number for number, task in enumerate(tasks) if _is_named(task, name)), None)


def _is_named(task: TaskSpec, name: str) -> bool:
    # A task of a role is told behind its role's name, and known without it.
    return any(fnmatchcase(known, name) for known in (task.name, task.name.rpartition(" : ")[2]))
