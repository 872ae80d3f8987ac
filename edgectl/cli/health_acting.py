"""`health remediate`, `bundle` and `monitoring`: what is done about findings, and where they go."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from edgectl.catalog.monitoring import Shipped, text_of
from edgectl.cli.options import ALL_FORMATS, Common, Limit, command
from edgectl.errors import UsageError
from edgectl.output.formats import Format

_PRIVATE_FILE = 0o600
_FILES = "One of: " + ", ".join(Shipped)


def add_acting(group: typer.Typer) -> None:
    """Add the commands that act on findings."""
    _add_remediate(group)
    _add_bundle(group)
    _add_monitoring(group)


def _add_remediate(group: typer.Typer) -> None:
    @command(group, formats=ALL_FORMATS, changing=True)
    def remediate(
        common: Common,
        select: Annotated[str, typer.Argument(metavar="SELECT", help="Hosts: a pattern; 'all' is typed.")],
        limit: Limit = None,
        power_hook: Annotated[
            str | None,
            typer.Option(
                "--power-hook",
                metavar="COMMAND",
                help="Cuts a node's power and gives it back; gets its name and address as last words.",
            ),
        ] = None,
    ) -> None:
        """Restart, reset, reboot or power-cycle what findings ask for; a dry run without --yes."""
        from edgectl.catalog.hardware import load_catalog
        from edgectl.catalog.remedies import load_remedies
        from edgectl.cli.running import local_services, services, show
        from edgectl.ops.halts import refuse_frozen
        from edgectl.ops.remediate.apply import Books, carry_out_plan, plan, plan_on_record
        from edgectl.ops.remediate.plan import plan_lines
        from edgectl.ops.remediate.report import dry_report, remedied_report

        books = Books(load_remedies(), load_catalog())
        hook = shlex.split(power_hook or "")
        with services(common) as opened:
            if opened.resuming:
                decided = plan_on_record(opened)
            else:
                decided = plan(opened, books, select, limit, has_hook=bool(hook))
            if not opened.resuming and not (common.yes and decided.acts):
                common.finish(dry_report(decided, books.remedies, opened.clock.now()))
            refuse_frozen(opened)
            show(common, plan_lines(decided, books.remedies))
            done = carry_out_plan(opened, books, decided, lambda: local_services(common), hook)
        common.finish(remedied_report(done, books.remedies))


def _add_bundle(group: typer.Typer) -> None:
    @command(group)
    def bundle(
        common: Common,
        host: Annotated[str, typer.Argument(metavar="HOST", help="One host.")],
        to: Annotated[
            Path, typer.Option("--to", metavar="FOLDER", help="Where the archive is written.")
        ] = Path(),
        bug_report: Annotated[
            bool, typer.Option("--bug-report", help="With nvidia-bug-report.sh, which takes minutes.")
        ] = False,
    ) -> None:
        """Collect what a manufacturer asks for when a card is returned, without secrets, with digests."""
        from edgectl.cli.running import services
        from edgectl.ops.health.bundling import collect

        with services(common) as opened:
            if host not in opened.fleet.hosts:
                raise UsageError(f"'{host}' is no host of the inventory; a bundle is of one host")
            collected = collect(opened, host, bug_report=bug_report)
        if collected.bundle is not None:
            to.mkdir(parents=True, exist_ok=True)
            path = to / collected.name
            path.touch(_PRIVATE_FILE)
            path.write_bytes(collected.bundle.archive)
        common.finish(collected.report)


def _add_monitoring(group: typer.Typer) -> None:
    @command(group, formats=frozenset({Format.TABLE}))
    def monitoring(
        common: Common, wanted: Annotated[Shipped, typer.Argument(metavar="FILE", help=_FILES)]
    ) -> None:
        """Print a file that comes with edgectl: Prometheus alerts, a Grafana dashboard, a systemd timer."""
        del common
        typer.echo(text_of(wanted), nl=False)
