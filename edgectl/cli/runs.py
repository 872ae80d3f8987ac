"""`runs`: what ran."""

from __future__ import annotations

from typing import Annotated

import typer

from edgectl.cli.groups import with_default
from edgectl.cli.options import Common, command


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="What ran, and how it ended.", cls=with_default("list"))
    app.add_typer(group, name="runs")

    @command(group, "list")
    def list_(
        common: Common,
        limit: Annotated[int, typer.Option("-n", "--number", min=1, help="How many of the latest.")] = 20,
    ) -> None:
        """List the latest runs."""
        from edgectl.clock import SystemClock
        from edgectl.ops.runs import list_runs
        from edgectl.wiring.adapters import history

        common.finish(list_runs(history(common.settings()), SystemClock(), limit))

    @command(group)
    def show(
        common: Common,
        run: Annotated[
            str | None, typer.Argument(help="A run's id or its beginning (default: the latest).")
        ] = None,
        why: Annotated[
            str | None, typer.Option("--why", metavar="HOST", help="Tell this host's tasks.")
        ] = None,
    ) -> None:
        """Show how a run ended."""
        from edgectl.clock import SystemClock
        from edgectl.ops.runs import show_run
        from edgectl.wiring.adapters import history

        common.finish(show_run(history(common.settings()), SystemClock(), run, why))
