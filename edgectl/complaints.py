"""What pydantic says about a file, said again with `file:line:column` and a "did you mean"."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from edgectl.errors import InputError, Problem
from edgectl.yaml_source import Document

# More than this is a search, not a choice.
_LISTED = 16

# Stands for the whole document, where None is a value that somebody wrote.
_WHOLE: Any = object()

Steps = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


def validate(model: type[Model], document: Document, value: Any = _WHOLE, at: Steps = ()) -> Model:
    """Return `value` (the whole document by default) as `model`, or raise `InputError` with every complaint.

    `at` says where in the document `value` stands.
    """
    try:
        return model.model_validate(document.value if value is _WHOLE else value)
    except ValidationError as error:
        raise InputError(list(_problems(model, document, error, at))) from None


def did_you_mean(word: str, known: Iterable[str], *, listed: bool = True) -> str:
    """Return "; did you mean 'x'?", or what there is to choose from where nothing is near and `listed`."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; known: {', '.join(names)}" if listed and 0 < len(names) <= _LISTED else ""


def _problems(
    model: type[BaseModel], document: Document, error: ValidationError, at: Steps
) -> Iterator[Problem]:
    for detail in error.errors(include_url=False):
        steps = tuple(detail["loc"])
        place = document.place((*at, *_written(steps)))
        name = str(steps[-1]) if steps else ""
        match detail["type"]:
            case "extra_forbidden":
                known = _field_names(model, steps[:-1])
                yield Problem(f"unknown key '{name}'{did_you_mean(name, known)}", place)
            case "missing":
                yield Problem(f"the key '{name}' is missing", place)
            case "value_error":
                yield Problem(f"{_dotted(steps)}{detail['ctx']['error']}", place)
            case "model_type" | "dict_type":
                yield Problem(f"{_dotted(steps)}a mapping is wanted, not {_shown(detail['input'])}", place)
            case "string_type":
                yield Problem(f"{_dotted(steps)}{_text_wanted(document, (*at, *_written(steps)))}", place)
            case "int_type" | "float_type" if str(detail["input"]).isdigit():
                number = detail["input"]
                yield Problem(f"{_dotted(steps)}a number is wanted; write {number} without quotes", place)
            case _:
                said = detail["msg"][0].lower() + detail["msg"][1:]
                yield Problem(f"{_dotted(steps)}{said}, not {_shown(detail['input'])}", place)


def _text_wanted(document: Document, steps: Steps) -> str:
    """Say it with the text as it stands in the file: YAML reads `NO` as false and `1.10` as 1.1."""
    written = document.written(steps)
    return f'text is wanted; write "{written}" in quotes' if written else "text is wanted"


def _dotted(steps: Steps) -> str:
    return f"'{'.'.join(map(str, _written(steps)))}': " if steps else ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 - one line of a terminal


def _written(steps: Steps) -> Steps:
    """Drop what pydantic adds to a location and nobody wrote: the branch of a union, '[key]'."""
    return tuple(step for step in steps if isinstance(step, int) or not step.endswith(("]", ")")))


def _field_names(model: type[BaseModel], steps: Steps) -> set[str]:
    """Return the keys that the model at `steps` below `model` accepts."""
    kinds: list[Any] = [model]
    for step in steps:
        kinds = [inner for kind in kinds for inner in _below(kind, step)]
    models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return {field.alias or name for kind in models for name, field in kind.model_fields.items()}


def _below(kind: Any, step: str | int) -> list[Any]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            if step in (name, field.alias):
                return _unfolded(field.annotation)
        return []
    arguments = typing.get_args(kind)
    return _unfolded(arguments[-1]) if arguments else []


def _unfolded(annotation: Any) -> list[Any]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [inner for branch in typing.get_args(annotation) for inner in _unfolded(branch)]
    if typing.get_origin(annotation) is typing.Annotated:
        return _unfolded(typing.get_args(annotation)[0])
    return [annotation]
