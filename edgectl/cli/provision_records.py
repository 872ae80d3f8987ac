"""What is on record of nodes and at them: the verbs of `provision` that change no host."""

from __future__ import annotations

from typing import Annotated

import typer

from edgectl.cli.options import ALL_FORMATS, Common, Limit, command
from edgectl.engine.lifecycle import Stage


def add_records(group: typer.Typer) -> None:
    """Add them."""

    @command(group, formats=ALL_FORMATS)
    def verify(
        common: Common,
        select: Annotated[str, typer.Argument(metavar="[SELECT]", help="Hosts: a pattern.")] = "all",
        limit: Limit = None,
    ) -> None:
        """Prove that the certificates at the nodes are as they were written; nothing is changed."""
        from edgectl.cli.running import services
        from edgectl.ops.provision.verify import verify as verifying
        from edgectl.ops.rollout import Request

        with services(common) as opened:
            common.finish(verifying(opened, Request("provision verify", select, limit)))

    @command(group, formats=ALL_FORMATS)
    def status(
        common: Common,
        select: Annotated[str, typer.Argument(metavar="[SELECT]", help="Hosts: a pattern.")] = "all",
        limit: Limit = None,
    ) -> None:
        """Show where the nodes are in their lives, what is stuck there, and since when; nobody is asked."""
        from edgectl.cli.running import services
        from edgectl.ops.provision.status import status as told

        with services(common) as opened:
            common.finish(told(opened, select, limit))

    @command(group)
    def mark(
        common: Common,
        select: Annotated[str, typer.Argument(metavar="SELECT", help="Hosts: a pattern.")],
        stage: Annotated[Stage, typer.Argument(metavar="STAGE", help="Where they are now.")],
        reason: Annotated[str, typer.Option("--reason", help="Why; it stays on record.")],
        limit: Limit = None,
    ) -> None:
        """Put on record what a person knows of nodes: delivered, racked, in repair, quarantined, retired."""
        from edgectl.cli.running import services
        from edgectl.ops.provision.status import mark as marking

        with services(common) as opened:
            common.finish(marking(opened, select, limit, stage, reason))
