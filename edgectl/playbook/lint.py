"""What a playbook says that is no fault of its form and yet is probably not meant, each with its place.

What cannot be run at all is the loader's and the compiler's to refuse; here is what would run and surprise somebody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from edgectl.complaints import did_you_mean
from edgectl.errors import Place, Problem
from edgectl.playbook.mentions import Mentions, mentions
from edgectl.playbook.model import Playbook, PlaySpec, TaskSpec
from edgectl.playbook.names import FACT_PREFIX, rebindable
from edgectl.remote.template import is_template

_COMMANDS = frozenset({"command", "shell", "script"})
_SECRET_NAME = re.compile(
    r"(?:^|_)(?:password|passwd|passphrase|secret|token|api_?key|private_key)$", re.IGNORECASE
)


def advice(playbook: Playbook, known: Collection[str]) -> list[Problem]:
    """Return everything that is probably not meant, in the order in which it stands there.

    `known` are the names that the inventory, the command line and edgectl itself give.
    """
    told: dict[tuple[str, str], Problem] = {}
    for problem in chain.from_iterable(_of_play(playbook, play, known) for play in playbook.plays):
        told.setdefault((str(problem.place), problem.message), problem)
    return sorted(told.values(), key=_position)


def _of_play(playbook: Playbook, play: PlaySpec, known: Collection[str]) -> Iterator[Problem]:
    bound = {*known, *play.vars, *play.defaults, *rebindable(playbook.plays)}
    for task in (*play.tasks, *play.handlers):
        yield from _undefined(play, task, bound)
        yield from _open_secrets(task)
    yield from _idle_handlers(play)
    yield from _idle_commands(play)
    yield from _unread_results(playbook, play)
    yield from _secrets_in_vars(play)


def _undefined(play: PlaySpec, task: TaskSpec, bound: Collection[str]) -> Iterator[Problem]:
    """Complain of names that nobody gives: where the task is reached, it fails."""
    said = mentions(play, task)
    variables = _mentioned_by(_values_behind(said.needed, play))
    for name in sorted((said.needed | variables.needed) - said.asked - variables.asked):
        if name not in bound and not name.startswith(FACT_PREFIX):
            hint = did_you_mean(name, bound, listed=False)
            yield Problem(
                f"nothing gives '{name}' a value; the task fails where it is reached{hint}", task.place
            )


def _values_behind(names: Iterable[str], play: PlaySpec) -> list[Any]:
    """Return the play's own values that these names lead to, through one another."""
    own = {**play.defaults, **play.vars}
    found: dict[str, Any] = {}
    waiting = [name for name in names if name in own]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = own[name]
            waiting += [other for other in _mentioned_by([own[name]]).needed if other in own]
    return list(found.values())


def _mentioned_by(values: Iterable[Any]) -> Mentions:
    together = Mentions()
    for value in values:
        together = together.and_in(value)
    return together


def _idle_handlers(play: PlaySpec) -> Iterator[Problem]:
    notified = {name for task in (*play.tasks, *play.handlers) for name in task.notify}
    if any(is_template(name) for name in notified):
        return
    for handler in play.handlers:
        if not {handler.name, handler.name.rpartition(" : ")[2], *handler.listen} & notified:
            yield Problem(f"no task notifies the handler '{handler.name}'", handler.place)


def _idle_commands(play: PlaySpec) -> Iterator[Problem]:
    """A command changes the host, as far as anybody knows, at every run: nobody sees whether it did."""
    for task in play.tasks:
        guarded = task.args.get("creates") or task.args.get("removes") or task.changed_when is not None
        if task.module in _COMMANDS and not guarded:
            said = (
                f"'{task.module}' is told as changed at every run: add `creates`, `removes` or `changed_when`"
            )
            yield Problem(said, task.place)


def _unread_results(playbook: Playbook, play: PlaySpec) -> Iterator[Problem]:
    read = set().union(*(_read_in(other) for other in playbook.plays))
    for task in (*play.tasks, *play.handlers):
        if task.register and task.register not in read:
            place = task.document.place((*task.steps, "register"))
            yield Problem(f"nothing reads the result that is registered as '{task.register}'", place)


def _read_in(play: PlaySpec) -> set[str]:
    own = _mentioned_by([*play.vars.values(), *play.defaults.values(), play.environment])
    of_tasks = [mentions(play, task) for task in (*play.tasks, *play.handlers)]
    return {name for said in (own, *of_tasks) for name in (*said.needed, *said.asked)}


def _open_secrets(task: TaskSpec) -> Iterator[Problem]:
    """Complain of secrets that stand in the playbook and would be printed: nobody knows that they are ones."""
    if task.no_log:
        return
    for name, place in _written_secrets(task.args, task.place_of):
        yield Problem(_open(name), place)
    for name, place in _written_secrets(task.vars, lambda _name: task.place):
        yield Problem(_open(name), place)


def _secrets_in_vars(play: PlaySpec) -> Iterator[Problem]:
    own = {name: play.vars[name] for name in play.vars_places if name in play.vars}
    for name, place in _written_secrets(own, lambda name: play.vars_places[name]):
        yield Problem(_open(name), place)


def _written_secrets(
    values: Mapping[str, Any], place_of: Callable[[str], Place]
) -> Iterator[tuple[str, Place]]:
    for name, value in values.items():
        if isinstance(value, str) and value and _SECRET_NAME.search(name) and not is_template(value):
            yield name, place_of(name)


def _open(name: str) -> str:
    return (
        f"the value of '{name}' stands here and would be printed: name a provider under the play's `secrets`"
    )


def _position(problem: Problem) -> tuple[str, int, int]:
    place = problem.place
    return (str(place.path), place.line, place.column) if place else ("", 0, 0)
