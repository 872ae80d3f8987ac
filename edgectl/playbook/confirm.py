"""`confirm:`: whether a change can be taken back, and how; decided before any host is contacted."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edgectl.errors import Place
from edgectl.playbook.ahead import wrong
from edgectl.playbook.model import TaskSpec
from edgectl.remote import registry

_SERVICES = frozenset({"service", "systemd", "systemd_service"})
_AGAIN = {"restarted": "restart", "reloaded": "reload"}


def undo_of(task: TaskSpec, handlers: Sequence[TaskSpec]) -> str:
    """Return the shell command that makes an undone change take effect; '' for a task without `confirm`.

    Files come back by themselves; what the task's handlers do after its change they must do again after that.
    Raises `InputError` for what nobody knows how to take back.
    """
    if not task.confirm_s:
        return ""
    place = task.document.place((*task.steps, "confirm"))
    if task.loop is not None:
        raise wrong("'confirm' is for one change: a task with a loop cannot have it", place)
    if task.undo:
        return task.undo
    if not hasattr(registry.load(task.module), "TOUCHES"):
        said = f"nobody knows how to take '{task.module}' back; write `confirm: {{within: …, undo: COMMAND}}`"
        raise wrong(said, place)
    notified = [handler for handler in handlers if {handler.name, *handler.listen} & set(task.notify)]
    return "\n".join(_command(handler, place) for handler in notified)


def _command(handler: TaskSpec, place: Place) -> str:
    if handler.module in _SERVICES:
        return "\n".join(_service_commands(handler.args))
    if handler.module in ("shell", "command") and isinstance(handler.args.get("cmd"), str):
        return str(handler.args["cmd"])
    said = (
        f"nobody knows how to run the handler '{handler.name}' again after the change is taken back; "
        "write `confirm: {within: …, undo: COMMAND}`"
    )
    raise wrong(said, place)


def _service_commands(args: Mapping[str, Any]) -> Iterator[str]:
    name = str(args.get("name") or args.get("service") or args.get("unit") or "")
    if args.get("daemon_reload"):
        yield "systemctl daemon-reload"
    if name:
        yield f"systemctl {_AGAIN.get(str(args.get('state')), 'restart')} {_quoted(name)}"


def _quoted(name: str) -> str:
    return name if "{{" in name else shlex.quote(name)
