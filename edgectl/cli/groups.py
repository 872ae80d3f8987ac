"""Groups of commands: one whose bare form is its default verb, and one that imports a command when it is named."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import typer
import typer.main

from edgectl.cli.quick import QuickGroup


def with_default(verb: str) -> type[QuickGroup]:
    """Return a group class that puts `verb` in where none of the group's own is given.

    So `health fra1` is `health check fra1`. Handled here alone.
    """

    class Group(QuickGroup):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            if not args or (args[0] not in self.commands and args[0] not in ("--help", "-h")):
                args = [verb, *args]
            return super().parse_args(ctx, args)

    return Group


def of_modules(modules: Mapping[str, str]) -> type[QuickGroup]:
    """Return a group class that knows its commands by name, and imports the module of one that is asked for.

    A module of `edgectl.cli` adds its commands with `add_to(app)`; `--version` imports none, `--help` all.
    """

    class Group(QuickGroup):
        def __init__(self, **attrs: Any) -> None:
            super().__init__(**attrs)
            self.commands = {**dict.fromkeys(modules), **self.commands}  # type: ignore[dict-item]  # None until it is imported

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            if cmd_name in modules and self.commands[cmd_name] is None:
                self.commands.update(_commands_of(modules[cmd_name]))
            return super().get_command(ctx, cmd_name)

    return Group


def _commands_of(module: str) -> Mapping[str, Any]:
    app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
    import_module(f"edgectl.cli.{module}").add_to(app)
    return typer.main.get_group(app).commands
