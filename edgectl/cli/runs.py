"""`runs`: what ran, what is still running, and how it goes on."""

from __future__ import annotations

from typing import Annotated

import typer

from edgectl.cli.groups import with_default
from edgectl.cli.options import ALL_FORMATS, Common, Limit, command
from edgectl.engine.records import RunHistory

Run = Annotated[
    str | None, typer.Argument(metavar="ID", help="A run's id or its beginning (default: the latest).")
]
Become = Annotated[
    bool, typer.Option("--become", help="The run became root; for one that this store does not know.")
]


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="What ran, what is still running, and how it goes on.", cls=with_default("list"))
    app.add_typer(group, name="runs")

    @command(group, "list")
    def list_(
        common: Common,
        limit: Annotated[int, typer.Option("-n", "--number", min=1, help="How many of the latest.")] = 20,
        stuck: Annotated[
            bool, typer.Option("--stuck", help="Only runs that began work whose end is not known.")
        ] = False,
    ) -> None:
        """List the latest runs."""
        from edgectl.clock import SystemClock
        from edgectl.ops.runs import list_runs, list_stuck

        clock, history = SystemClock(), _history(common)
        common.finish(list_stuck(history, clock) if stuck else list_runs(history, clock, limit))

    @command(group)
    def show(
        common: Common,
        run: Run = None,
        why: Annotated[
            str | None, typer.Option("--why", metavar="HOST", help="Tell what happened to this host.")
        ] = None,
    ) -> None:
        """Show how a run ended."""
        from edgectl.clock import SystemClock
        from edgectl.ops.runs import show_run

        common.finish(show_run(_history(common), SystemClock(), run, why))

    @command(group, formats=ALL_FORMATS)
    def attach(common: Common, run: Run = None, limit: Limit = None, become: Become = False) -> None:
        """Follow begun work to its end and write down how it ended; nothing is started."""
        from edgectl.cli.running import services
        from edgectl.ops.following import attach as follow

        with services(common) as opened:
            report = follow(opened, run, limit, become=become)
        common.finish(report)

    @command(group, formats=ALL_FORMATS)
    def cancel(common: Common, run: Run = None, limit: Limit = None, become: Become = False) -> None:
        """Stop a run at its hosts, with every process that it started."""
        from edgectl.cli.running import services
        from edgectl.ops.following import cancel as stop

        with services(common) as opened:
            report = stop(opened, run, limit, become=become)
        common.finish(report)

    @command(group, formats=ALL_FORMATS)
    def resume(common: Common, context: typer.Context, run: Run = None) -> None:
        """Continue a run that failed, was stopped or lost its controller; nothing is done twice."""
        from edgectl.cli.again import ask_again
        from edgectl.ops.continuing import to_resume

        ask_again(common, context, to_resume(_history(common), run))

    @command(group)
    def prune(
        common: Common,
        older_than: Annotated[str, typer.Option("--older-than", metavar="TIME", help="Such as 30d.")],
    ) -> None:
        """Forget runs that ended long ago; those that may still be continued are kept."""
        from edgectl.clock import SystemClock
        from edgectl.ops.runs import prune as forget

        common.finish(forget(_history(common), SystemClock(), older_than))


def _history(common: Common) -> RunHistory:
    from edgectl.clock import SystemClock
    from edgectl.wiring.adapters import open_store

    return open_store(common.settings(), SystemClock()).history
