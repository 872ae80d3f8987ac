"""`docs`: what playbooks can be written with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from edgectl.cli.options import Common, command


def add_to(app: typer.Typer) -> None:
    """Add the command."""

    @command(app)
    def docs(
        common: Common,
        module: Annotated[
            str | None, typer.Argument(metavar="[MODULE]", help="Its arguments; else all modules.")
        ] = None,
        schema: Annotated[
            bool, typer.Option("--schema", help="Print the JSON Schema of playbooks, for editors.")
        ] = False,
    ) -> None:
        """List the modules of playbooks, or tell what one of them takes and does.

        Modules of your own are looked for in `modules/` of the folder you are in.
        """
        from edgectl.clock import SystemClock
        from edgectl.ops.docs import list_modules, show_module
        from edgectl.playbook.own_modules import take_in

        take_in(Path.cwd())
        if schema:
            from edgectl.playbook.json_schema import json_schema

            typer.echo(json.dumps(json_schema(), indent=2))
            return
        now = SystemClock().now()
        common.finish(list_modules(now) if module is None else show_module(module, now))
