"""Which names a template needs, and whether the controller knows them for good.

What depends only on names that nothing in the playbook can rebind is rendered before the first connection;
the rest travels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import jinja2
import jinja2.nodes
from jinja2 import meta

from edgectl.complaints import did_you_mean
from edgectl.playbook.model import PlaySpec, TaskSpec
from edgectl.remote.filters import NEEDS_YAML
from edgectl.remote.template import TemplateError, is_template
from edgectl.remote.template_words import text_environment

# Facts come from the host; the controller never knows them.
FACT_PREFIX = "ansible_"
# What a rescue and a loop see is known without gathering anything.
NO_FACTS = frozenset({"ansible_failed_task", "ansible_failed_result", "ansible_loop_var"})
_HOSTVARS = "put what several hosts need into the play's `vars` or a group's"
_LOOKUPS = "read it with `vars_files` or `-e @FILE`, send it with `copy`, or name a provider under `secrets`"
# What Ansible has and we have not: what to do instead.
_INSTEAD_OF_FUNCTIONS = {
    "lookup": _LOOKUPS,
    "query": _LOOKUPS,
    "q": _LOOKUPS,
    "now": "gather facts and use `ansible_date_time`",
}
_STAT = "ask the host with `stat`, and its result with `r.stat.exists`"
_INSTEAD_OF_WORDS = {
    **dict.fromkeys(
        ("directory", "exists", "file", "link", "is_dir", "is_file", "is_link", "link_exists"), _STAT
    ),
    "fileglob": "write the names out",
    "json_query": "use `selectattr` and `map`",
    "password_hash": "put the hash itself into a secret",
    "unvault": "name a provider under `secrets`",
    "vault": "name a provider under `secrets`",
}
_BUILTINS = frozenset({*jinja2.Environment(autoescape=True).globals, "omit"})
_PARSER = text_environment()


@lru_cache(maxsize=4096)
def names_in_text(text: str) -> frozenset[str]:
    """Return the free names of a template. Raises `jinja2.TemplateSyntaxError`, for unknown filters too."""
    tree = parsed(text)
    _refuse_unknown_words(tree)
    _refuse_lookups(tree)
    found = frozenset(meta.find_undeclared_variables(tree)) - _BUILTINS
    if "hostvars" in found:
        raise jinja2.TemplateSyntaxError(f"'hostvars' is not supported; {_HOSTVARS}", 1)
    return found


def parsed(text: str) -> jinja2.nodes.Template:
    """Return a template's tree. Raises `jinja2.TemplateSyntaxError`."""
    return _PARSER.parse(text)


def _refuse_unknown_words(tree: jinja2.nodes.Template) -> None:
    for node in tree.find_all((jinja2.nodes.Filter, jinja2.nodes.Test)):
        kind, known = _vocabulary(node)
        if node.name not in known:
            instead = _INSTEAD_OF_WORDS.get(node.name)
            hint = f"; {instead}" if instead else did_you_mean(node.name, known, listed=False)
            raise jinja2.TemplateSyntaxError(f"there is no {kind} '{node.name}'{hint}", node.lineno)


def _refuse_lookups(tree: jinja2.nodes.Template) -> None:
    for call in tree.find_all(jinja2.nodes.Call):
        if isinstance(call.node, jinja2.nodes.Name) and call.node.name in _INSTEAD_OF_FUNCTIONS:
            said = f"'{call.node.name}' is not supported; {_INSTEAD_OF_FUNCTIONS[call.node.name]}"
            raise jinja2.TemplateSyntaxError(said, call.lineno)


def _vocabulary(node: jinja2.nodes.Expr) -> tuple[str, Mapping[str, Any]]:
    return ("filter", _PARSER.filters) if isinstance(node, jinja2.nodes.Filter) else ("test", _PARSER.tests)


@lru_cache(maxsize=4096)
def _reads_yaml(text: str) -> bool:
    return any(node.name in NEEDS_YAML for node in _PARSER.parse(text).find_all(jinja2.nodes.Filter))


def libraries_in(value: Any) -> frozenset[str]:
    """Return what must travel beside Jinja2 with the templates in a value."""
    return frozenset({"yaml"}) if any(_reads_yaml(text) for text in texts_in(value)) else frozenset()


def names_in(value: Any) -> frozenset[str]:
    """Return the free names of every template in a value."""
    return frozenset(name for text in texts_in(value) for name in names_in_text(text))


def names_in_condition(condition: Any) -> frozenset[str]:
    """Return the free names of a condition, which is an expression even without braces."""
    return names_in(as_template(condition))


def as_template(condition: Any) -> Any:
    """Return a condition with the braces that it may lack."""
    bare = isinstance(condition, str) and not is_template(condition)
    return "{{ (" + condition + "\n) }}" if bare else condition


def texts_in(value: Any) -> Iterator[str]:
    """Yield every template in a value."""
    if isinstance(value, str):
        if is_template(value):
            yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts_in(key)
            yield from texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)


def rebindable(plays: Iterable[PlaySpec]) -> frozenset[str]:
    """Return every name that some task of these plays may bind at the host."""
    return frozenset(name for play in plays for name in _bound_by_play(play))


def _bound_by_play(play: PlaySpec) -> Iterator[str]:
    yield from play.secrets
    for task in (*play.tasks, *play.handlers):
        yield from _bound_by_task(task)


def _bound_by_task(task: TaskSpec) -> Iterator[str]:
    if task.register:
        yield task.register
    if task.module == "set_fact":
        yield from task.args
    if task.loop is not None:
        yield task.loop_var
        if task.index_var:
            yield task.index_var
    yield from task.vars


class Bindings:
    """The names the controller knows for one host, and which of them stay as they are."""

    def __init__(self, known: Mapping[str, Any], rebound: frozenset[str]) -> None:
        self._known = known
        self._rebound = rebound
        self._settled: dict[str, bool] = {}

    def is_static(self, names: frozenset[str]) -> bool:
        """Tell whether all behind these names is known here for good; an unknown name counts as such.

        Raises `TemplateError` for a variable whose own template cannot be parsed.
        """
        return all(self._is_settled(name) for name in names)

    def closure(self, names: Iterable[str]) -> frozenset[str]:
        """Return the known names that these need, through one another.

        Raises `TemplateError` for a variable whose own template cannot be parsed.
        """
        found: set[str] = set()
        waiting = [name for name in names if name in self._known]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += [other for other in self._names_behind(name) if other in self._known]
        return frozenset(found)

    def _is_settled(self, name: str) -> bool:
        if name not in self._settled:
            self._settled[name] = True  # a variable defined by itself is complained about when it is rendered
            self._settled[name] = self._look(name)
        return self._settled[name]

    def _look(self, name: str) -> bool:
        if name in self._rebound:
            return False
        if name not in self._known:
            return not name.startswith(FACT_PREFIX)
        return self.is_static(self._names_behind(name))

    def _names_behind(self, name: str) -> frozenset[str]:
        try:
            return names_in(self._known[name])
        except jinja2.TemplateSyntaxError as error:
            raise TemplateError(f"the variable '{name}' cannot be parsed: {error.message}") from None
