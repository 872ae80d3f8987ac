"""What changes the hosts of a service, beside putting a release into force."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgectl.cli.options import ALL_FORMATS, Check, Common, Deadline, Limit, Wait, command, pace
from edgectl.cli.service_specs import spec_path

SpecArgument = Annotated[
    Path, typer.Argument(metavar="SPEC", help="A specification, or the name of one in INVENTORY/services.")
]


def add_acting(group: typer.Typer) -> None:
    """Add the commands."""

    @command(group, formats=ALL_FORMATS, changing=True)
    def rollback(
        common: Common,
        spec: SpecArgument,
        limit: Limit = None,
        check: Check = False,
        deadline: Deadline = None,
        wait: Wait = None,
    ) -> None:
        """Bring every host back to the release that was in force before, proved as it was; needs no version."""
        from edgectl.cli.running import services, show
        from edgectl.inventory.pattern import select
        from edgectl.ops.deploy import rollback as returning
        from edgectl.ops.deploy.spec import load_spec
        from edgectl.ops.halts import refuse_frozen

        timing = pace(deadline, wait, until_converged=False)
        with services(common) as opened:
            known = load_spec(spec_path(spec, opened.fleet.source))
            hosts = select(opened.fleet, known.place.pattern, limit=limit)
            back = returning.Return(known, hosts, pace=timing)
            if not check:
                refuse_frozen(opened)
            back, prepared, outcome = returning.plan(opened, back)
            if opened.resuming:
                common.finish(returning.roll_back(opened, back))
            show(common, returning.plan_lines(back, outcome))
            if check or not common.confirm("Go?"):
                report = returning.rollback_report(prepared, outcome)
            else:
                report = returning.roll_back(opened, back, outcome)
        common.finish(report)
