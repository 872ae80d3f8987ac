"""`deploy`: put a model into service."""

from __future__ import annotations

import typer

from edgectl.cli.deploy_acting import SpecArgument, add_acting
from edgectl.cli.deploy_planning import add_planning
from edgectl.cli.options import (
    ALL_FORMATS,
    Check,
    Common,
    Deadline,
    Limit,
    UntilConverged,
    Wait,
    command,
    pace,
)
from edgectl.cli.quick import QuickGroup
from edgectl.cli.service_specs import spec_path


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Put a model into service.", no_args_is_help=True, cls=QuickGroup)
    app.add_typer(group, name="deploy")
    add_planning(group)

    @command(group, formats=ALL_FORMATS, changing=True)
    def apply(
        common: Common,
        spec: SpecArgument,
        limit: Limit = None,
        check: Check = False,
        until_converged: UntilConverged = False,
        deadline: Deadline = None,
        wait: Wait = None,
    ) -> None:
        """Plan, ask, then put the release into force; the previous one stays until the new one proved itself."""
        from edgectl.cli.running import services, show
        from edgectl.ops.deploy import apply as deploying
        from edgectl.ops.deploy.deployment import load_deployment
        from edgectl.ops.halts import refuse_frozen

        timing = pace(deadline, wait, until_converged=until_converged)
        with services(common) as opened:
            deployment = load_deployment(opened, spec_path(spec, opened.fleet.source), limit)
            if not check:
                refuse_frozen(opened)
            if opened.resuming:
                common.finish(deploying.resume(opened, deployment, timing))
            prepared, outcome = deploying.plan(opened, deployment)
            lines = deploying.plan_lines(deployment, outcome)
            show(common, lines)
            if check or not common.confirm("Go?"):
                report = deploying.deploy_report(deployment, prepared, outcome)
            else:
                report = deploying.apply(opened, deployment, outcome, timing)
        common.finish(report)

    add_acting(group)
