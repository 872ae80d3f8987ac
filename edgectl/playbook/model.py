"""A playbook as it was written, checked in shape; nothing rendered yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any

from edgectl.errors import Place
from edgectl.yaml_source import Document


class Section(IntEnum):
    """Where in a block a task stands."""

    BLOCK = 0
    RESCUE = 1
    ALWAYS = 2


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One task: a module, its arguments and Ansible's keywords; `steps` leads to it in the document.

    `within` are the blocks around it by number, the outermost first; `folders` are where the files it sends are
    looked for.
    """

    name: str
    module: str
    args: Mapping[str, Any]
    place: Place
    document: Document
    steps: tuple[str | int, ...]
    args_steps: tuple[str | int, ...]
    when: Sequence[Any] = ()
    loop: Any = None
    loop_var: str = "item"
    index_var: str | None = None
    vars: Mapping[str, Any] = field(default_factory=dict)
    register: str | None = None
    notify: Sequence[str] = ()
    listen: Sequence[str] = ()
    become: bool | None = None
    become_user: str | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)
    ignore_errors: Any = False
    failed_when: Sequence[Any] | None = None
    changed_when: Sequence[Any] | None = None
    until: Sequence[Any] | None = None
    retries: int | None = None
    delay_s: float = 5.0
    check_mode: bool | None = None
    diff: bool | None = None
    no_log: bool = False
    timeout_s: float | None = None
    confirm_s: float = 0.0
    undo: str = ""
    tags: frozenset[str] = frozenset()
    within: tuple[tuple[int, Section], ...] = ()
    folders: tuple[Path, ...] = ()

    def place_of(self, key: str) -> Place:
        """Return where an argument was written."""
        return self.document.place((*self.args_steps, key))


@dataclass(frozen=True, slots=True)
class PlaySpec:
    """One play; `tasks` holds pre_tasks, tasks and post_tasks with a flush of the handlers after each."""

    name: str
    hosts: str
    place: Place
    path: Path
    tasks: Sequence[TaskSpec]
    handlers: Sequence[TaskSpec]
    vars: Mapping[str, Any]
    defaults: Mapping[str, Any]  # those of its roles: weaker than all else
    environment: Mapping[str, Any]
    become: bool
    become_user: str | None
    gather_facts: bool | None
    rollout: Mapping[str, Any] | None
    rollout_place: Place
    timeout_s: float | None
    secrets: Mapping[str, Mapping[str, str]]
    vars_places: Mapping[str, Place]  # of those that stand in the play itself


@dataclass(frozen=True, slots=True)
class Playbook:
    """A file of plays; `files` are it and every file of plays and tasks that it takes in."""

    path: Path
    plays: Sequence[PlaySpec]
    files: Sequence[Path] = ()
