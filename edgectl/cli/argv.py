"""The words that ask for a command again, from what the parser made of them."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

import typer


def words_of(context: typer.Context, *, leaving_out: frozenset[str]) -> tuple[str, ...]:
    """Return verb, arguments and options as they were meant; never a default, nor the options `leaving_out`.

    `exec -yl fra1 all -- ls -l` gives `exec --limit=fra1 -- all ls -l`.
    """
    words = list(_verbs(context))
    arguments: list[str] = []
    for parameter in context.command.params:
        name = parameter.name or ""
        if name in leaving_out or not _is_given(context, name):
            continue
        value = context.params[name]
        if parameter.param_type_name == "argument":
            arguments += [_text(one) for one in _each(value)]
        else:
            words += _option(max(parameter.opts, key=len), value)
    return (*words, "--", *arguments) if arguments else tuple(words)


def _verbs(context: typer.Context) -> Iterator[str]:
    """Yield the names of the groups and of the command, without the program's own."""
    if context.parent is not None:
        yield from _verbs(context.parent)  # type: ignore[arg-type]  # a parent is a plain click Context
        yield context.info_name or ""


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _option(name: str, value: Any) -> list[str]:
    """Return the words of an option; joined by `=`, because a value may begin with a dash."""
    if value is True:
        return [name]
    return [f"{name}={_text(one)}" for one in _each(value)]


def _each(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _text(value: Any) -> str:
    return str(value.value) if isinstance(value, Enum) else str(value)
