"""`bench show`: what is on record."""

from __future__ import annotations

from typing import Annotated

import typer

from edgectl.cli.options import ALL_FORMATS, Common, Limit, command
from edgectl.errors import UsageError


def add_record(group: typer.Typer) -> None:
    """Add the command."""

    @command(group, formats=ALL_FORMATS)
    def show(
        common: Common,
        run: Annotated[
            str | None,
            typer.Argument(
                metavar="RUN", help="A run (default: the latest); with --outliers a pattern of hosts."
            ),
        ] = None,
        limit: Limit = None,
        outliers: Annotated[
            bool, typer.Option("--outliers", help="Who is worse than others of its kind, or than it was.")
        ] = False,
        days: Annotated[int, typer.Option("--days", min=1, help="With --outliers: how far back.")] = 30,
    ) -> None:
        """Show what was measured; no host is contacted."""
        from edgectl.cli.running import services
        from edgectl.clock import SystemClock
        from edgectl.ops.bench.outliers import show_outliers
        from edgectl.ops.bench.show import show_run
        from edgectl.wiring.adapters import open_store

        if not outliers:
            if limit is not None:
                raise UsageError("--limit is for --outliers: a run has the hosts that it has")
            clock = SystemClock()
            common.finish(show_run(open_store(common.settings(), clock).bench, clock, run))
        with services(common) as opened:
            report = show_outliers(opened, run, limit, days)
        common.finish(report)
