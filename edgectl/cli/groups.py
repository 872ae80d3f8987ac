"""A group's bare form is its default verb: `health fra1` is `health check fra1`. Handled here alone."""

from __future__ import annotations

from typing import Any

import typer.core


def with_default(verb: str) -> type[typer.core.TyperGroup]:
    """Return a group class that puts `verb` in where none of the group's own is given."""

    class Group(typer.core.TyperGroup):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            if not args or (args[0] not in self.commands and args[0] not in ("--help", "-h")):
                args = [verb, *args]
            return super().parse_args(ctx, args)

    return Group
