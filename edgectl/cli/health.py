"""`health`: what the nodes say about their GPUs, judged."""

from __future__ import annotations

from typing import Annotated

import typer

from edgectl.catalog.rules_model import Severity
from edgectl.cli.groups import with_default
from edgectl.cli.health_acting import add_acting
from edgectl.cli.options import ALL_FORMATS, Common, Limit, Select, command

FailOn = Annotated[
    Severity, typer.Option("--fail-on", help="The least severity that makes a host count as failed.")
]


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="GPU health, judged against the inventory.", cls=with_default("check"))
    app.add_typer(group, name="health")

    @command(group, formats=ALL_FORMATS)
    def check(
        common: Common, select: Select = None, limit: Limit = None, fail_on: FailOn = Severity.CRITICAL
    ) -> None:
        """Read and judge every GPU; nothing is changed, no lock is taken."""
        from edgectl.cli.running import services
        from edgectl.ops.health.apply import check as run_check

        with services(common) as opened:
            report = run_check(opened, select, limit, fail_on)
        common.finish(report)

    @command(group)
    def explain(
        common: Common,
        finding: Annotated[str, typer.Argument(metavar="FINDING", help="As pcie-width or xid-79.")],
    ) -> None:
        """Say what a finding means, where the rule comes from and what clears it."""
        from edgectl.catalog.rules import load_rules
        from edgectl.catalog.xid import load_xids
        from edgectl.clock import SystemClock
        from edgectl.ops.health.explain import explain as run_explain

        common.finish(run_explain(finding, load_rules(), load_xids(), SystemClock().now()))

    add_acting(group)
