"""Commands that parse their words without pydantic where these say plainly what they mean.

typer makes a pydantic adapter for each option of a command, given or not. Importing what that takes costs more than
all else that `inventory list` does. Whatever is not plain, a wrong value above all, is left to typer, whose
messages are the ones that people read.
"""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import Any

import typer.core

_NOT_PLAIN = object()


class QuickCommand(typer.core.TyperCommand):
    """A command whose parameters try the short way first."""

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters, `--help` among them."""
        return _hastened(super().get_params(ctx))


class QuickGroup(typer.core.TyperGroup):
    """A group whose parameters do."""

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters, `--help` among them."""
        return _hastened(super().get_params(ctx))


def _hastened(parameters: Any) -> Any:
    for parameter in parameters:
        # There is no public way; a typer that keeps its own elsewhere is only slower.
        parameter._runtime_param = _Plain()  # noqa: SLF001
    return parameters


class _Plain:
    """Stands where typer keeps the way to understand one parameter."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return what a plain value means; for any other let typer build its own way, and go that."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        meant = _meant(value, param.type_descriptor.annotation)
        if meant is not _NOT_PLAIN:
            return meant
        param._runtime_param = None  # noqa: SLF001 - as above
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


def _meant(value: Any, annotation: Any) -> Any:
    """Return what the words for a parameter of this type mean beyond doubt, else `_NOT_PLAIN`."""
    if annotation is str and isinstance(value, str):
        return value
    if annotation is Path and isinstance(value, str):
        # typer refuses what is there and cannot be read.
        return _NOT_PLAIN if Path(value).exists() and not os.access(value, os.R_OK) else Path(value)
    if annotation in (int, float) and type(value) is annotation:
        return value
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return next((one for one in annotation if value is one or value == one.value), _NOT_PLAIN)
    if (
        annotation == list[str]
        and isinstance(value, list | tuple)
        and all(isinstance(one, str) for one in value)
    ):
        return list(value)
    return _NOT_PLAIN
