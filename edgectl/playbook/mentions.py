"""Which names a task's templates mention: those they cannot do without, and those they only ask after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jinja2
import jinja2.nodes

from edgectl.playbook.model import PlaySpec, TaskSpec
from edgectl.playbook.names import as_template, names_in_text, parsed, texts_in
from edgectl.playbook.sources import SourceError, find, read
from edgectl.remote.template import is_template

_ASKING_TESTS = frozenset({"defined", "undefined"})
_ASKING_FILTERS = frozenset({"d", "default"})


@dataclass(frozen=True, slots=True)
class Mentions:
    """Names that must have a value, and names that are asked after (`is defined`, `default`)."""

    needed: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()

    def and_in(self, value: Any) -> Mentions:
        """Return these with those of every template in a value."""
        found = [_of_text(text) for text in texts_in(value)]
        return Mentions(
            self.needed.union(*(one.needed for one in found)), self.asked.union(*(one.asked for one in found))
        )


def mentions(play: PlaySpec, task: TaskSpec) -> Mentions:
    """Return what a task's keywords, arguments and template file mention."""
    found = Mentions()
    for value in _values(play, task):
        found = found.and_in(value)
    return found


def _values(play: PlaySpec, task: TaskSpec) -> Iterator[Any]:
    expression = {"assert": "that", "debug": "var"}.get(task.module, "")
    for name, value in task.args.items():
        listed = value if isinstance(value, list) else [value]
        yield [as_template(one) for one in listed] if name == expression else value
    for conditions in (task.when, task.failed_when, task.changed_when, task.until, [task.ignore_errors]):
        yield [as_template(one) for one in conditions or ()]
    yield from (
        task.name,
        task.loop,
        dict(task.vars),
        dict(task.environment),
        list(task.notify),
        task.become_user,
    )
    if task.module == "template":
        yield _file_of(play, task)


def _file_of(play: PlaySpec, task: TaskSpec) -> str:
    """Return the text of the file that a task renders, or '' where it is not known yet."""
    src = task.args.get("src")
    if not isinstance(src, str) or is_template(src):
        return ""
    try:
        return read(find((*task.folders, play.path.parent), "templates", src)).decode(errors="replace")
    except SourceError:
        return ""  # the compiler says so


@lru_cache(maxsize=4096)
def _of_text(text: str) -> Mentions:
    try:
        free, tree = names_in_text(text), parsed(text)
    except jinja2.TemplateSyntaxError:
        return Mentions()  # the compiler says so, where it matters
    asked = frozenset(name for node in _asking(tree) for name in _root(node)) & free
    # What is asked after in one place may be needed in another, behind that question.
    return Mentions(free - asked, asked)


def _asking(tree: jinja2.nodes.Template) -> Iterator[jinja2.nodes.Node]:
    for test in tree.find_all(jinja2.nodes.Test):
        if test.name in _ASKING_TESTS:
            yield test.node
    for kind in tree.find_all(jinja2.nodes.Filter):
        if kind.name in _ASKING_FILTERS and kind.node is not None:
            yield kind.node


def _root(node: jinja2.nodes.Node) -> Iterator[str]:
    """Yield the name that `a`, `a.b` and `a['b']` begin with."""
    while isinstance(node, (jinja2.nodes.Getattr, jinja2.nodes.Getitem)):
        node = node.node
    if isinstance(node, jinja2.nodes.Name):
        yield node.name
