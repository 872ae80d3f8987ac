"""`inventory`: validate, query, explain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from edgectl.cli.groups import with_default
from edgectl.cli.options import Common, Limit, Select, command
from edgectl.errors import InputError, UsageError
from edgectl.output.formats import Format


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Validate, query and explain the inventory.", cls=with_default("list"))
    app.add_typer(group, name="inventory")

    @command(group)
    def check(common: Common) -> None:
        """Say what is wrong with the inventory, with file, line and column."""
        from edgectl.clock import SystemClock
        from edgectl.ops.fleet import check_report
        from edgectl.wiring.fleet import read_fleet

        common.finish(check_report(read_fleet(common.settings()), SystemClock().now()))

    @command(group, "list")
    def list_(common: Common, select: Select = None, limit: Limit = None) -> None:
        """List hosts, a line per PoP; of more than 100 PoPs, a line per metro."""
        from edgectl.clock import SystemClock
        from edgectl.inventory import pattern
        from edgectl.ops.fleet import list_report
        from edgectl.wiring.fleet import load_fleet

        fleet = load_fleet(common.settings())
        names = pattern.select_names(fleet, select or "all", limit=limit)
        is_json = common.output is Format.JSON
        common.finish(list_report(fleet, names, SystemClock().now(), detailed=is_json))

    @command(group)
    def show(common: Common, host: Annotated[str, typer.Argument(help="A host's name.")]) -> None:
        """Show what is in force at a host, and where each value was written."""
        from edgectl.clock import SystemClock
        from edgectl.ops.fleet import show_report
        from edgectl.wiring.fleet import load_fleet

        fleet = load_fleet(common.settings())
        if host not in fleet.hosts:
            from edgectl.complaints import did_you_mean

            near = did_you_mean(host, fleet.hosts)
            said = near if near.startswith("; did") else ""
            raise InputError(f"there is no host '{host}'{said}", hint="edgectl inventory list")
        common.finish(show_report(fleet.hosts[host], SystemClock().now()))

    @command(group)
    def schema(common: Common) -> None:  # noqa: ARG001 - takes the common options as every command does
        """Print the JSON Schema of inventory files."""
        from edgectl.inventory.json_schema import json_schema

        typer.echo(json.dumps(json_schema(), indent=2))

    @command(group)
    def generate(
        common: Common,  # noqa: ARG001 - takes the common options as every command does
        folder: Annotated[Path, typer.Argument(help="A folder to write; it must be empty or absent.")],
        pops: Annotated[int, typer.Option("--pops", min=1, help="How many PoPs.")] = 24,
        seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same fleet.")] = 1,
    ) -> None:
        """Write a synthetic fleet on real metros, to try things at size."""
        from edgectl.inventory.generate import generate as make

        if folder.exists() and any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty", hint="name a new folder")
        try:
            files = make(pops, seed)
        except ValueError as error:
            raise UsageError(str(error)) from None
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        typer.echo(f"{folder}: {pops} PoPs in {len(files)} files", err=True)
