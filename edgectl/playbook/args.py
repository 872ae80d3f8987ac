"""A task's arguments against the module's own declaration: the same class that the host builds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from edgectl.complaints import did_you_mean
from edgectl.errors import Problem
from edgectl.playbook.free_form import command_line, key_values
from edgectl.playbook.model import TaskSpec
from edgectl.remote import registry
from edgectl.remote.args import ArgumentError, build, coerce, field_named, public_names
from edgectl.remote.job import FLUSH
from edgectl.remote.template import is_template


def free_form_arguments(module: str, value: Any) -> dict[str, Any]:
    """Return a module's arguments from a mapping, a bare text, `key=value` words, or nothing."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        loaded = registry.load(module)
        free_form = getattr(loaded, "FREE_FORM", None)
        if free_form is None:
            return dict(key_values(value))
        return dict(command_line(value, free_form, public_names(loaded.Args)))
    raise ValueError(f"the arguments of '{module}' are a mapping, not {value!r}")


def check_arguments(task: TaskSpec) -> list[Problem]:
    """Return what is wrong with the arguments as they were written; templates are left for later."""
    module = registry.load(task.module)
    if task.module == FLUSH or getattr(module, "FREE_KEYS", False):
        return []
    problems = [Problem(message, task.place_of(name)) for name, message in _wrong(module.Args, task.args)]
    if not problems and not is_template(dict(task.args)) and not _is_filled_in_later(module.Args):
        problems = [Problem(message, task.place) for message in _wrong_together(module.Args, task.args)]
    return problems


def _wrong(kind: Any, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    known = public_names(kind)
    for name, value in given.items():
        field = field_named(kind, name)
        if field is None or field.metadata.get("internal"):
            yield name, f"unknown argument '{name}'{did_you_mean(name, known)}"
        elif not is_template(value):
            try:
                coerce(name, value, str(field.type))
            except ArgumentError as error:
                yield name, str(error)


def _wrong_together(kind: Any, given: Mapping[str, Any]) -> Iterator[str]:
    try:
        build(kind, dict(given))
    except ArgumentError as error:
        yield str(error)


def _is_filled_in_later(kind: Any) -> bool:
    """Tell whether the compiler adds arguments, so that rules over all of them cannot be checked yet."""
    return any(field.metadata.get("internal") for field in kind.__dataclass_fields__.values())
