"""`freeze`: stop every changing run of the fleet."""

from __future__ import annotations

from typing import Annotated

import typer

from edgectl.cli.options import Common, command
from edgectl.errors import UsageError


def add_to(app: typer.Typer) -> None:
    """Add the command."""

    @command(app)
    def freeze(
        common: Common,
        reason: Annotated[str | None, typer.Option("--reason", help="Why; it is told to everybody.")] = None,
        until: Annotated[
            str | None, typer.Option("--until", metavar="TIME", help="4h, 2d or 2026-12-24T18:00.")
        ] = None,
        lift: Annotated[bool, typer.Option("--lift", help="Let changing runs go on.")] = False,
    ) -> None:
        """Stop every run that changes hosts, or say who did; ping, health and --check go on."""
        from edgectl.clock import SystemClock
        from edgectl.ops import freeze as freezing
        from edgectl.wiring.adapters import open_store

        if lift and (reason, until) != (None, None):
            raise UsageError("--lift takes neither --reason nor --until")
        if until is not None and reason is None:
            raise UsageError("a freeze wants a --reason")
        settings, clock = common.settings(), SystemClock()
        freezes = open_store(settings, clock).freezes
        if lift:
            report = freezing.lift(freezes, clock, settings.started_by)
        elif reason is not None:
            end = None if until is None else freezing.parse_until(until, clock.now())
            report = freezing.freeze(freezes, clock, reason, settings.started_by, end)
        else:
            report = freezing.show(freezes, clock)
        common.finish(report)
